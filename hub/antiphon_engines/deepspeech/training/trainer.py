"""Training by connectionist temporal classification (Graves et al. 2006), resumable.

Adam with decoupled weight decay (Loshchilov and Hutter 2019); the rate warms up, and halves
three times before the patience with a development set that gains nothing ends.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
import torch

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.deepspeech.model import Network
from antiphon_engines.deepspeech.training.augment import NONE, Augmentation
from antiphon_engines.deepspeech.training.batches import Batch, Corpus
from antiphon_engines.deepspeech.training.errors_rate import edits
from antiphon_engines.deepspeech.weights import Geometry, Weights
from antiphon_engines.errors import TrainingError

CHECKPOINT: Final = "checkpoint.pt"
BEST: Final = "best.npz"
_WARM_UP_STEPS: Final = 100
_NORM_SAMPLES: Final = 200
"""Utterances that the features' mean and deviation are taken from."""
_HALVINGS: Final = 3
"""Of the rate, before patience ends."""
_STD_MIN: Final = 1e-3


class TrainOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to train."""

    epochs: Annotated[int, msgspec.Meta(ge=1)] = 100
    batch: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 16
    rate: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    decay: Annotated[float, msgspec.Meta(ge=0)] = 1e-4
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.05
    patience: Annotated[int, msgspec.Meta(ge=1)] = 8
    """Epochs without a better development set, after which it stops."""
    gradient_max: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    device: Literal["cpu", "cuda"] = "cpu"
    threads: Annotated[int, msgspec.Meta(ge=1)] = 1
    seed: int = 0
    augmentation: Augmentation = Augmentation()


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """What an epoch brought."""

    number: int
    loss: float
    """Of training, nats an utterance letter."""
    dev_loss: float
    dev_letters_wrong: float
    """Letter edits of the likeliest path for each letter of the texts."""
    dev_texts_right: float
    """Share, likewise."""
    better: bool
    seconds: float
    utterances: int


class _Progress(msgspec.Struct, kw_only=True):
    """What a checkpoint holds besides tensors."""

    epoch: int = 0
    step: int = 0
    scale: float = 1.0
    best: float = float("inf")
    waited: int = 0


class Trainer:
    """One network's training; `run` goes on where an earlier one stopped.

    Args:
        network: Where it begins; its normalisation is taken from the recordings if `fresh`.
        alphabet: The network's.
        folder: Of the checkpoint and the best network so far.
        fresh: Whether the network has learned nothing yet.

    Raises:
        TrainingError: no such device, or a checkpoint that does not fit.
    """

    def __init__(
        self,
        network: Network,
        alphabet: Alphabet,
        options: TrainOptions,
        *,
        train: Corpus,
        dev: Corpus,
        folder: Path,
        fresh: bool = True,
    ) -> None:
        if options.device == "cuda" and not torch.cuda.is_available():
            raise TrainingError("torch sees no CUDA device here; train with --device cpu")
        if options.device == "cpu":
            torch.set_num_threads(options.threads)
        self._options = options
        self._alphabet = alphabet
        self._train = train
        self._dev = dev
        self._folder = folder
        self._progress = _Progress()
        if fresh:
            _normalise(network, train, options.seed)
        self._network = network.to(options.device)
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=options.rate, weight_decay=options.decay
        )
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self._progress.epoch

    def resume(self) -> bool:
        """Go on from the folder's checkpoint; False: there is none.

        Raises:
            TrainingError: it is damaged, or of another network.
        """
        path = self._folder / CHECKPOINT
        if not path.exists():
            return False
        try:
            kept: Any = torch.load(path, map_location=self._options.device, weights_only=True)
            progress = msgspec.json.decode(kept["progress"], type=_Progress)
            self._network.load_state_dict(kept["network"])
            self._optimizer.load_state_dict(kept["optimizer"])
        except Exception as error:  # noqa: BLE001 - torch raises many kinds, all of its own
            first = (str(error).splitlines() or [repr(error)])[0]
            raise TrainingError(f"checkpoint {path} cannot be gone on from: {first}") from None
        self._progress = progress
        return True

    def run(self, report: Callable[[Epoch], None]) -> Weights:
        """Train until the epochs are over or the development set gains nothing; return the best.

        Raises:
            TrainingError: a recording cannot be read, or no epoch gave a finite loss.
        """
        progress, options = self._progress, self._options
        while progress.epoch < options.epochs and progress.waited < options.patience:
            began_s = time.monotonic()
            loss, utterances = self._learn(
                self._train.batches(
                    options.batch, how=options.augmentation, seed=options.seed + progress.epoch
                )
            )
            dev_loss, wrong, right = self._examine()
            progress.epoch += 1
            better = dev_loss < progress.best
            self._judge(dev_loss, better=better)
            report(
                Epoch(
                    number=progress.epoch,
                    loss=loss,
                    dev_loss=dev_loss,
                    dev_letters_wrong=wrong,
                    dev_texts_right=right,
                    better=better,
                    seconds=time.monotonic() - began_s,
                    utterances=utterances,
                )
            )
        best = self._folder / BEST
        if not best.exists():
            raise TrainingError("no epoch gave a finite loss; train with a smaller --rate")
        return Weights.load(best)

    def _learn(self, batches: Iterable[Batch]) -> tuple[float, int]:
        """Return the mean loss of an epoch, and its utterances."""
        self._network.train()
        total, letters, utterances = 0.0, 0, 0
        for batch in batches:
            self._progress.step += 1
            warm = min(1.0, self._progress.step / _WARM_UP_STEPS)
            for group in self._optimizer.param_groups:
                group["lr"] = self._options.rate * self._progress.scale * warm
            loss, _ = self._loss(batch)
            self._optimizer.zero_grad()
            (loss / len(batch.texts)).backward()
            torch.nn.utils.clip_grad_norm_(self._network.parameters(), self._options.gradient_max)
            self._optimizer.step()
            total += loss.item()
            letters += int(batch.lengths.sum())
            utterances += len(batch.texts)
        if not utterances:
            raise TrainingError("every recording is too short for its text")
        return total / letters, utterances

    def _loss(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the summed loss, and the log probabilities [frames, utterances, classes]."""
        device = self._options.device
        logits, _ = self._network(batch.inputs.to(device), lengths=batch.frames)
        logs = logits.float().log_softmax(dim=-1).transpose(0, 1)
        loss = torch.nn.functional.ctc_loss(
            logs,
            batch.labels.to(device),
            batch.frames,
            batch.lengths,
            blank=self._alphabet.blank,
            reduction="sum",
            zero_infinity=True,
        )
        return loss, logs

    def _examine(self) -> tuple[float, float, float]:
        """Return loss a letter, wrong letters and right texts of the development set."""
        self._network.eval()
        total, letters, wrong, right, texts = 0.0, 0, 0, 0, 0
        with torch.no_grad():
            for batch in self._dev.batches(self._options.batch, how=NONE, seed=0, shuffled=False):
                loss, logs = self._loss(batch)
                total += loss.item()
                letters += int(batch.lengths.sum())
                for heard, said in zip(self._heard(batch, logs), batch.texts, strict=True):
                    wrong += edits(heard, said)
                    right += heard == said
                texts += len(batch.texts)
        if not texts:
            raise TrainingError("every recording of the development set is too short for its text")
        return total / letters, wrong / letters, right / texts

    def _heard(self, batch: Batch, logs: torch.Tensor) -> list[str]:
        paths = logs.argmax(dim=-1).T.cpu()
        frames = batch.frames.tolist()
        heard = []
        for path, count in zip(paths, frames, strict=True):
            runs = torch.unique_consecutive(path[:count]).tolist()
            labels = [label for label in runs if label != self._alphabet.blank]
            heard.append(" ".join(self._alphabet.decode(labels).split()))
        return heard

    def _judge(self, dev_loss: float, *, better: bool) -> None:
        """Keep the best network, slow down when nothing is gained, write the checkpoint."""
        progress = self._progress
        if better:
            progress.best, progress.waited = dev_loss, 0
            self._network.to_weights(self._alphabet).folded().save(self._folder / BEST)
        else:
            progress.waited += 1
            if progress.waited % max(1, self._options.patience // _HALVINGS) == 0:
                progress.scale /= 2
        part = self._folder / f"{CHECKPOINT}.part"
        kept = {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "progress": msgspec.json.encode(progress),
        }
        torch.save(kept, part)
        part.replace(self._folder / CHECKPOINT)


def begin(
    geometry: Geometry, alphabet: Alphabet, weights: Weights | None, options: TrainOptions
) -> Network:
    """Return a network to train: a fresh one, or one that goes on from others' weights.

    With another alphabet than the weights', the last layer begins anew (transfer learning).
    """
    torch.manual_seed(options.seed)
    if weights is None:
        return Network(geometry, dropout=options.dropout)
    network = Network.from_weights(weights, dropout=options.dropout)
    if weights.alphabet != alphabet:
        network.dense6 = torch.nn.Linear(weights.geometry.hidden, alphabet.classes)
        network.geometry = msgspec.structs.replace(weights.geometry, classes=alphabet.classes)
    return network


def _normalise(network: Network, corpus: Corpus, seed: int) -> None:
    """Give the network its features' mean and deviation; without, training does not begin."""
    random = np.random.default_rng(seed)
    count = min(_NORM_SAMPLES, len(corpus.samples))
    chosen = random.choice(len(corpus.samples), count, replace=False)
    geometry = network.geometry
    middle = slice(geometry.context * geometry.features, (geometry.context + 1) * geometry.features)
    frames = np.concatenate(
        [corpus.utterance(corpus.samples[at], NONE, random)[:, middle] for at in chosen]
    )
    std = np.maximum(frames.std(axis=0), _STD_MIN)
    network.normalise(frames.mean(axis=0), std.astype(np.float32))
