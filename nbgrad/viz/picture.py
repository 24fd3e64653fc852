"""A tape as SVG: layers from top to bottom, each box under what it reads."""

import html

from .graph import COLOURS, boxes

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 150, 40, 22, 34, 20


def _layers(all_boxes):
    """Return the layer of each box: one below its deepest input; leaves just above their first reader."""
    depth = []
    for b in all_boxes:
        depth.append(1 + max((depth[j] for j in b.inputs), default=-1))
    for i, b in enumerate(all_boxes):
        readers = [depth[j] for j, c in enumerate(all_boxes) if i in c.inputs]
        if not b.inputs and readers:
            depth[i] = max(0, min(readers) - 1)
    return depth


def _columns(all_boxes, depth):
    """Return the x position of each box: rows ordered, a few times, by the mean place of their neighbours."""
    rows: dict = {}
    for i, d in enumerate(depth):
        rows.setdefault(d, []).append(i)
    place = {i: k for row in rows.values() for k, i in enumerate(row)}
    readers: dict = {}
    for i, b in enumerate(all_boxes):
        for j in b.inputs:
            readers.setdefault(j, []).append(i)
    for sweep in range(6):
        for d in sorted(rows, reverse=bool(sweep % 2)):
            near = (lambda i: all_boxes[i].inputs) if sweep % 2 == 0 else (lambda i: readers.get(i, ()))
            rows[d].sort(
                key=lambda i, near=near: sum(place[j] for j in near(i)) / len(near(i)) if near(i) else place[i]
            )
            place.update({i: k - (len(rows[d]) - 1) / 2 for k, i in enumerate(rows[d])})
    return place


def svg(what) -> str:
    """Return an SVG picture of a `Tape`, or of what a tensor was made from; boxes are coloured by kind of op.

    Hovering over a box shows the user's line that made it.

    >>> from nbgrad import tensor
    >>> svg(tensor([1.0], requires_grad=True) * 2.0).startswith("<svg")
    True
    """
    found = boxes(what)
    depth = _layers(found)
    place = _columns(found, depth)
    left = min(place.values(), default=0)
    at = [
        (MARGIN + (place[i] - left) * (WIDTH + GAP_X), MARGIN + depth[i] * (HEIGHT + GAP_Y)) for i in range(len(found))
    ]
    width = max((x for x, _ in at), default=0) + WIDTH + MARGIN
    legend = [k for k in COLOURS if any(b.kind == k for b in found)]
    height = max((y for _, y in at), default=0) + HEIGHT + 2 * MARGIN + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#777"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    for i, b in enumerate(found):
        for j in b.inputs:
            parts.append(_arrow(at[j], at[i]))
    parts += [_box(b, *at[i]) for i, b in enumerate(found)]
    for k, kind in enumerate(legend):
        x = MARGIN + k * 95
        parts.append(
            f'<rect x="{x}" y="{height - 26:.0f}" width="12" height="12" rx="3" fill="{COLOURS[kind]}" stroke="#999"/>'
            f'<text x="{x + 17}" y="{height - 16:.0f}" font-size="11" fill="#444">{kind}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def _arrow(start, end):
    x0, y0, x1, y1 = start[0] + WIDTH / 2, start[1] + HEIGHT, end[0] + WIDTH / 2, end[1]
    bend = max(12, (y1 - y0) / 2)
    return f'<path d="M{x0:.1f},{y0:.1f} C{x0:.1f},{y0 + bend:.1f} {x1:.1f},{y1 - bend:.1f} {x1:.1f},{y1 - 2:.1f}" fill="none" stroke="#999" stroke-width="1.1" marker-end="url(#head)"/>'


def _box(b, x, y):
    title, detail = (html.escape(s if len(s) <= 23 else s[:22] + "…") for s in (b.title, b.detail))
    return (
        f'<g><title>{html.escape(b.tip) or title}</title><rect x="{x:.1f}" y="{y:.1f}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="{COLOURS[b.kind]}" stroke="#888"/>'
        f'<text x="{x + WIDTH / 2:.1f}" y="{y + 17:.1f}" font-size="12" text-anchor="middle">{title}</text>'
        f'<text x="{x + WIDTH / 2:.1f}" y="{y + 32:.1f}" font-size="10" fill="#555" text-anchor="middle">{detail}</text></g>'
    )
