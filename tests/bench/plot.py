"""`python -m tests.bench.plot FILE.json ... [--out FOLDER]`: pictures of what benches printed.

Each file is what one bench wrote with `--json`; its picture is `FOLDER/NAME.svg`. Needs matplotlib
(`pip install matplotlib`), which nothing else here does.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

Figures = Mapping[str, Any]

OURS, THEIRS, OTHER, WRONG = "#1b6ca8", "#b9bec5", "#e0a33c", "#c0392b"
SIZE_IN: Final = (7.2, 3.4)
_FALSE_MAX: Final = 12.0
"""False wakes an hour: what lies beyond is of no use to anybody."""
_WRONG_GOAL: Final = 0.02


def wake(figures: Figures) -> Figure:
    """Draw calls heard against false wakes per hour: either engine by its threshold, and both."""
    figure, axes = _axes("Wake word “alexa”: calls heard, and false wakes")
    colours = {"microwakeword": OTHER, "openwakeword": THEIRS}
    for engine, found in figures["engines"].items():
        points = list(found["phrases"]["alexa"]["at"].values())
        _curve(axes, points, engine, colours[engine], marker="o")
    together = figures["together"]["alexa"]
    points = [found for name, found in together.items() if name.startswith("together")]
    _curve(axes, points, "both that agree", OURS, marker="s")
    shipped = together["shipped"]
    axes.plot(shipped["false_per_hour"], shipped["recall"], "*", color=OURS, markersize=15)
    axes.annotate(
        "as shipped",
        (shipped["false_per_hour"], shipped["recall"]),
        xytext=(8, -16),
        textcoords="offset points",
    )
    snr = figures.get("snr_db")
    axes.set_xlabel("false wakes per hour of hard negatives")
    axes.set_ylabel("calls heard" + (f", noise at {snr:g} dB" if snr is not None else ""))
    axes.legend(frameon=False, loc="lower right")
    return figure


def orders(figures: Figures) -> Figure:
    """Draw spoken orders done rightly against done wrongly, by the confidence that is asked for."""
    conditions = {
        name: found
        for name, found in figures.items()
        if isinstance(found, dict) and "accepted_from" in found
    }
    figure, axes = _axes(
        "Spoken orders: intent and every slot, by the confidence that is asked for"
    )
    for (name, found), colour in zip(conditions.items(), (OURS, OTHER, WRONG), strict=False):
        label = name if name == "clean" else f"{name} dB, kitchen"
        points = found["accepted_from"].values()
        axes.plot(
            [one["wrong"] for one in points],
            [one["right"] for one in points],
            "o-",
            color=colour,
            markersize=4,
            label=f"{label} (n {found['n']})",
        )
        axes.plot(found["wrong"], found["right"], "*", color=colour, markersize=15)
    axes.axvline(_WRONG_GOAL, color=THEIRS, linestyle="--", linewidth=1)
    axes.annotate("goal: 2 % wrong", (_WRONG_GOAL, 0.05), xytext=(4, 0), textcoords="offset points")
    axes.set_xlim(0, None)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("done wrongly")
    axes.set_ylabel("done rightly")
    axes.legend(frameon=False, loc="lower right", title="star: as shipped")
    return figure


def endpoint(figures: Figures) -> Figure:
    """Draw the delay after the last voiced sample by room, beside a fixed silence."""
    rooms = {**figures["rooms"], "one syllable": figures["one_syllable"]}
    figure, axes = _axes("End of speech: delay after the last sound, median and 95th percentile")
    for shift, of, label, colour in (
        (-0.2, lambda found: found, "ours", OURS),
        (0.2, lambda found: found["fixed_700"], "0.7 s of silence", THEIRS),
    ):
        at = [place + shift for place in range(len(rooms))]
        found = [of(room) for room in rooms.values()]
        axes.barh(at, [one["p95_ms"] for one in found], 0.36, color=colour, alpha=0.45)
        medians = [one["median_ms"] for one in found]
        axes.barh(at, medians, 0.36, color=colour, label=label)
        for place, one in zip(at, found, strict=True):
            text = f"{one['median_ms']:.0f} ms, {one['cut_share']:.1%} cut"
            axes.annotate(text, (one["p95_ms"], place), xytext=(4, -4), textcoords="offset points")
    axes.set_xscale("log")
    axes.set_xlim(100, 60_000)
    axes.set_xlabel("milliseconds of audio")
    axes.set_yticks(range(len(rooms)), list(rooms))
    axes.invert_yaxis()
    axes.legend(frameon=False, loc="lower right")
    return figure


def arbitration(figures: Figures) -> Figure:
    """Draw how often the right room answers, by the number of rooms and the rule."""
    rooms = figures["rooms"]
    figure, axes = _axes("Which room answers: share of calls answered in the right one")
    for key, label, colour in (
        ("right_room", "ours", OURS),
        ("raw_loudest", "raw loudest", OTHER),
        ("first_arrival", "first arrival", THEIRS),
    ):
        shares = [found[key] for found in rooms.values()]
        name = f"{label} ({figures[key]:.3f} in all)"
        axes.plot(list(map(int, rooms)), shares, "o-", color=colour, label=name)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("rooms with a satellite")
    axes.legend(frameon=False, loc="lower left")
    return figure


def natural(figures: Figures) -> Figure:
    """Draw what becomes of natural sentences: in scope, and out of it."""
    rows = {}
    for key, name in (("slurp", "SLURP"), ("clinc", "CLINC150")):
        found = figures[key]
        rows[f"{name}, the home's (n {found['n']})"] = (
            found["right"],
            0.0,
            found["asked"],
            found["wrong"],
        )
        outside = found["out_of_scope"]
        served = outside["taken_but_served"] / max(1, outside["n"])
        rows[f"{name}, out of scope (n {outside['n']})"] = (
            0.0,
            served,
            outside["asked"],
            outside["taken"] - served,
        )
    figure, axes = _axes("Natural sentences: " + figures["model"])
    labels = ("understood", "done, though the set has no such thing", "asked back", "done wrongly")
    left = [0.0] * len(rows)
    for place, (label, colour) in enumerate(zip(labels, (OURS, OTHER, THEIRS, WRONG), strict=True)):
        shares = [row[place] for row in rows.values()]
        axes.barh(list(rows), shares, left=left, color=colour, label=label)
        left = [before + share for before, share in zip(left, shares, strict=True)]
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.3, -0.1))
    return figure


def deepspeech(figures: Figures) -> Figure:
    """Draw how much audio a second of the machine hears, by streams at a time."""
    streams = figures["streams"]
    figure, axes = _axes("DeepSpeech at full size: seconds of audio heard in a second")
    names = [*streams]
    speeds = [found["audio_s_per_s"] for found in streams.values()]
    if "libdeepspeech_rtf" in figures:
        names.insert(0, "libdeepspeech, 1")
        speeds.insert(0, round(1 / figures["libdeepspeech_rtf"], 1))
    colours = [THEIRS if name.startswith("lib") else OURS for name in names]
    axes.bar_label(axes.bar(names, speeds, color=colours))
    axes.set_xlabel("streams at a time")
    return figure


DRAWN: Final[Mapping[str, Callable[[Figures], Figure]]] = {
    "wake": wake,
    "orders": orders,
    "endpoint": endpoint,
    "arbitration": arbitration,
    "natural": natural,
    "deepspeech": deepspeech,
}


def main() -> None:
    """Draw what the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plot", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    args = parser.parse_args()
    mpl.rcParams.update({"svg.hashsalt": "antiphon", "svg.fonttype": "none", "font.size": 9})
    for path in args.files:
        figures = json.loads(path.read_text(encoding="utf-8"))
        name = figures.get("set") or figures["bench"]
        if name not in DRAWN:
            sys.exit(f"{path}: there is no picture of {name}; there are {', '.join(DRAWN)}")
        place = args.out / f"{name}.svg"
        DRAWN[name](figures).savefig(place, metadata={"Date": None})
        print(place)


def _axes(title: str) -> tuple[Figure, Any]:
    figure = Figure(SIZE_IN, layout="constrained", facecolor="white")
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _curve(axes: Any, points: list[Figures], label: str, colour: str, marker: str) -> None:
    useful = [one for one in points if one["false_per_hour"] <= _FALSE_MAX]
    axes.plot(
        [one["false_per_hour"] for one in useful],
        [one["recall"] for one in useful],
        marker=marker,
        color=colour,
        label=label,
    )


if __name__ == "__main__":
    main()
