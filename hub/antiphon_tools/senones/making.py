"""From recordings with their texts to a file of the network; the same seed, the same network."""

import json
import logging
import multiprocessing
import random
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.training.recordings import read_recording
from antiphon_engines.errors import TrainingError
from antiphon_engines.hmm.model import STATES, AcousticModel
from antiphon_engines.hmm.network import Header, Network, read_network, write_network
from antiphon_engines.stt.features import BANDS
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools.senones import voices
from antiphon_tools.senones.aligning import Aligner
from antiphon_tools.senones.copies import Frames, Recording, copy
from antiphon_tools.senones.texts import texts
from antiphon_tools.senones.training import SCALE, Plan, Trainer, batch_count
from antiphon_tools.senones.wording import Wording

log = logging.getLogger(__name__)

UNHEARD_EVERY: Final = 10
"""Of the speakers, one in so many is only listened to for a figure."""
FEWEST_FRAMES: Final = 250
"""A senone that is heard less often shares a class with others of its phone and state."""
SAID_SHARE: Final = 0.6
"""Of the made voices' sentences, in each pass: people count more."""
PRIOR_FRAMES: Final = 5.0
_WORDS: Final = re.compile(r"[a-z']+")

Classes = npt.NDArray[np.int64]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What the network is made of."""

    manifest: Path
    """JSON lines with `path`, `speaker`, and `text`; or `intent` and `slots`, see `templates`."""
    root: Path
    """What the paths are below."""
    templates: Path | None = None
    """Sentences among which the words of recordings without `text` are looked for."""
    start: Path | None = None
    """The network to go on from, with its sizes and classes; none: chance weights."""
    spoken: int = 2600
    """Sentences that made voices say."""
    plan: Plan = Plan()


def make(recipe: Recipe, out: Path) -> dict[str, Any]:
    """Train and write the network; return what it was made of.

    Raises:
        TrainingError: a recording or a program is missing.
        OSError: the manifest cannot be read, or the file not be written.
    """
    if gone := voices.missing():
        raise TrainingError(f"{', '.join(gone)} missing: install flite, festival and espeak-ng")
    read = _read(recipe)
    said = _said(recipe, [text for _, text, _ in read])
    aligner = Aligner({word for _, text, _ in (*read, *said) for word in text.split()})
    recordings = list(_aligned(aligner, read, real=True))
    speakers = sorted({one.speaker for one in recordings})
    unheard = set(speakers[::UNHEARD_EVERY])
    learnt = [one for one in recordings if one.speaker not in unheard]
    learnt += _aligned(aligner, said, real=False)
    judged = copy([one for one in recordings if one.speaker in unheard], recipe.plan.seed)
    start = _start(recipe, aligner.model)
    heard = _heard(aligner.model, learnt)
    classes = start.classes if start else _classes(aligner.model, heard)
    log_priors = _log_priors(classes, heard)
    trainer, found = _trained(recipe.plan, learnt, judged, Begin(classes, log_priors, start))
    made_of: dict[str, Any] = {
        "seed": recipe.plan.seed,
        "passes": recipe.plan.passes,
        "recordings": len(read),
        "said": len(said),
        "hours": round(sum(len(one.labels) for one in learnt) / 360_000, 2),
        "right_of_unheard": round(found, 4),
    }
    if start:
        made_of["went_on_from"] = start.header.made_of
    plan = recipe.plan
    header = Header(
        bands=BANDS,
        width=plan.width,
        bottleneck=plan.bottleneck,
        dilations=plan.dilations,
        classes=int(classes.max()) + 1,
        senones=len(classes),
        scale=SCALE,
        made_of=made_of,
    )
    write_network(out, header, trainer.arrays(log_priors), classes)
    return made_of


class Begin(NamedTuple):
    """What training begins with."""

    classes: Classes
    """The class of each senone."""
    log_priors: npt.NDArray[np.float64]
    """Of the classes, (classes,)."""
    network: Network | None
    """With the weights to go on from."""

    def trainer(self, plan: Plan, steps: int) -> Trainer:
        """Return what trains for so many batches."""
        trainer = Trainer(plan, self.classes, steps)
        if self.network is not None:
            trainer.go_on_from(self.network, self.log_priors)
        return trainer


def _start(recipe: Recipe, model: AcousticModel) -> Network | None:
    """Return the network to go on from.

    Raises:
        TrainingError: it has other sizes.
        ModelError: it cannot be read, or is of another model.
    """
    if recipe.start is None:
        return None
    network, plan = read_network(recipe.start, model.phones.senones), recipe.plan
    header = network.header
    sizes = (header.width, header.bottleneck, header.dilations, header.bands, header.scale)
    if sizes != (plan.width, plan.bottleneck, plan.dilations, BANDS, SCALE):
        raise TrainingError(f"{recipe.start} has other sizes than what is trained here")
    return network


def _trained(
    plan: Plan, learnt: Sequence[Recording], judged: Sequence[Frames], begin: Begin
) -> tuple[Trainer, float]:
    """Train on one copy while the next is made in another process."""
    chance = np.random.default_rng(plan.seed)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, _keep, (learnt,)) as pool:
        seeds = iter(range(plan.seed + 1, plan.seed + 1 + plan.passes))
        coming = pool.submit(_copy_of_kept, next(seeds))
        trainer = None
        for number in range(plan.passes):
            frames = coming.result()
            if (seed := next(seeds, None)) is not None:
                coming = pool.submit(_copy_of_kept, seed)
            # Copies differ by a few utterances in which nothing stands out.
            frames = [one for one in frames if one.real or chance.random() < SAID_SHARE]
            trainer = trainer or begin.trainer(plan, batch_count(frames) * plan.passes)
            trainer.learn(frames, chance)
            found = trainer.accuracy(judged)
            log.info("pass %d of %d: %.3f right", number + 1, plan.passes, found)
    assert trainer is not None  # noqa: S101 - there is at least one pass
    return trainer, found


_kept: Sequence[Recording]


def _keep(recordings: Sequence[Recording]) -> None:
    global _kept  # noqa: PLW0603 - a pool's process has no other place to keep them
    _kept = recordings


def _copy_of_kept(seed: int) -> list[Frames]:
    return copy(_kept, seed)


def _read(recipe: Recipe) -> list[tuple[Any, str, str]]:
    """Return recordings with their words and speakers; left out is what no template fits."""
    rows = [json.loads(line) for line in recipe.manifest.read_text(encoding="utf-8").splitlines()]
    wording = Wording(recipe.templates) if recipe.templates else None
    found = []
    for row in rows:
        path, text = recipe.root / row["path"], row.get("text")
        if not text and wording is not None:
            samples = read_recording(path, SAMPLE_RATE_HZ)
            text = wording.text(samples, row["intent"], row["slots"])
        elif not text:
            raise TrainingError(f"{path} has no text in the manifest, and there are no templates")
        if text is not None:
            found.append((path, " ".join(_WORDS.findall(text.lower())), row["speaker"]))
    return found


def _said(recipe: Recipe, read: Sequence[str]) -> list[tuple[Any, str, str]]:
    """Return sentences as made voices say them, some of those that were read among them."""
    found = []
    for number, text in enumerate(texts(recipe.spoken, recipe.plan.seed, read)):
        chance = random.Random(f"{recipe.plan.seed} {number}")  # noqa: S311 - nothing secret
        voice, samples = voices.say(text, chance)
        found.append((samples, text, voice))
    return found


def _aligned(
    aligner: Aligner, said: Sequence[tuple[Any, str, str]], *, real: bool
) -> Iterator[Recording]:
    for source, text, speaker in said:
        samples = read_recording(source, SAMPLE_RATE_HZ) if isinstance(source, Path) else source
        labels = aligner.labels(samples, text)
        if labels is not None:
            yield Recording(samples, labels, speaker, real)


def _heard(model: AcousticModel, learnt: Sequence[Recording]) -> Classes:
    """Return how often each senone is heard."""
    known = np.concatenate([one.labels[one.labels >= 0] for one in learnt])
    heard: Classes = np.bincount(known, minlength=model.phones.senones).astype(np.int64)
    return heard


def _classes(model: AcousticModel, heard: Classes) -> Classes:
    """Return the class of each senone.

    Silence and the model's own noises are one class: which of their states it is, nobody can say.
    """
    phones = model.phones
    fillers = [base for base in range(len(phones.names)) if phones.is_filler(base)]
    silent = np.isin(phones.base_of_senone, fillers)
    classes = 1 + phones.base_of_senone * STATES + phones.place_of_senone
    often = np.flatnonzero(heard >= FEWEST_FRAMES)
    classes[often] = classes.max() + 1 + np.arange(len(often))
    classes[silent] = 0
    _, dense = np.unique(classes, return_inverse=True)
    found: Classes = dense.astype(np.int64)
    return found


def _log_priors(classes: Classes, heard: Classes) -> npt.NDArray[np.float64]:
    frames = np.bincount(classes, weights=heard, minlength=int(classes.max()) + 1) + PRIOR_FRAMES
    priors: npt.NDArray[np.float64] = np.log(frames / frames.sum())
    return priors
