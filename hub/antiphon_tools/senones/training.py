"""Training the network of senones. Needs the extra `torch`."""

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from antiphon_engines.hmm.network import FIRST_TAPS, TAPS, Arrays, Network
from antiphon_engines.stt.features import BANDS
from antiphon_tools.senones.aligning import UNKNOWN
from antiphon_tools.senones.mixing import Frames, Piece, surrounded
from antiphon_tools.senones.variants import Variant

log = logging.getLogger(__name__)

SCALE: Final = 0.35
"""Log mel energies vary by about one over it."""
PEOPLE_SHARE: Final = 0.58
"""Of the utterances, those of people: they are fewer, and count more."""
CHUNK: Final = 128
"""Frames of an example."""
BATCH: Final = 48
POOLED_BATCHES: Final = 24
"""Examples of so many batches are shuffled."""
DECAY: Final = 1e-3
SCATTER: Final = 0.2
"""How much each channel of a layer is made louder or softer at random, for a whole example: what
none of them alone can be relied on."""
MASK_SHARE: Final = 0.35
"""Of the examples have a few bands hidden, and a moment (Park et al., "SpecAugment", 2019)."""
WARM_SHARE: Final = 0.08
_SAY_EVERY: Final = 100

Bands = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes and steps."""

    width: int = 512
    bottleneck: int = 192
    dilations: tuple[int, ...] = (1, 1, 2, 2, 3, 3)
    rate: float = 1.5e-3
    steps: int = 3300
    """Batches; a thousand are 17 hours of audio."""
    threads: int = 1
    seed: int = 1

    @property
    def reach(self) -> int:
        """Frames that the network sees to either side."""
        return FIRST_TAPS // 2 + sum(self.dilations)


class Layer(nn.Module):
    """A time-delay layer with a bottleneck."""

    def __init__(self, width: int, bottleneck: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.scatters = False
        self.down = nn.Linear(TAPS * width, bottleneck, bias=False)
        self.up = nn.Linear(bottleneck, width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take and return (examples, frames, width); frames become fewer by two dilations."""
        wide = self.up(self.down(_tapped(x, TAPS, self.dilation)))
        ended = _normed(self.norm, torch.relu(wide))
        if self.scatters:
            own = torch.rand(len(ended), 1, ended.shape[2]) * (2 * SCATTER) + (1 - SCATTER)
            ended = ended * own.to(ended.dtype)
        return ended + x[:, self.dilation : x.shape[1] - self.dilation]


