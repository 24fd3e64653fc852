"""Convolutions on a device: products whose factors are windows of the input, which no one lays out in memory first."""

from itertools import product
from math import prod

from ...base.shapes import collapse
from ...ops.arithmetic import add
from ...plan.epilogue import ROW, Epilogue, extra_words
from ...plan.plan import Kernel, Plan, Step, packed
from ...plan.product import NOTHING, Factor, Product
from ...plan.windowing import Walk, axes_of, empty, remainders, rows_of, spatial
from .cudnn import by_library
from .package import package
from .plans import planner
from .plans_matmul import finished, joined, sizes
from .product_text import names
from .tiles import PROCESSORS, shares

FEW = 4  # output channels of a group up to which each thread has a place and all of them
NUMBERS = 64  # of the weight of a group up to which each is summed by a block of its own
PART = 1 << 14  # places of such a sum, at least
SUMS = 32  # of a thread, at most: where windows lie takes registers too; half of it where both factors are walked by places
AXES = "dhw"


@planner("conv_biased", contiguous=(False, False, True))
@planner("conv_output")
def conv_output(inputs, attrs, out) -> Plan:
    """Weights (o, (c, cell)) times windows ((c, cell), (image, place)), per group."""
    x, w = inputs[:2]
    epilogue = Epilogue(((add, (0, 1)),), (ROW,)) if len(inputs) > 2 else NOTHING
    if not out.size:
        return empty(out)
    whole = Product(out.shape[1], 1, prod(out.shape[2:]), Factor(1, 0, 0), Factor(0, 0, 0), out.shape[:1], out, 0, epilogue, inputs[2:])
    if not x.size or not w.size:
        return joined(whole, 0, None) if epilogue.calls else empty(out)
    groups, copies = attrs["groups"], apart(x)
    x = packed(x.shape, x.dtype) if copies else x
    axes = axes_of(x.shape[2:], w.shape[2:], out.shape[2:], attrs)
    walks = tuple(Walk(a.size, a.window, -a.before, a.stride, a.dilation, a.positions) for a in axes)
    o = out.shape[1] // groups
    left = (w.strides[0], w.strides[1], o * w.strides[0])
    if o <= FEW:
        return Plan((few(x, w, walks, left, (o, w.shape[1], groups), out, bool(epilogue.calls)),), out.shape, out.dtype, copies=copies)
    found = called("conv_output", (inputs[0], out, w), attrs, whole, (0, 1))
    if found is not None:
        return found
    cut = shares(o, w.shape[1] * prod(w.shape[2:]), x.shape[0] * whole.n, groups, out.dtype, most=SUMS)
    step = lambda to: patches("conv_output", x, w, walks, left, (o, w.shape[1], groups), out, cut, to, whole if cut.parts == 1 else None)
    return joined(whole, cut.parts, step)._replace(copies=copies)


@planner("conv_input_grad")
def conv_input_grad(inputs, attrs, out) -> Plan:
    """Per remainder of the stride: weights (c, (o, cell)) times windows of y ((o, cell), (image, place)), per group."""
    y, w = inputs
    if not out.size or not y.size or not w.size:
        return empty(out)
    groups = attrs["groups"]
    o, c = w.shape[0] // groups, w.shape[1]
    whole = Product(out.shape[1], 1, prod(out.shape[2:]), Factor(1, 0, 0), Factor(0, 0, 0), out.shape[:1], out)
    found = called("conv_input_grad", (out, y, w), attrs, whole, (1, 0)) if c > FEW else None
    if found is not None:
        return found
    copies = apart(y)
    y = packed(y.shape, y.dtype) if copies else y
    axes = axes_of(out.shape[2:], w.shape[2:], y.shape[2:], attrs)
    left = (w.strides[1], w.strides[0], o * w.strides[0])
    parts = list(product(*map(remainders, axes)))
    seen = [walks for walks in parts if all(a.cells for a in walks)]
    steps = []
    for walks in seen:
        if c <= FEW:
            steps.append(few(y, w, walks, left, (c, o, groups), out, False))
        else:
            n = y.shape[0] * prod(a.positions for a in walks)
            cut = shares(c, o * prod(a.cells for a in walks), n, groups, out.dtype, split=False, most=SUMS)
            steps.append(patches("conv_input_grad", y, w, walks, left, (c, o, groups), out, cut, 2))
    return Plan(tuple(steps), out.shape, out.dtype, zero=len(seen) < len(parts), copies=copies)


