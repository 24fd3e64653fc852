"""Boxes and arrows as SVG text: layers from top to bottom, each box under what it reads."""

import html
from typing import NamedTuple

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 150, 40, 22, 34, 20
LINE, FONT = 20, 11  # of the legend: pixels from line to line, and of its letters
WIDEST = 23  # letters of a line in a box


class Box(NamedTuple):
    """One node of a picture: what it says, its kind, what it reads (box numbers), and its tooltip."""

    title: str
    detail: str
    kind: str
    inputs: tuple
    tip: str


class Drawing(str):
    """SVG text that notebooks show as a picture."""

    __slots__ = ()

    def _repr_svg_(self):
        return str(self)


def draw(boxes, colours, legend) -> Drawing:
    """Return a picture of boxes in order, each behind those it reads.

    Parameters
    ----------
    boxes : list of Box
    colours : dict
        Kind -> colour.
    legend : list of (str, str)
        Colour and what it means, in order.
    """
    depth = layers(boxes)
    place = columns(boxes, depth)
    left = min(place.values(), default=0)
    across = lambda i: MARGIN + (place[i] - left) * (WIDTH + GAP_X)
    at = [(across(i), MARGIN + depth[i] * (HEIGHT + GAP_Y)) for i in range(len(boxes))]
    width = max((x for x, _ in at), default=0) + WIDTH + MARGIN
    bottom = max((y for _, y in at), default=0) + HEIGHT + MARGIN
    marks, lines = _legend(legend, width, bottom)
    height = bottom + 24 + MARGIN + LINE * (lines - 1)
    size = f'width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#777"/></marker></defs>',
        f'<rect {size} fill="white"/>',
    ]
    parts += [_arrow(at[j], at[i]) for i, b in enumerate(boxes) for j in b.inputs]
    parts += [_box(b, *at[i], colours[b.kind]) for i, b in enumerate(boxes)]
    return Drawing("\n".join([*parts, *marks, "</svg>"]))


def layers(boxes) -> list:
    """Return the layer of each box: one below its deepest input; what reads nothing just above its first reader."""
    depth, first = [], {}
    for b in boxes:
        depth.append(1 + max((depth[j] for j in b.inputs), default=-1))
        for j in b.inputs:
            first[j] = min(depth[-1], first.get(j, depth[-1]))
    return [max(0, first[i] - 1) if not b.inputs and i in first else depth[i] for i, b in enumerate(boxes)]


def columns(boxes, depth) -> dict:
    """Return the x position of each box: rows ordered, a few times, by the mean place of their neighbours."""
    rows: dict = {}
    for i, d in enumerate(depth):
        rows.setdefault(d, []).append(i)
    place = {i: k for row in rows.values() for k, i in enumerate(row)}
    readers: dict = {}
    for i, b in enumerate(boxes):
        for j in b.inputs:
            readers.setdefault(j, []).append(i)
    for sweep in range(6):
        for d in sorted(rows, reverse=bool(sweep % 2)):
            near = (lambda i: boxes[i].inputs) if sweep % 2 == 0 else (lambda i: readers.get(i, ()))
            rows[d].sort(key=lambda i, near=near: sum(place[j] for j in near(i)) / len(near(i)) if near(i) else place[i])
            place.update({i: k - (len(rows[d]) - 1) / 2 for k, i in enumerate(rows[d])})
    return place


def _legend(legend, width, top):
    """Return (marks and words, lines that they take) of a legend that begins at `top`."""
    parts, x, line = [], MARGIN, 0
    for colour, words in legend:
        taken = 95 if len(words) < 12 else 30 + 6.2 * len(words)
        if x > MARGIN and x + taken > width:
            x, line = MARGIN, line + 1
        y = top + 14 + LINE * line
        parts.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="12" height="12" rx="3" fill="{colour}" stroke="#999"/>'
            f'<text x="{x + 17:.0f}" y="{y + 10:.0f}" font-size="{FONT}" fill="#444">{html.escape(words)}</text>'
        )
        x += taken
    return parts, line + 1


def _arrow(start, end):
    x0, y0, x1, y1 = start[0] + WIDTH / 2, start[1] + HEIGHT, end[0] + WIDTH / 2, end[1]
    bend = max(12, (y1 - y0) / 2)
    curve = f"M{x0:.1f},{y0:.1f} C{x0:.1f},{y0 + bend:.1f} {x1:.1f},{y1 - bend:.1f} {x1:.1f},{y1 - 2:.1f}"
    return f'<path d="{curve}" fill="none" stroke="#999" stroke-width="1.1" marker-end="url(#head)"/>'


def _box(b, x, y, colour):
    title, detail = (html.escape(s if len(s) <= WIDEST else s[: WIDEST - 1] + "…") for s in (b.title, b.detail))
    return (
        f'<g><title>{html.escape(b.tip) or title}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="{colour}" stroke="#888"/>'
        f'<text x="{x + WIDTH / 2:.1f}" y="{y + 17:.1f}" font-size="12" text-anchor="middle">{title}</text>'
        f'<text x="{x + WIDTH / 2:.1f}" y="{y + 32:.1f}" font-size="10" fill="#555" text-anchor="middle">{detail}</text></g>'
    )
