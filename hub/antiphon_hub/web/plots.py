"""Small plots as SVG paths: geometry only, colours are the style sheet's (pure)."""

from collections.abc import Sequence

import msgspec


class Plot(msgspec.Struct, frozen=True):
    """A line and the area below it, in a box of `width` by `height`."""

    line: str
    area: str
    least: float
    most: float
    last: float


class Box(msgspec.Struct, frozen=True):
    """One bar of a waterfall, in percent of the whole."""

    x: float
    width: float


def line(values: Sequence[float], width: float = 240.0, height: float = 48.0) -> Plot | None:
    """Return a plot of evenly spaced values from zero up; None for fewer than two."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    most = max(values)
    top = most if most > 0 else 1.0
    step = width / (len(values) - 1)
    points = [
        f"{index * step:.1f},{height - 2 - value / top * (height - 4):.1f}"
        for index, value in enumerate(values)
    ]
    path = "M" + " L".join(points)
    area_path = f"{path} L{width:.1f},{height:.1f} L0,{height:.1f} Z"
    return Plot(path, area_path, min(values), most, values[-1])


def area(peaks: Sequence[float], width: float = 480.0, height: float = 64.0) -> str:
    """Return the path of a sound wave: one stroke per peak, around the middle."""
    if not peaks:
        return ""
    step, middle = width / len(peaks), height / 2
    strokes = []
    for index, peak in enumerate(peaks):
        # The square root lets quiet speech be seen beside a loud word.
        half = max(0.5, min(1.0, peak) ** 0.5 * (middle - 1))
        strokes.append(f"M{(index + 0.5) * step:.1f},{middle - half:.1f}V{middle + half:.1f}")
    return "".join(strokes)


def bars_of(begin: float, end: float, total: float) -> Box:
    """Return where a bar lies; one too short to be seen is still drawn."""
    if total <= 0:
        return Box(0.0, 0.0)
    x = min(100.0, max(0.0, 100 * begin / total))
    width = max(0.4, 100 * (end - begin) / total)
    return Box(round(min(x, 99.6), 2), round(min(width, 100.0 - min(x, 99.6)), 2))
