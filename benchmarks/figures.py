"""The figures as a picture: for each goal what was reached, every case as a dot, and the mark to reach."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .goals import Verdict, shown

REACHED, SHORT, INK, PALE = "#0072B2", "#D55E00", "#222222", "#9AA0A6"  # colour-blind safe (Okabe and Ito 2008)
WIDTH, LINE, TOP, FOOT = 11.0, 0.3, 0.95, 0.6  # inches: of all, of a figure, of what stands above and below the figures
SIDES = (0.37, 0.84)  # where the axis begins and ends, of the width: names stand to its left, numbers to its right
GAP = 0.55  # lines between two groups


def scaled(v: Verdict, value: float) -> float:
    """Return a value as a place on the axis: times as fast, or, of a time, how often it fits into its limit."""
    return value if v.goal.side else v.goal.bound / value


def mark(v: Verdict) -> float:
    """Return where on the axis the goal stands."""
    return v.goal.bound if v.goal.side else 1.0


def places(found: Sequence[Verdict]) -> list[float]:
    """Return how far from the top each figure stands, with gaps between groups."""
    tops: list[float] = []
    at = 0.0
    for i, v in enumerate(found):
        at += GAP if i and v.goal.group != found[i - 1].goal.group else 0.0
        tops.append(at)
        at += 1.0
    return tops


def draw(found: Sequence[Verdict], path: Path, title: str) -> bool:
    """Draw all figures that were measured; return whether there was one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = [v for v in found if v.value is not None]
    if not found:
        return False
    tops = places(found)
    height = TOP + LINE * (tops[-1] + 1.7) + FOOT
    picture = Figure(figsize=(WIDTH, height), dpi=130)
    FigureCanvasAgg(picture)
    ax = picture.add_axes((SIDES[0], FOOT / height, SIDES[1] - SIDES[0], 1.0 - (TOP + FOOT) / height))
    spots = [scaled(v, x) for v in found for x in v.values.values()] + [mark(v) for v in found]
    limits = min(0.45, 0.8 * min(spots)), max(2.2, 1.25 * max(spots))
    for v, top in zip(found, tops):
        draw_figure(ax, v, top)
    frame(ax, found, tops, limits)
    reached = sum(v.met for v in found)
    ax.set_title(f"{reached} of {len(found)} figures reached", loc="left", fontsize=13, fontweight="bold", color=INK, pad=36)
    ax.annotate(title, (0.0, 1.0), (0, 26), xycoords="axes fraction", textcoords="offset points", fontsize=8, color=PALE)
    picture.savefig(path)
    return True


def draw_figure(ax: Any, v: Verdict, top: float) -> None:
    """Draw one figure: a bar from 1 to what was reached, its cases, its goal."""
    assert v.value is not None
    colour, end = REACHED if v.met else SHORT, scaled(v, v.value)
    ax.plot([1.0, end], [top, top], color=colour, lw=5, alpha=0.28, solid_capstyle="butt", zorder=1)
    others = [scaled(v, x) for name, x in v.values.items() if name != v.case]
    ax.scatter(others, [top] * len(others), s=13, color=colour, alpha=0.45, lw=0, zorder=2)
    ax.scatter([end], [top], s=52, color=colour, edgecolor="white", lw=1.0, zorder=4)
    ax.plot([mark(v)] * 2, [top - 0.36, top + 0.36], color=INK, lw=1.8, solid_capstyle="butt", zorder=3)


def frame(ax: Any, found: Sequence[Verdict], tops: Sequence[float], limits: tuple[float, float]) -> None:
    """Name figures and groups to the left, say what was reached to the right, and scale the axis."""
    from matplotlib.ticker import FixedLocator, NullLocator

    ax.set(xscale="log", xlim=limits, ylim=(tops[-1] + 0.8, -0.9))
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if limits[0] <= t <= limits[1]]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(lambda t, _: f"{t:g}×")
    ax.set_yticks(list(tops), [named(v) for v in found], fontsize=8.5, color=INK)
    ax.tick_params(axis="y", length=0, pad=6)
    ax.tick_params(axis="x", labelsize=8, colors=INK, length=3)
    ax.axvline(1.0, color=INK, lw=0.8, zorder=0)
    ax.grid(axis="x", color="#E3E6E8", lw=0.7)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_xlabel("times as fast as what stands in italics (of a time: how often it fits into its limit)", fontsize=8, color=INK)
    right, before = ax.get_yaxis_transform(), ""
    for v, top in zip(found, tops):
        if v.goal.group != before:
            before = v.goal.group
            ax.text(-0.76, top, before, transform=right, va="center", fontsize=9, fontweight="bold", color=INK)
        assert v.value is not None
        text = f"{shown(v.goal, v.value)}".replace(" x", "×")
        ax.text(1.02, top, text, transform=right, va="center", fontsize=8.5, fontweight="bold", color=REACHED if v.met else SHORT)
        goal = f"{'≥' if v.goal.side else '≤'} {shown(v.goal, v.goal.bound)}".replace(" x", "×")
        ax.text(1.15, top, goal, transform=right, va="center", fontsize=8, color=PALE)
    head = {"transform": right, "va": "center", "fontsize": 8, "color": PALE}
    ax.text(1.02, -0.9, "reached", **head)
    ax.text(1.15, -0.9, "goal", **head)
    legend(ax)


def named(v: Verdict) -> str:
    """Return what a figure is called on the left."""
    return v.goal.name + (f"   $\\it{{{v.goal.against}}}$" if v.goal.side else "")


def legend(ax: Any) -> None:
    """Say what the marks mean."""
    from matplotlib.lines import Line2D

    dot = {"marker": "o", "lw": 0, "markeredgecolor": "white"}
    handles = [
        Line2D([], [], color=REACHED, markersize=8, label="reached (the worst case, or the mean)", **dot),
        Line2D([], [], color=SHORT, markersize=8, label="short", **dot),
        Line2D([], [], color=REACHED, alpha=0.45, markersize=4.5, label="each case", **{**dot, "markeredgecolor": REACHED}),
        Line2D([], [], color=INK, marker="|", markersize=11, markeredgewidth=1.8, lw=0, label="goal"),
    ]
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, frameon=False, fontsize=8,
              handletextpad=0.3, columnspacing=1.4, borderaxespad=0.1)  # fmt: skip