@planner("conv_weight_grad")
def conv_weight_grad(inputs, attrs, out) -> Plan:
    """y (o, (image, place)) times windows ((image, place), (c, cell)), per group."""
    x, y = inputs
    if not out.size or not x.size or not y.size:
        return empty(out)
    axes = axes_of(x.shape[2:], attrs["window"], y.shape[2:], attrs)
    walks = tuple(Walk(a.size, a.window, -a.before, a.stride, a.dilation, a.positions) for a in axes)
    groups, c, cells = attrs["groups"], out.shape[1], prod(attrs["window"])
    o, k = out.shape[0] // groups, x.shape[0] * prod(a.positions for a in axes)
    whole = Product(o, k, c * cells, Factor(1, 0, 0), Factor(0, 0, 0), (groups,), out)
    simulated = package().simulated
    if o * c * cells <= (10 if simulated else NUMBERS):
        parts = max(1, min(k // (8 if simulated else PART), 4 * PROCESSORS // out.size))
        part = -(-k // parts)
        words = weight_few_words(x, y, walks, (o, c, cells), -(-k // part), part, out)
        kernel = Kernel("conv_weight_few", (out.dtype,) * 3, None, tuple([i in tested(walks) for i in AXES]))
        return joined(whole, -(-k // part), lambda to: Step(kernel, (1, 0, to), words, 1))
    found = called("conv_weight_grad", (x, y, out), attrs, whole, (0, 1))
    if found is not None:
        return found
    cut = shares(o, k, c * cells, groups, out.dtype, most=SUMS // 2)
    static = ("values", "windows", "rows", tuple(cut.tile), 0, tested(walks))
    turns = dict(zip(("turn_image", "turn_d", "turn_h", "turn_w"), digits(cut.tile.depth, walks)))
    numbers = {**sizes(o, k, c * cells, groups, cut), **input_words(x, walks), **turns, "a_side": y.strides[1], "y_image": y.strides[0]}
    numbers |= {f"y_{i}": s for i, s in zip(AXES, spatial(y.strides[2:]))} | {f"places_{i}": a.positions for i, a in zip(AXES, walks)}
    batch = [1, groups, o * y.strides[1], c * x.strides[1]]
    words = (*[numbers[name] for name in names(static)], *batch, *cell_words(x, None, walks))
    kernel = Kernel("conv_weight_grad", (out.dtype,) * 3, None, static)
    return joined(whole, cut.parts, lambda to: Step(kernel, (1, 0, to), words, 1))


def called(loop, layouts, attrs, whole, pointers) -> Plan | None:
    """Return the plan of a convolution of cuDNN's of the product `whole`; None where it is not there, or cannot do it."""
    *others, w = layouts
    out = 2 + len(whole.extras)
    found = by_library(loop, (*others, packed(w.shape, w.dtype)), attrs, (*pointers, out), out + 1)
    if found is None:
        return None
    copies = () if w.contiguous else (1,)  # the result's is in one piece
    return finished(whole, found[0])._replace(scratch=(((found[1],), "uint8"),), copies=copies)


def apart(x) -> tuple:
    """Return (0,) if neighbouring places of an input lie apart and channels side by side: it is copied, so that threads read neighbours."""
    return (0,) if x.strides[1] == 1 != x.strides[-1] and x.shape[1] > 1 < x.shape[-1] else ()


def tested(walks) -> str:
    """Return the axes along which windows leave the input."""
    return "".join(i for i, a in zip(AXES, walks) if not a.inside)


def digits(number, walks) -> list:
    """Return a number of places as (images, places along d, h, w)."""
    out = []
    for a in reversed(walks):
        out.append(number % a.positions)
        number //= a.positions
    return [number, *reversed(out)]


def input_words(x, walks) -> dict:
    """Return the words of what windows see, by name."""
    words = {"x_image": x.strides[0], "x_channel": x.strides[1], "cell_count": prod(a.cells for a in walks)}
    for i, a, stride in zip(AXES, walks, spatial(x.strides[2:])):
        words |= {f"x_{i}": stride, f"size_{i}": a.size, f"step_{i}": a.step, f"first_{i}": a.first}
    return words


def cell_words(x, w, walks) -> list:
    """Return the words of each cell of a window: where it lies in the input and in the weight, how far along each axis."""
    words, in_x = [], spatial(x.strides[2:])
    in_w = spatial(w.strides[2:]) if w else (0, 0, 0)
    for cell in product(*(range(a.cells) for a in walks)):
        far = [i * a.apart for i, a in zip(cell, walks)]
        words.append(sum(i * s for i, s in zip(far, in_x)))
        words.append(sum((a.cell + i * a.cell_step) * s for i, a, s in zip(cell, walks, in_w)))
        words += far
    return words


def patches(loop, x, w, walks, left, counts, out, cut, to, whole=None) -> Step:
    """Return the step that multiplies weights with windows; with the product `whole`, its epilogue is done."""
    (side, channel, group), (m, channels, groups) = left, counts
    tile, cells = cut.tile, prod(a.cells for a in walks)
    steps = [a.cell_step * s for a, s in zip(walks, spatial(w.strides[2:]))]
    _, one = collapse((channels, *(a.cells for a in walks)), (channel, *steps))
    first = sum(a.cell * s for a, s in zip(walks, spatial(w.strides[2:])))
    flat = len(one) < 2 and not first
    kind = "weights" if not flat else "left along" if one == (1,) else "left across"
    static = (kind, "patches", "places", tuple(tile), 0, tested(walks))
    places = rows_of((1,) * (5 - len(out.shape)) + tuple(out.shape[2:]))
    across = tile.threads // tile.columns
    numbers = {
        **sizes(m, channels * cells, x.shape[0] * prod(a.positions for a in walks), groups, cut), **input_words(x, walks),
        "a_side": side, "a_step": one[0] if flat and one else 0, "a_channel": channel, "a_turn": tile.depth % cells,
        "a_channels": tile.depth // cells, "b_turn": across % cells, "b_channels": across // cells, "out_part": out.size,
        "out_image": out.strides[0], "out_channel": out.strides[1], "start": sum(a.start * s for a, s in zip(walks, places)),
    }  # fmt: skip
    for i, a, s in zip(AXES, walks, places):
        numbers |= {f"places_{i}": a.positions, f"pace_{i}": a.pace * s}
    extras = whole.extras if whole else ()
    batch = [*(extra_words(whole.epilogue, extras) if whole else []), 1, groups, group, x.strides[1] * (x.shape[1] // groups)]
    words = (*[numbers[name] for name in names(static)], *batch, *cell_words(x, w, walks))
    body = whole.epilogue if whole and whole.epilogue.calls else None
    kernel = Kernel(loop, (out.dtype,) * 3 + tuple(b.dtype for b in extras), body, static)
    return Step(kernel, (1, 0, to, *range(2, 2 + len(extras))), words, 1)


def few(x, w, walks, left, counts, out, bias) -> Step:
    """Return the step in which each thread has a place and all channels of a group."""
    (side, channel, group), (m, channels, groups) = left, counts
    places = rows_of((1,) * (5 - len(out.shape)) + tuple(out.shape[2:]))
    units = x.shape[0] * groups * prod(a.positions for a in walks)
    words = [units, groups, channels, prod(a.cells for a in walks), side, channel, group]
    words += [x.strides[0], x.strides[1], x.strides[1] * (x.shape[1] // groups), out.strides[0], out.strides[1]]
    words.append(sum(a.start * s for a, s in zip(walks, places)))
    for a, stride, place in zip(walks, spatial(x.strides[2:]), places):
        words += [stride, a.size, a.step, a.first, a.positions, a.pace * place]
    static = (m, bias, *[i in tested(walks) for i in AXES])
    kernel = Kernel("conv_few", (out.dtype,) * 4, None, static)
    return Step(kernel, (1, 0, 3 if bias else 2, 2 if bias else 1), (*words, *cell_words(x, w, walks)), 1)


def weight_few_words(x, y, walks, counts, parts, part, out) -> tuple:
    """Return the words of the loop `conv_weight_few`."""
    o, c, cells = counts
    k = x.shape[0] * prod(a.positions for a in walks)
    words = [out.size * parts, o, c, cells, k, parts, part, out.size, y.strides[0], y.strides[1], x.strides[0], x.strides[1]]
    for a, stride, place in zip(walks, spatial(x.strides[2:]), spatial(y.strides[2:])):
        words += [stride, a.size, a.step, a.first, a.positions, place]
    return (*words, *digits(package().threads, walks), *cell_words(x, None, walks))
