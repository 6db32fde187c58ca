"""How well each sound of the model fits each moment of an utterance."""

from typing import Final

import numpy as np

from antiphon_engines.hmm.model import STREAM_WIDTH, STREAMS, AcousticModel, Floats

WINDOW_FRAMES: Final = 3
"""The second differences of a frame reach so far to either side."""
_EXPONENT_MIN: Final = -60.0


class Scorer:
    """Rates all senones of a model; immutable, for any thread."""

    def __init__(self, model: AcousticModel) -> None:
        books, _, self._densities, _ = model.means.shape
        self.senones = model.phones.senones
        precision = 1.0 / model.variances
        constant = -0.5 * (np.log(2 * np.pi * model.variances) + model.means**2 * precision)
        # log density = x² · quadratic + x · linear + constant: one product for all Gaussians.
        terms = (-0.5 * precision, model.means * precision, constant.sum(-1, keepdims=True))
        stacked = np.concatenate(terms, axis=-1).astype(np.float32)
        self._gaussians = [
            np.ascontiguousarray(stacked[:, stream].reshape(-1, 2 * STREAM_WIDTH + 1).T)
            for stream in range(STREAMS)
        ]
        owners = model.phones.base_of_senone
        self._books = [
            (book, columns, [np.ascontiguousarray(one[:, columns]) for one in model.weights])
            for book in range(books)
            if len(columns := np.flatnonzero(owners == book))
        ]

    def score(self, features: Floats) -> Floats:
        """Return log likelihoods, natural logarithm.

        Args:
            features: (frames, 39), see `differences`.

        Returns:
            (frames, senones).
        """
        count = len(features)
        scores = np.zeros((count, self.senones), np.float32)
        ones = np.ones((count, 1), np.float32)
        for stream, gaussians in enumerate(self._gaussians):
            part = features[:, STREAM_WIDTH * stream : STREAM_WIDTH * (stream + 1)]
            powers = np.concatenate((part**2, part, ones), axis=1)
            densities = (powers @ gaussians).reshape(count, -1, self._densities)
            best = densities.max(axis=-1, keepdims=True)
            likely = np.exp(np.maximum(densities - best, _EXPONENT_MIN))
            for book, columns, weights in self._books:
                scores[:, columns] += np.log(likely[:, book] @ weights[stream]) + best[:, book]
        return scores


def differences(cepstra: Floats, *, before: Floats, after: Floats) -> Floats:
    """Return cepstra with their first and second differences over two frames, (frames, 39).

    Args:
        cepstra: (frames, 13).
        before: The WINDOW_FRAMES frames in front.
        after: The WINDOW_FRAMES frames behind.
    """
    padded = np.concatenate((before, cepstra, after))
    count = len(cepstra)

    def at(offset: int) -> Floats:
        begin = WINDOW_FRAMES + offset
        return padded[begin : begin + count]

    first = at(2) - at(-2)
    second = (at(3) - at(-1)) - (at(1) - at(-3))
    joined: Floats = np.concatenate((at(0), first, second), axis=1).astype(np.float32)
    return joined
