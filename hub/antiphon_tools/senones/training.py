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
from antiphon_tools.senones.copies import Frames

log = logging.getLogger(__name__)

SCALE: Final = 0.35
"""Log mel energies vary by about one over it."""
CHUNK: Final = 128
"""Frames of an example."""
BATCH: Final = 16
DECAY: Final = 1e-4
MASK_SHARE: Final = 0.3
"""Of the examples have a few bands hidden, and a moment (Park et al., "SpecAugment", 2019)."""
_SAY_EVERY: Final = 200

Classes = npt.NDArray[np.int64]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes and steps."""

    width: int = 256
    bottleneck: int = 128
    dilations: tuple[int, ...] = (1, 1, 2, 2, 3, 3)
    rate: float = 1e-3
    passes: int = 14
    """Over all recordings, each in new surroundings."""
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
        self.down = nn.Linear(TAPS * width, bottleneck, bias=False)
        self.up = nn.Linear(bottleneck, width)
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Take and return (examples, frames, width); frames become fewer by two dilations."""
        wide = self.up(self.down(_tapped(x, TAPS, self.dilation)))
        ended = _normed(self.norm, torch.relu(wide))
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


def batches(
    frames: Sequence[Frames], classes: Classes, reach: int, chance: np.random.Generator
) -> Iterator[Batch]:
    """Yield all frames once, in batches.

    Args:
        frames: Utterances.
        classes: The class of each senone.
        reach: Frames around each example.
        chance: Gives their order.
    """
    places = [
        (number, begin)
        for number, one in enumerate(frames)
        for begin in range(0, len(one.labels), CHUNK)
    ]
    order = chance.permutation(len(places))
    for at in range(0, len(order) - BATCH + 1, BATCH):
        x = np.empty((BATCH, CHUNK + 2 * reach, BANDS), np.float32)
        y = np.full((BATCH, CHUNK), UNKNOWN, np.int64)
        for row, place in enumerate(order[at : at + BATCH]):
            number, begin = places[int(place)]
            one = frames[number]
            seen = np.arange(begin - reach, begin + CHUNK + reach)
            x[row] = one.bands[np.clip(seen, 0, len(one.bands) - 1)]
            labels = one.labels[begin : begin + CHUNK]
            y[row, : len(labels)] = np.where(labels == UNKNOWN, UNKNOWN, classes[labels])
            if chance.random() < MASK_SHARE:
                _mask(x[row], chance)
        yield Batch(torch.from_numpy(x * np.float32(SCALE)), torch.from_numpy(y))


def batch_count(frames: Sequence[Frames]) -> int:
    """Return how many batches there are."""
    return sum(-(-len(one.labels) // CHUNK) for one in frames) // BATCH


def _mask(example: npt.NDArray[np.float32], chance: np.random.Generator) -> None:
    low, width = int(chance.integers(BANDS - 1)), int(chance.integers(1, 6))
    example[:, low : low + width] = 0.0
    begin, length = int(chance.integers(CHUNK)), int(chance.integers(1, 12))
    example[begin : begin + length] = 0.0


class Trainer:
    """Trains one network."""

    def __init__(self, plan: Plan, classes: Classes, steps: int) -> None:
        """Begin with chance weights.

        Args:
            plan: Sizes.
            classes: The class of each senone.
            steps: Batches that there will be.
        """
        torch.manual_seed(plan.seed)
        torch.set_num_threads(plan.threads)
        self._plan = plan
        self._classes = classes
        self.net = Net(plan, int(classes.max()) + 1)
        self._optimizer = torch.optim.AdamW(self.net.parameters(), lr=plan.rate, weight_decay=DECAY)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, max_lr=plan.rate, total_steps=steps + 1, pct_start=0.1
        )
        self._loss = nn.CrossEntropyLoss(ignore_index=UNKNOWN)
        self.steps_left = steps
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

    def learn(self, frames: Sequence[Frames], chance: np.random.Generator) -> None:
        """Take one copy of all recordings."""
        self.net.train(self._normalizes)
        began, loss_of, count = time.monotonic(), 0.0, 0
        for batch in batches(frames, self._classes, self._plan.reach, chance):
            if not self.steps_left:
                return
            loss = self._rated(batch)
            self._optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self._optimizer.step()
            self._schedule.step()
            self.steps_left -= 1
            loss_of, count = loss_of + float(loss.detach()), count + 1
            if not self.steps_left % _SAY_EVERY:
                took_s = time.monotonic() - began
                log.info("%d left, loss %.3f, %.0f s", self.steps_left, loss_of / count, took_s)

    def accuracy(self, frames: Sequence[Frames]) -> float:
        """Return the share of frames whose class is the likeliest."""
        self.net.eval()
        right = total = 0
        chance = np.random.default_rng(0)
        with torch.no_grad():
            for batch in batches(frames, self._classes, self._plan.reach, chance):
                found = self.net(batch.bands).argmax(dim=2)
                known = batch.classes != UNKNOWN
                right += int((found == batch.classes)[known].sum())
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
