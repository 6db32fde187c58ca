"""From recordings with their texts to a file of the network; the same seed, the same network."""

import json
import logging
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from antiphon_engines.deepspeech.training.recordings import read_recording
from antiphon_engines.errors import TrainingError
from antiphon_engines.hmm.model import STATES, AcousticModel
from antiphon_engines.hmm.network import Header, Network, read_network, write_network
from antiphon_engines.stt.dictation import model_path
from antiphon_engines.stt.features import BANDS
from antiphon_protocol.audio import SAMPLE_RATE_HZ
from antiphon_tools.senones import voices
from antiphon_tools.senones.aligning import Aligner
from antiphon_tools.senones.mixing import piece, surrounded
from antiphon_tools.senones.noises import noises
from antiphon_tools.senones.surroundings import in_floats
from antiphon_tools.senones.texts import texts
from antiphon_tools.senones.training import SCALE, Plan, Source, Trainer, batches
from antiphon_tools.senones.variants import Recording, variants
from antiphon_tools.senones.wording import Wording

log = logging.getLogger(__name__)

UNHEARD_EVERY: Final = 10
"""Of the speakers, one in so many is only listened to for a figure."""
FEWEST_FRAMES: Final = 250
"""A senone that is heard less often shares a class with others of its phone and state."""
VARIANTS: Final = 4
"""Of each recording, kept in memory: 3 MB a minute."""
NOISES: Final = (18, 540)
"""Pieces of noise, at least and at most; between them one for each ten recordings."""
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
    spoken: int = 6000
    """Sentences that made voices say."""
    plan: Plan = Plan()


def make(recipe: Recipe, out: Path) -> dict[str, Any]:
    """Train and write the network; return what it was made of.

    Raises:
        TrainingError: a recording or a program is missing.
        OSError: the manifest cannot be read, or the file not be written.
    """
    if recipe.spoken and (gone := voices.missing()):
        raise TrainingError(f"{', '.join(gone)} missing: install flite, festival and espeak-ng")
    model = AcousticModel(model_path("en-us/en-us"))
    start = _start(recipe, model)
    plan = _sized(recipe.plan, start)
    material = _material(recipe, model, start)
    heard = _heard(model, material.learnt)
    classes = start.classes if start else _classes(model, heard)
    log_priors = _log_priors(classes, heard)
    trainer = Trainer(plan, classes)
    if start is not None:
        trainer.go_on_from(start, log_priors)
    chance = np.random.default_rng(plan.seed)
    source = _source(material.learnt, chance)
    trainer.learn(batches(source, classes, plan.reach, chance))
    judged = variants(material.unheard, 1, chance)
    scenes = [surrounded(one, source.noise, chance) for (one,) in judged]
    found = trainer.accuracy([one for one in scenes if one is not None])
    made_of: dict[str, Any] = {
        "seed": plan.seed,
        "steps": plan.steps,
        "recordings": material.read,
        "said": recipe.spoken,
        "hours": round(sum(len(one.labels) for one in material.learnt) / 360_000, 2),
        "right_of_unheard": round(found, 4),
    }
    if start:
        made_of["went_on_from"] = start.header.made_of
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


class Material(NamedTuple):
    """What there is to learn from."""

    learnt: list[Recording]
    unheard: list[Recording]
    """Of people who are only listened to for a figure."""
    read: int
    """Recordings before those that do not fit their sentence were left out."""


def _material(recipe: Recipe, model: AcousticModel, start: Network | None) -> Material:
    read = _read(recipe)
    said = _said(recipe, [text for _, text, _ in read])
    words = {word for _, text, _ in (*read, *said) for word in text.split()}
    aligner = Aligner(model, words, start)
    people = list(_aligned(aligner, read, real=True))
    unheard = set(sorted({one.speaker for one in people})[::UNHEARD_EVERY])
    learnt = [one for one in people if one.speaker not in unheard]
    learnt += _aligned(aligner, said, real=False)
    apart = [one for one in people if one.speaker in unheard]
    return Material(learnt, apart, len(read))


def _start(recipe: Recipe, model: AcousticModel) -> Network | None:
    """Return the network to go on from.

    Raises:
        TrainingError: it was made for other bands.
        ModelError: it cannot be read, or is of another model.
    """
    if recipe.start is None:
        return None
    network = read_network(recipe.start, model.phones.senones)
    if (network.header.bands, network.header.scale) != (BANDS, SCALE):
        raise TrainingError(f"{recipe.start} was made for other bands than are taken here")
    return network


def _sized(plan: Plan, start: Network | None) -> Plan:
    """Return the plan with the sizes of the network that it goes on from."""
    if start is None:
        return plan
    sizes = {name: getattr(start.header, name) for name in ("width", "bottleneck", "dilations")}
    return msgspec.structs.replace(plan, **sizes)


def _source(learnt: Sequence[Recording], chance: np.random.Generator) -> Source:
    speech = [in_floats(one.samples) for one in learnt]
    pieces = min(max(NOISES[0], len(learnt) // 10), NOISES[1])
    return Source(
        people=variants([one for one in learnt if one.real], VARIANTS, chance),
        made=variants([one for one in learnt if not one.real], VARIANTS, chance),
        noise=[piece(one) for one in noises(pieces, speech, chance)],
    )


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
