"""The results as a picture: bars of ratios to nbgrad, a panel per group."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .case import peer_of
from .report import BASE, Row, duration, grouped, sides_of

# Colour-blind safe (Okabe and Ito 2008); a second way of a peer is the same colour, lighter.
COLOURS = {"torch": "#D55E00", "jax": "#0072B2", "numpy": "#009E73", "numba": "#CC79A7", "python": "#999999"}
BAR = 0.19  # inches of a bar


def draw(rows: Sequence[Row], path: Path, title: str) -> bool:
    """Draw the ratios of all rows in which nbgrad has a time; return whether there was anything to draw."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = {group: [r for r in members if r.base is not None] for group, members in grouped(rows).items()}
    panels = [(group, members, bars(members)) for group, members in groups.items() if bars(members)]
    if not panels:
        return False
    heights = [BAR * (len(found) + len(members)) + 0.75 for _, members, found in panels]
    figure = Figure(figsize=(8.5, sum(heights) + 0.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights})[:, 0]
    for ax, (group, members, found) in zip(axes, panels):
        panel(ax, group, members, found)
    axes[-1].set_xlabel(f"time of the peer / time of {BASE}   (right of the line: {BASE} is faster)")
    figure.suptitle(title, fontsize=10)
    figure.savefig(path)
    return True


def bars(rows: Sequence[Row]) -> list[tuple[float, Row, str, float]]:
    """Return (place, row, side, ratio) of each bar; a gap of one bar is left between rows."""
    found, place = [], 0.0
    for row in rows:
        for side in sides_of(rows):
            ratio = row.ratio(side)
            if ratio is not None:
                found.append((place, row, side, ratio))
                place += 1.0
        place += 1.0
    return found


def panel(ax: Any, group: str, rows: Sequence[Row], found: Sequence[tuple[float, Row, str, float]]) -> None:
    """Draw the bars of one group."""
    for side in sides_of(rows):
        own = [(place, ratio) for place, _, s, ratio in found if s == side]
        alpha = 0.55 if "." in side and any(s == peer_of(side) for s in sides_of(rows)) else 0.95
        # A bar begins at 1: to the right is time that the peer takes more, to the left time that it takes less.
        ax.barh([p for p, _ in own], [r - 1.0 for _, r in own], left=1.0, height=0.85, label=side,
                color=COLOURS.get(peer_of(side), "#E69F00"), alpha=alpha)  # fmt: skip
    for place, _, _, ratio in found:
        text, side = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}", "left" if ratio >= 1 else "right"
        ax.annotate(text, (ratio, place), (3 if ratio >= 1 else -3, 0), textcoords="offset points", ha=side,
                    va="center", fontsize=6.5)  # fmt: skip
    label_rows(ax, rows, found)
    ax.axvline(1.0, color="black", lw=1.0)
    ax.set_xscale("log")
    ax.set_xlim(*reach(found, ax.get_xlim()))
    ax.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    ax.tick_params(axis="x", labelbottom=True, labelsize=7)
    ax.set_title(group, loc="left", fontsize=9, fontweight="bold")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=7)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.invert_yaxis()


def reach(found: Sequence[tuple[float, Row, str, float]], before: tuple[float, float]) -> tuple[float, float]:
    """Return the range of the ratios with room for numbers, no narrower than that of the panels before."""
    ratios = [ratio for _, _, _, ratio in found]
    return min(0.4, 0.5 * min(ratios), *(v for v in before[:1] if v > 0)), max(2.5, 2.0 * max(ratios), before[1])


def label_rows(ax: Any, rows: Sequence[Row], found: Sequence[tuple[float, Row, str, float]]) -> None:
    """Name each row, with nbgrad's time, at the middle of its bars."""
    places = {row.case.name: [p for p, r, _, _ in found if r is row] for row in rows}
    named = [(sum(own) / len(own), row) for row in rows if (own := places[row.case.name])]
    ax.set_yticks([place for place, _ in named],
                  [f"{row.case.name.split('/')[1]}\n{duration(row.base)}" for _, row in named], fontsize=7)  # fmt: skip
    ax.tick_params(axis="y", length=0)