class Net(nn.Module):
    """The network as it is trained."""

    def __init__(self, plan: Plan, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(FIRST_TAPS * BANDS, plan.width)
        self.norm = nn.BatchNorm1d(plan.width)
        self.layers = nn.ModuleList(
            Layer(plan.width, plan.bottleneck, dilation) for dilation in plan.dilations
        )
        self.out = nn.Linear(plan.width, classes)

    def scatter(self, on: bool) -> None:
        """Make channels louder or softer at random, or not."""
        for layer in self.layers:
            layer.scatters = on

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of frames without their margins, (examples, frames, classes)."""
        x = _normed(self.norm, torch.relu(self.first(_tapped(x, FIRST_TAPS, 1))))
        for layer in self.layers:
            x = layer(x)
        found: torch.Tensor = self.out(x)
        return found


def _tapped(x: torch.Tensor, count: int, dilation: int) -> torch.Tensor:
    length = x.shape[1] - (count - 1) * dilation
    return torch.cat([x[:, place * dilation :][:, :length] for place in range(count)], dim=2)


def _normed(norm: nn.BatchNorm1d, x: torch.Tensor) -> torch.Tensor:
    normed: torch.Tensor = norm(x.reshape(-1, x.shape[2])).reshape(x.shape)
    return normed


class Batch(NamedTuple):
    """Examples: frames with margins, and the classes of those inside."""

    bands: torch.Tensor
    classes: torch.Tensor


class Source(NamedTuple):
    """What examples are drawn from."""

    people: Sequence[Sequence[Variant]]
    """Variants of each recording of a person."""
    made: Sequence[Sequence[Variant]]
    """The same of made voices."""
    noise: Sequence[Piece]

    def drawn(self, chance: np.random.Generator) -> Iterator[Frames]:
        """Yield utterances in ever new surroundings, each recording as often as the others."""
        waiting: dict[bool, list[int]] = {True: [], False: []}
        share = PEOPLE_SHARE if self.people and self.made else float(bool(self.people))
        while True:
            of_people = bool(chance.random() < share)
            recordings = self.people if of_people else self.made
            if not waiting[of_people]:
                waiting[of_people] = [int(one) for one in chance.permutation(len(recordings))]
            ways = recordings[waiting[of_people].pop()]
            found = surrounded(ways[int(chance.integers(len(ways)))], self.noise, chance)
            if found is not None:
                yield found


def batches(
    source: Source, classes: Classes, reach: int, chance: np.random.Generator
) -> Iterator[Batch]:
    """Yield batches without end.

    Args:
        source: Utterances.
        classes: The class of each senone.
        reach: Frames around each example.
        chance: Draws them.
    """
    waiting: list[tuple[Bands, Classes]] = []
    for frames in source.drawn(chance):
        waiting += _examples(frames, classes, reach, chance)
        if len(waiting) < BATCH * POOLED_BATCHES:
            continue
        order = chance.permutation(len(waiting))
        for at in range(0, len(order) - BATCH + 1, BATCH):
            chosen = [waiting[int(place)] for place in order[at : at + BATCH]]
            x = np.stack([bands for bands, _ in chosen]) * np.float32(SCALE)
            y = np.stack([labels for _, labels in chosen])
            yield Batch(torch.from_numpy(x), torch.from_numpy(y))
        waiting = [waiting[int(place)] for place in order[len(order) // BATCH * BATCH :]]


def _examples(
    frames: Frames, classes: Classes, reach: int, chance: np.random.Generator
) -> Iterator[tuple[Bands, Classes]]:
    """Yield the pieces of an utterance, cut at other places each time."""
    count = len(frames.bands)
    first = -int(chance.integers(CHUNK)) if count > CHUNK else 0
    for begin in range(first, count, CHUNK):
        seen = np.arange(begin - reach, begin + CHUNK + reach)
        bands = frames.bands[np.clip(seen, 0, count - 1)]
        inside = np.arange(max(0, begin), min(count, begin + CHUNK))
        labels = frames.labels[inside]
        found = np.full(CHUNK, UNKNOWN, np.int64)
        found[inside - begin] = np.where(labels == UNKNOWN, UNKNOWN, classes[labels])
        if chance.random() < MASK_SHARE:
            _mask(bands, chance)
        yield bands, found


def _mask(example: Bands, chance: np.random.Generator) -> None:
    low, width = int(chance.integers(BANDS - 1)), int(chance.integers(1, 6))
    example[:, low : low + width] = 0.0
    begin, length = int(chance.integers(CHUNK)), int(chance.integers(1, 14))
    example[begin : begin + length] = 0.0


class Trainer:
    """Trains one network."""

    def __init__(self, plan: Plan, classes: Classes) -> None:
        """Begin with chance weights.

        Args:
            plan: Sizes and steps.
            classes: The class of each senone.
        """
        torch.manual_seed(plan.seed)
        torch.set_num_threads(plan.threads)
        self._plan = plan
        self._classes = classes
        self.net = Net(plan, int(classes.max()) + 1)
        self._optimizer = torch.optim.AdamW(self.net.parameters(), lr=plan.rate, weight_decay=DECAY)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, max_lr=plan.rate, total_steps=plan.steps + 1, pct_start=WARM_SHARE
        )
        self._loss = nn.CrossEntropyLoss(ignore_index=UNKNOWN)
        self._normalizes = True

    def go_on_from(self, network: Network, log_priors: npt.NDArray[np.float64]) -> None:
        """Take over the weights of a network that is trained, and keep its normalizations.

        Args:
            network: With the plan's sizes and these classes.
            log_priors: Of the classes; they were taken off the bias of its output.
        """
        arrays, net = network.arrays, self.net
        _fill(net.first.weight, arrays["first"].T)
        _fill(net.first.bias, arrays["first_bias"])
        _unfold(net.norm, arrays["first_gain"], arrays["first_shift"])
        for number, layer in enumerate(net.layers):
            _fill(layer.down.weight, arrays[f"down{number}"].T)
            _fill(layer.up.weight, arrays[f"up{number}"].T)
            _fill(layer.up.bias, arrays[f"bias{number}"])
            _unfold(layer.norm, arrays[f"gain{number}"], arrays[f"shift{number}"])
        _fill(net.out.weight, arrays["out"].T)
        _fill(net.out.bias, arrays["out_bias"] + log_priors)
        self._normalizes = False

    def learn(self, batches: Iterator[Batch]) -> None:
        """Take all steps."""
        self.net.train(self._normalizes)
        self.net.scatter(True)
        began, loss_of = time.monotonic(), 0.0
        for number, batch in zip(range(1, self._plan.steps + 1), batches, strict=False):
            loss = self._rated(batch)
            self._optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self._optimizer.step()
            self._schedule.step()
            loss_of += float(loss.detach())
            if not number % _SAY_EVERY:
                took_s = time.monotonic() - began
                mean = loss_of / _SAY_EVERY
                log.info("%d of %d, loss %.3f, %.0f s", number, self._plan.steps, mean, took_s)
                loss_of = 0.0

    def accuracy(self, frames: Sequence[Frames]) -> float:
        """Return the share of frames whose class is the likeliest."""
        self.net.eval()
        self.net.scatter(False)
        right = total = 0
        reach = self._plan.reach
        with torch.no_grad():
            for one in frames:
                around = np.pad(one.bands, ((reach, reach), (0, 0)), "edge") * np.float32(SCALE)
                found = self.net(torch.from_numpy(around[None])).argmax(dim=2)[0].numpy()
                known = one.labels != UNKNOWN
                right += int((found == self._classes[one.labels])[known].sum())
                total += int(known.sum())
        return right / max(1, total)

    def arrays(self, log_priors: npt.NDArray[np.float64]) -> Arrays:
        """Return what `hmm.network` reads; the bias of the output has the priors taken off."""
        net = self.net
        found = {"first": _array(net.first.weight).T, "first_bias": _array(net.first.bias)}
        found["first_gain"], found["first_shift"] = _folded(net.norm)
        for number, layer in enumerate(net.layers):
            found[f"down{number}"] = _array(layer.down.weight).T
            found[f"up{number}"] = _array(layer.up.weight).T
            found[f"bias{number}"] = _array(layer.up.bias)
            found[f"gain{number}"], found[f"shift{number}"] = _folded(layer.norm)
        found["out"] = _array(net.out.weight).T
        found["out_bias"] = (_array(net.out.bias) - log_priors).astype(np.float32)
        return found

    def _rated(self, batch: Batch) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.net(batch.bands)
        flat = logits.float().reshape(-1, logits.shape[2])
        loss: torch.Tensor = self._loss(flat, batch.classes.reshape(-1))
        return loss


def _array(tensor: Any) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = tensor.detach().numpy().astype(np.float32)
    return array


def _fill(parameter: torch.Tensor, values: npt.NDArray[Any]) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values.astype(np.float32)))


def _unfold(
    norm: nn.BatchNorm1d, gain: npt.NDArray[np.float32], shift: npt.NDArray[np.float32]
) -> None:
    """Give a normalization the gain and shift that a trained one became; see `_folded`."""
    assert norm.running_var is not None  # noqa: S101 - it keeps statistics
    norm.running_var.fill_(1.0 - norm.eps)
    _fill(norm.weight, gain)
    _fill(norm.bias, shift)


def _folded(norm: nn.BatchNorm1d) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return a trained normalization as gain and shift."""
    gain = _array(norm.weight) / np.sqrt(_array(norm.running_var) + norm.eps)
    return gain, _array(norm.bias) - _array(norm.running_mean) * gain
