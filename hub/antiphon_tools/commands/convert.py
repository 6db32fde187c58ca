"""`antiphon convert`: a DeepSpeech network from one kind of file into another."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.exporters.graph import export_pb, export_pbmm
from antiphon_engines.deepspeech.exporters.tflite import export_tflite
from antiphon_engines.deepspeech.importers import load_weights
from antiphon_engines.deepspeech.weights import Weights
from antiphon_engines.errors import EngineError, ModelError

WRITERS: Final[Mapping[str, Callable[[Weights, Path], None]]] = {
    ".npz": Weights.save,
    ".pb": export_pb,
    ".pbmm": export_pbmm,
    ".tflite": export_tflite,
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def convert(
    model: Annotated[
        Path, typer.Argument(help=".npz, .pb, .pbmm, .tflite, or a training checkpoint.")
    ],
    out: Annotated[Path, typer.Argument(help="The file to write; its ending says which kind.")],
    alphabet: Annotated[
        Path | None, typer.Option(help="A checkpoint's alphabet.txt; other files have it inside.")
    ] = None,
    bytes_mode: Annotated[
        bool, typer.Option("--bytes", help="The checkpoint is one of the bytes mode.")
    ] = False,
) -> None:
    """Write a network as another kind of file, for our engine or for Mozilla's and Coqui's own."""
    try:
        write = _writer(out)
        weights = load_weights(model, _alphabet(alphabet, bytes_mode=bytes_mode))
        _save(write, weights, out)
    except EngineError as error:
        print(f"antiphon convert: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    geometry = weights.geometry
    print(f"{out} is written: {geometry.hidden} wide, {geometry.classes - 1} labels")


def _writer(out: Path) -> Callable[[Weights, Path], None]:
    if out.suffix not in WRITERS:
        raise ModelError(f"{out}: its ending must be one of {', '.join(WRITERS)}")
    return WRITERS[out.suffix]


def _alphabet(path: Path | None, *, bytes_mode: bool) -> Alphabet | None:
    if bytes_mode:
        return Alphabet.utf8()
    return Alphabet.read(path) if path else None


def _save(write: Callable[[Weights, Path], None], weights: Weights, out: Path) -> None:
    """Write the file whole or not at all."""
    partly = out.with_name(f".{out.name}.partly")
    try:
        write(weights, partly)
        partly.replace(out)
    except OSError as error:
        raise ModelError(f"{out}: {error.strerror or error}") from None
    finally:
        partly.unlink(missing_ok=True)


def main() -> None:
    """Run `antiphon convert`."""
    app(prog_name="antiphon convert")
