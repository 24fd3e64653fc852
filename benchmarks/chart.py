"""The results as a picture: bars of ratios to nbgrad, a panel per group, in one or two columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .case import peer_of
from .report import BASE, Row, duration, grouped, sides_of

# Colour-blind safe (Okabe and Ito 2008); a second way of a peer has the peer's colour, lighter.
COLOURS = {"torch": "#D55E00", "jax": "#0072B2", "numpy": "#009E73", "numba": "#CC79A7", "python": "#999999"}
OTHER = "#E69F00"
BAR, HEAD = 0.16, 0.55  # inches of a bar, and of a panel's title and scale
WIDTH = 6.2  # inches of a column


class Bar(NamedTuple):
    """One ratio, and where its bar stands from the top of its panel."""

    place: float
    row: Row
    side: str
    ratio: float


class Panel(NamedTuple):
    """The bars of one group."""

    group: str
    bars: tuple[Bar, ...]

    @property
    def height(self) -> float:
        """Inches."""
        return HEAD + BAR * (self.bars[-1].place + 1.0)


def panels_of(rows: Sequence[Row]) -> list[Panel]:
    """Return a panel for each group in which there is a ratio."""
    found = [Panel(group, bars_of(members)) for group, members in grouped(rows).items()]
    return [panel for panel in found if panel.bars]


def bars_of(rows: Sequence[Row]) -> tuple[Bar, ...]:
    """Return the bars of a group's rows, one under the other, with a gap between rows."""
    found: list[Bar] = []
    place = 0.0
    for row in rows:
        for side in sides_of(rows):
            ratio = row.ratio(side)
            if ratio is not None:
                found.append(Bar(place, row, side, ratio))
                place += 1.0
        place += 0.8
    return tuple(found)


def columns_of(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Return the panels in one column when they are few, or each below the shorter of two."""
    if len(panels) < 3:
        return [list(panels)]
    columns: list[list[Panel]] = [[], []]
    for panel in panels:
        min(columns, key=lambda column: sum(p.height for p in column)).append(panel)
    return columns


def draw(rows: Sequence[Row], path: Path, title: str) -> bool:
    """Draw the ratios of all rows in which nbgrad has a time; return whether there was anything to draw."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = columns_of(panels_of(rows))
    if not columns[0]:
        return False
    height = max(sum(p.height for p in column) for column in columns)
    figure = Figure(figsize=(WIDTH * len(columns), height + 1.0), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    limits = reach([bar.ratio for column in columns for panel in column for bar in panel.bars])
    for part, column in zip(figure.subfigures(1, len(columns), squeeze=False)[0], columns):
        draw_column(part, column, height, limits)
    figure.suptitle(f"time of the peer / time of {BASE}   (right of the line: {BASE} is faster)\n{title}", fontsize=9)
    legend(figure, rows)
    figure.savefig(path)
    return True


def reach(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the range of the scale, with room for the numbers at the ends of the bars."""
    low, high = min(0.8, *ratios), max(1.25, *ratios)
    room = max(2.0, (high / low) ** 0.12)
    return low / room, high * room


def draw_column(part: Any, panels: Sequence[Panel], height: float, limits: tuple[float, float]) -> None:
    """Draw panels one under the other; what is left of the height stays empty."""
    heights = [panel.height for panel in panels]
    rest = [height - sum(heights)] if height - sum(heights) > 0.01 else []
    ratios = {"height_ratios": heights + rest}
    axes = part.subplots(len(heights + rest), 1, squeeze=False, gridspec_kw=ratios)[:, 0]
    for ax, panel in zip(axes, panels):
        draw_panel(ax, panel, limits)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()


def draw_panel(ax: Any, panel: Panel, limits: tuple[float, float]) -> None:
    """Draw the bars of one group."""
    for bar in panel.bars:
        # A bar begins at 1: to the right is time that the peer takes more, to the left time that it takes less.
        ax.barh(bar.place, bar.ratio - 1.0, left=1.0, height=0.85, **style(bar.side))
        text, slower = f"{bar.ratio:.2f}" if bar.ratio < 10 else f"{bar.ratio:.0f}", bar.ratio >= 1.0
        ax.annotate(text, (bar.ratio, bar.place), (3 if slower else -3, 0), textcoords="offset points",
                    ha="left" if slower else "right", va="center", fontsize=6.5)  # fmt: skip
    label_rows(ax, panel)
    ax.axvline(1.0, color="black", lw=1.0)
    ax.set(xscale="log", xlim=limits, ylim=(panel.bars[-1].place + 0.7, -0.7))
    scale(ax, limits)
    ax.tick_params(axis="x", labelsize=7)
    ax.set_title(panel.group, loc="left", fontsize=9, fontweight="bold")
    ax.spines[["top", "right", "left"]].set_visible(False)


def scale(ax: Any, limits: tuple[float, float]) -> None:
    """Write the scale in plain numbers: 1, 2 and 5 of each decade, or 1 alone when there are many decades."""
    from matplotlib.ticker import LogLocator, NullFormatter

    narrow = limits[1] < 200 * limits[0]
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    ax.xaxis.set_major_formatter(lambda v, _: f"{v:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())


def style(side: str) -> dict[str, Any]:
    """Return colour and strength of a side's bars."""
    peer = peer_of(side)
    return {"color": COLOURS.get(peer, OTHER), "alpha": 0.95 if side in (peer, f"{peer}.jit") else 0.5}


def label_rows(ax: Any, panel: Panel) -> None:
    """Name each row, with nbgrad's time, at the middle of its bars."""
    places: dict[str, list[float]] = {}
    times: dict[str, str] = {}
    for bar in panel.bars:
        name = bar.row.case.name.split("/")[1]
        places.setdefault(name, []).append(bar.place)
        times[name] = duration(bar.row.base or 0.0)
    texts = [f"{n}  {times[n]}" if len(own) < 2 else f"{n}\n{times[n]}".replace(", ", ",\n") for n, own in places.items()]
    ax.set_yticks([sum(own) / len(own) for own in places.values()], texts, fontsize=7)
    ax.tick_params(axis="y", length=0)


def legend(figure: Any, rows: Sequence[Row]) -> None:
    """Name the colours, once for all panels."""
    from matplotlib.patches import Patch

    drawn = {bar.side for panel in panels_of(rows) for bar in panel.bars}
    sides = [side for side in sides_of(rows) if side in drawn]
    figure.legend(handles=[Patch(**style(s), label=s) for s in sides], loc="outside lower center", ncols=len(sides),
                  frameon=False, fontsize=8)  # fmt: skip
