"""Fitting the network of natural wording, and packing it. Needs the extra `torch`."""

import random
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from antiphon_hub.nlu.natural.model import OUT, Arrays, Header
from antiphon_hub.nlu.natural.words import BUCKETS, features, tokens
from antiphon_tools.meaning.sources import Labelled
from antiphon_tools.meaning.vectors import Vectors

FILTERS: Final = 48
MEANS: Final = 32
BATCH: Final = 128
WORD_DROPPED: Final = 0.08
HIDDEN_DROPPED: Final = 0.3
LINEAR_DROPPED: Final = 0.25
"""How often a sentence is learnt without its n-grams, so that the vectors learn it too."""
LINEAR_SHARE: Final = 0.3
INT8_MAX: Final = 127
NEVER: Final = -1e9

Encoded = tuple[list[int], list[int]]


class Fitted(NamedTuple):
    """A network, and the classes and words that it knows."""

    network: "Network"
    intents: tuple[str, ...]
    vectors: Vectors


class Network(nn.Module):  # type: ignore[misc] # torch is not installed where types are checked
    """What `antiphon_hub.nlu.natural.model` computes; there it is explained."""

    def __init__(self, rows: NDArray[np.float32], classes: int) -> None:
        super().__init__()
        width = rows.shape[1]
        padded = np.concatenate([np.zeros((1, width), np.float32), rows])
        self.words = nn.Embedding.from_pretrained(torch.from_numpy(padded), freeze=True)
        self.filters = nn.Conv1d(width, FILTERS, 3, padding=1)
        self.means = nn.Linear(width, MEANS)
        self.output = nn.Linear(FILTERS + MEANS, classes)
        self.buckets = nn.EmbeddingBag(BUCKETS + 1, classes, mode="sum", padding_idx=0, sparse=True)
        nn.init.zeros_(self.buckets.weight)

    def forward(self, words: torch.Tensor, lengths: torch.Tensor, bags: torch.Tensor) -> Any:
        """Return the classes' sums; words and bags count from 1, 0 is padding."""
        places = torch.arange(words.shape[1])[None, :] < lengths[:, None]
        inside = places.float().unsqueeze(-1)
        vectors = self.words(words)
        if self.training:
            vectors = vectors * (torch.rand(words.shape) > WORD_DROPPED).float().unsqueeze(-1)
        convolved = functional.relu(self.filters(vectors.transpose(1, 2)))
        best = (convolved * inside.transpose(1, 2)).max(2)[0]
        mean = (vectors * inside).sum(1) / inside.sum(1)
        hidden = torch.cat([best, torch.tanh(self.means(mean))], 1)
        linear = self.buckets(bags) * LINEAR_SHARE
        if self.training:
            hidden = functional.dropout(hidden, HIDDEN_DROPPED)
            linear = linear * (torch.rand(len(linear), 1) > LINEAR_DROPPED).float()
        return self.output(hidden) + linear


def fit(sentences: Sequence[Labelled], vectors: Vectors, *, seed: int, epochs: int) -> Fitted:
    """Return a network that has learnt the sentences; the same seed gives the same network."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    names = {name for one in sentences for name in one.intents}
    intents = (OUT, *sorted(names - {OUT}))
    classes = {name: at for at, name in enumerate(intents)}
    network = Network(vectors.rows, len(intents))
    places = {word: at for at, word in enumerate(vectors.words)}
    data = [
        (encoded(one.text, places), [classes[name] for name in one.intents], one.weight)
        for one in sentences
    ]
    dense = [
        weight for name, weight in network.named_parameters() if not name.startswith("buckets")
    ]
    adam = torch.optim.AdamW([one for one in dense if one.requires_grad], weight_decay=1e-2)
    adagrad = torch.optim.Adagrad([network.buckets.weight], lr=0.15)
    steps = epochs * -(-len(data) // BATCH)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, 6e-3, total_steps=steps)
    chance = random.Random(seed)  # noqa: S311 - nothing is kept secret by it
    network.train()
    for _ in range(epochs):
        chance.shuffle(data)
        for at in range(0, len(data), BATCH):
            part = data[at : at + BATCH]
            loss = _loss(network, part, len(intents))
            adam.zero_grad()
            adagrad.zero_grad()
            loss.backward()
            adam.step()
            adagrad.step()
            rate.step()
    return Fitted(network.eval(), intents, vectors)


def _loss(network: Network, part: Sequence[Any], classes: int) -> torch.Tensor:
    """Of a sentence with several right intents, all that they share counts."""
    wrong = torch.full((len(part), classes), NEVER)
    for row, (_, right, _weight) in enumerate(part):
        wrong[row, right] = 0
    weights = torch.tensor([weight for _, _, weight in part])
    logs = functional.log_softmax(network(*_batch([one for one, _, _ in part])), 1)
    return -(torch.logsumexp(logs + wrong, 1) * weights).sum() / weights.sum()


def encoded(text: str, places: dict[str, int]) -> Encoded:
    """Return the numbers of words and of features, both from 1."""
    words = tokens(text) or ["?"]
    known = [places[word] + 1 if word in places else 0 for word in words]
    return known, [at + 1 for at in features(words)]


def _batch(items: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    longest = max(len(words) for words, _ in items)
    most = max(len(bag) for _, bag in items)
    words = torch.zeros(len(items), longest, dtype=torch.long)
    bags = torch.zeros(len(items), most, dtype=torch.long)
    for row, (known, bag) in enumerate(items):
        words[row, : len(known)] = torch.tensor(known)
        bags[row, : len(bag)] = torch.tensor(bag)
    lengths = torch.tensor([len(known) for known, _ in items])
    return words, lengths, bags


def pack(fitted: Fitted, made_of: dict[str, Any]) -> tuple[Header, Arrays]:
    """Return the model's file contents."""
    network, vectors = fitted.network, fitted.vectors
    rows, vector_scale = _whole_numbers(vectors.rows)
    linear = network.buckets.weight.detach().numpy()[1:] * LINEAR_SHARE
    buckets, bucket_scale = _whole_numbers(linear)
    layers = (
        network.filters.weight.permute(2, 0, 1),
        network.filters.bias,
        network.means.weight,
        network.means.bias,
        network.output.weight,
        network.output.bias,
    )
    dense = b"".join(one.detach().contiguous().numpy().astype("<f4").tobytes() for one in layers)
    header = Header(
        language="en",
        intents=fitted.intents,
        dimensions=vectors.rows.shape[1],
        filters=FILTERS,
        means=MEANS,
        words=len(vectors.words),
        buckets=BUCKETS,
        vector_scale=vector_scale,
        bucket_scale=bucket_scale,
        made_of=made_of,
    )
    return header, Arrays(vectors.words, rows, buckets, dense)


def _whole_numbers(values: NDArray[np.float32]) -> tuple[bytes, float]:
    """Return int8 numbers and their scale; the few that are far out are cut."""
    scale = float(np.quantile(np.abs(values), 0.9999)) / INT8_MAX or 1.0
    whole = np.clip(np.rint(values / scale), -INT8_MAX, INT8_MAX).astype(np.int8)
    return whole.tobytes(), scale
