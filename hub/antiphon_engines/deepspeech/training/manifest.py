"""Lists of recordings and what is said in them: DeepSpeech's CSV and Common Voice's TSV."""

import csv
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from antiphon_engines.deepspeech.alphabet import Alphabet
from antiphon_engines.errors import ContextError, TrainingError

ROWS_MAX: Final = 5_000_000
_COLUMNS: Final = {"wav_filename": "transcript", "path": "sentence"}
"""Column of the file to column of the text: DeepSpeech's, Common Voice's."""
_DEV_EVERY: Final = 20
_CLIPS: Final = "clips"
"""Common Voice keeps its recordings in this folder beside the list."""


class Sample(msgspec.Struct, frozen=True):
    """A recording and its text."""

    path: Path
    text: str
    """As the alphabet can write it."""
    labels: tuple[int, ...]


def read_manifest(path: Path, alphabet: Alphabet) -> list[Sample]:
    """Return the manifest's samples; texts lose what the alphabet cannot write.

    Args:
        path: Comma or tab separated, with a line of column names: `wav_filename` and `transcript`,
            or `path` and `sentence`; files relative to it.
        alphabet: The network's.

    Raises:
        TrainingError: it cannot be read, has other columns, or no usable row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            samples = list(_samples(file_rows(file, path), path.parent, alphabet))
    except OSError as error:
        raise TrainingError(f"manifest {path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"manifest {path} is no table of text: {error}") from None
    if not samples:
        raise TrainingError(f"manifest {path} has no row with a text in the model's alphabet")
    return samples


def read_split(
    path: Path, dev: Path | None, alphabet: Alphabet
) -> tuple[list[Sample], list[Sample]]:
    """Return the samples to learn from, and those to judge by.

    Without a manifest for the latter, every twentieth recording (at least one) is one of them, and
    none that is learned from; which, depends on the order alone.

    Raises:
        TrainingError: as `read_manifest`, or there is but one sample.
    """
    samples = read_manifest(path, alphabet)
    if dev is not None:
        return samples, read_manifest(dev, alphabet)
    if len(samples) < 2:  # noqa: PLR2004 - one to learn from, one to judge by
        raise TrainingError(f"manifest {path} has but one recording; give --dev another")
    judged = samples[::_DEV_EVERY]
    return [one for at, one in enumerate(samples) if at % _DEV_EVERY], judged


def normalised(text: str, alphabet: Alphabet) -> str:
    """Return the text in lower case, without accents and signs that the alphabet lacks."""
    if alphabet.kind == "bytes":
        return " ".join(text.split())
    known = set(alphabet.labels)
    kept = (_known(char, known) for char in unicodedata.normalize("NFC", text.lower()))
    return " ".join("".join(kept).split())


def file_rows(file: Iterator[str], path: Path) -> Iterator[tuple[str, str]]:
    """Yield file and text of each row.

    Raises:
        TrainingError: the columns are other ones, or there are too many rows.
    """
    # Quotes are text in Common Voice's lists.
    tabs = path.suffix == ".tsv"
    table = csv.DictReader(
        file,
        delimiter="\t" if tabs else ",",
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
    )
    columns = table.fieldnames or []
    names = next(((a, b) for a, b in _COLUMNS.items() if a in columns and b in columns), None)
    if names is None:
        raise TrainingError(
            f"manifest {path} has the columns {', '.join(columns)[:200]!r}; it needs wav_filename "
            "and transcript, or path and sentence"
        )
    for number, row in enumerate(table):
        if number >= ROWS_MAX:
            raise TrainingError(f"manifest {path} has more than {ROWS_MAX} rows")
        yield row[names[0]] or "", row[names[1]] or ""


def _samples(rows: Iterator[tuple[str, str]], folder: Path, alphabet: Alphabet) -> Iterator[Sample]:
    for name, text in rows:
        said = normalised(text, alphabet)
        if not name or not said:
            continue
        try:
            labels = tuple(alphabet.encode(said))
        except ContextError:
            continue  # a byte 0, which no label stands for
        path = folder / name
        yield Sample(path if path.exists() else folder / _CLIPS / name, said, labels)


def _known(char: str, known: set[str]) -> str:
    if char in known:
        return char
    bare = unicodedata.normalize("NFD", char)[0]
    if bare in known:
        return bare
    # A sign is no sound, but it may part words; an apostrophe that is unknown joins them.
    return "" if char in "'\u2019" else " "
