"""`antiphon train`: a speech network from recordings and what is said in them."""

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.importers.load import load_weights
from antiphon_engines.deepspeech.weights import Geometry, Weights
from antiphon_engines.errors import EngineError, EngineMissingError, TrainingError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


ManifestArgument = Annotated[
    Path, typer.Argument(help="DeepSpeech's CSV or Common Voice's TSV: recordings and texts.")
]
Out = Annotated[Path, typer.Option(help="The network to write: .npz.")]
Dev = Annotated[
    Path | None, typer.Option(help="A manifest to judge by; else one in twenty of the recordings.")
]
Start = Annotated[
    Path | None,
    typer.Option("--from", help="Go on from this model: .npz, .pb, .pbmm, .tflite, checkpoint."),
]
AlphabetOption = Annotated[
    Path | None, typer.Option(help="alphabet.txt; else the model's, or English.")
]
Work = Annotated[
    Path | None, typer.Option(help="Folder of the checkpoint; else OUT with .training added.")
]
Width = Annotated[int, typer.Option(min=8, max=4096, help="Of every layer; for a new network.")]
Epochs = Annotated[int, typer.Option(min=1)]
BatchOption = Annotated[int, typer.Option(min=1, max=4096, help="Recordings at a time.")]
Rate = Annotated[float, typer.Option(min=1e-7, max=1.0, help="Learning rate.")]
Patience = Annotated[int, typer.Option(min=1, help="Stop after so many epochs without progress.")]
Augment = Annotated[bool, typer.Option(help="Change speed, room, noise and gain at each reading.")]
DeviceOption = Annotated[str, typer.Option(help="cpu or cuda.")]
Threads = Annotated[int, typer.Option(min=1, help="Of the CPU.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same network.")]
AsObjects = Annotated[bool, typer.Option("--json", help="Print one JSON object an epoch.")]


@app.command()
def train(
    manifest: ManifestArgument,
    out: Out,
    dev: Dev = None,
    start: Start = None,
    alphabet: AlphabetOption = None,
    work: Work = None,
    width: Width = 512,
    epochs: Epochs = 100,
    batch: BatchOption = 16,
    rate: Rate = 1e-3,
    patience: Patience = 8,
    augment: Augment = True,
    device: DeviceOption = "cpu",
    threads: Threads = 1,
    seed: Seed = 0,
    as_objects: AsObjects = False,
) -> None:
    """Train a network by CTC; run it again and it goes on where it was stopped."""
    options: dict[str, Any] = {"epochs": epochs, "batch": batch, "rate": rate, "patience": patience}
    options |= {"device": _device(device), "threads": threads, "seed": seed}
    try:
        trainer, judged = _trainer(
            manifest,
            dev,
            weights=load_weights(start, _alphabet(alphabet)) if start else None,
            alphabet=_alphabet(alphabet),
            geometry=Geometry(hidden=width, lstm=width),
            folder=work or out.with_name(f"{out.name}.training"),
            options=options if augment else options | {"augmentation": _none()},
        )
        _learn(trainer, judged, out, as_objects=as_objects)
    except EngineError as error:
        print(f"antiphon train: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last whole epoch", file=sys.stderr)
        raise typer.Exit(130) from None


def _learn(trainer: Any, judged: Any, out: Path, *, as_objects: bool) -> None:
    if trainer.resume():
        print(f"goes on after epoch {trainer.epoch}", file=sys.stderr)
    best = trainer.run(lambda epoch: _show(epoch, as_objects=as_objects))
    _save(best, out)
    curve = _module("calibrate").calibrate(best, judged)
    if as_objects:
        print(json.dumps({"calibration": {"bias": curve.bias, "slope": curve.slope}}))
    else:
        print(f"{out} is written; its settings:")
        print(f"calibration = {{ bias = {curve.bias:.2f}, slope = {curve.slope:.2f} }}")


def _trainer(
    manifest: Path,
    dev: Path | None,
    *,
    weights: Weights | None,
    alphabet: Alphabet | None,
    geometry: Geometry,
    folder: Path,
    options: dict[str, Any],
) -> tuple[Any, Any]:
    """Return a Trainer and what it judges by; its modules need torch, which few have."""
    trainer, batches = _module("trainer"), _module("batches")
    letters = alphabet or (weights.alphabet if weights else Alphabet.english())
    sized = Geometry(hidden=geometry.hidden, lstm=geometry.lstm, classes=letters.classes)
    settings = trainer.TrainOptions(**options)
    network = trainer.begin(sized, letters, weights, settings)
    samples, judged = _module("manifest").read_split(manifest, dev, letters)
    made = trainer.Trainer(
        network,
        letters,
        settings,
        train=batches.Corpus(samples, network.geometry),
        dev=batches.Corpus(judged, network.geometry),
        folder=folder,
        fresh=weights is None,
    )
    return made, judged


def _module(name: str) -> Any:
    try:
        return importlib.import_module(f"antiphon_engines.deepspeech.training.{name}")
    except ImportError as error:
        raise EngineMissingError(
            f"training needs {error.name}; the extra torch of antiphon-hub brings it"
        ) from None


def _none() -> Any:
    return _module("augment").NONE


def _alphabet(path: Path | None) -> Alphabet | None:
    return Alphabet.read(path) if path else None


def _device(name: str) -> Literal["cpu", "cuda"]:
    match name:
        case "cpu" | "cuda":
            return name
    raise typer.BadParameter(f"{name!r} is neither cpu nor cuda", param_hint="--device")


def _save(weights: Weights, out: Path) -> None:
    try:
        weights.save(out)
    except OSError as error:
        raise TrainingError(f"{out}: cannot be written: {error.strerror}") from None


def _show(epoch: Any, *, as_objects: bool) -> None:
    figures = {name: getattr(epoch, name) for name in epoch.__struct_fields__}
    if as_objects:
        print(json.dumps(figures), flush=True)
        return
    Console(highlight=False).print(
        f"epoch {epoch.number}: loss {epoch.loss:.3f}, development {epoch.dev_loss:.3f}, "
        f"letters wrong {epoch.dev_letters_wrong:.1%}, texts right {epoch.dev_texts_right:.1%}, "
        f"{epoch.utterances / max(epoch.seconds, 1e-9):.0f} recordings/s"
        f"{', the best so far' if epoch.better else ''}"
    )


def main() -> None:
    """Entry point."""
    app()
