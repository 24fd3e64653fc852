"""Products of matrices on a device: thin ones read the long factor once, others are tiles of blocks of threads; any strides."""

from ...ops.arithmetic import add
from ...plan.epilogue import COLUMN, Epilogue, extra_words
from ...plan.plan import Kernel, Layout, Plan, Step, packed
from ...plan.product import product_of
from .cublas import apart, product_words
from .libraries import precision
from .package import package
from .plans import planner
from .product_text import names
from .tiles import PROCESSORS, shares

THIN = 4  # up to this many rows or columns, the other factor is read once and does not pass through shared memory
SHORT = 1024  # steps of k up to which a warp sums a row of a thin product; else it is a block
WAVES = 16  # warps per processor that hide the way to memory
LEAST = 64  # steps of a part of k of a thin product, per thread of those that share it


@planner("matmul")
def matmul(inputs, attrs, out) -> Plan:
    """Plan (..., m, k) @ (..., k, n)."""
    if not out.size or not inputs[0].shape[-1]:
        return Plan((), out.shape, out.dtype, zero=True)
    copies = apart(inputs) if min(inputs[0].shape[-2], inputs[1].shape[-1]) > THIN else ()
    return plan_product(product_of(*copied(inputs, copies), out))._replace(copies=copies)


@planner("linear")
def linear(inputs, attrs, out) -> Plan:
    """Plan (..., n_in) @ (n_out, n_in).T plus a bias per column, which is added before a sum leaves its thread."""
    if not out.size:
        return Plan((), out.shape, out.dtype)
    x, weight, bias = inputs
    if x.ndim == 1:
        x = Layout((1, *x.shape), (0, *x.strides), x.dtype)
    copies = apart((x, weight)) if min(x.shape[-2], weight.shape[0]) > THIN else ()
    x, weight = copied((x, weight), copies)
    right = Layout(weight.shape[::-1], weight.strides[::-1], weight.dtype)
    p = product_of(x, right, out, epilogue=Epilogue(((add, (0, 1)),), (COLUMN,)), extras=(bias,))
    return plan_product(p)._replace(copies=copies + ((2,) if bias.size > 1 and bias.strides[0] != 1 else ()))


def copied(layouts, copies) -> tuple:
    """Return layouts, those of some numbers row by row."""
    return tuple(packed(x.shape, x.dtype) if i in copies else x for i, x in enumerate(layouts))


def plan_product(p) -> Plan:
    """Plan a product, or a batch of them."""
    if not p.k:
        return joined(p, 0, None)
    if p.a.column == p.b.row == 1 and min(p.m, p.n) <= THIN:
        return _dots(p)
    if p.m <= THIN and p.b.column == 1:
        return _columns(p, (p.b, p.a), (p.n, p.m), (1, p.n), (p.b.row, p.a.row, p.a.column))
    if p.n <= THIN and p.a.row == 1:
        return _columns(p, (p.a, p.b), (p.m, p.n), (p.n, 1), (p.a.column, p.b.column, p.b.row))
    words = product_words(p)
    return tiles(p) if words is None else _by_library(p, words)


def _by_library(p, words) -> Plan:
    """Plan a product of cuBLAS's."""
    kernel = Kernel("library_product", (p.out.dtype,) * 3, None, (precision(p.out.dtype),))
    return finished(p, Step(kernel, (p.a.buffer, p.b.buffer, 2 + len(p.extras)), words, 1))


def finished(p, step) -> Plan:
    """Return the plan of the call of a library that makes all of a product; its epilogue is done behind it, in place."""
    out = 2 + len(p.extras)
    if not p.epilogue.calls:
        return Plan((step,), p.out.shape, p.out.dtype)
    behind = joined(p._replace(add=0), 1, lambda to: step, behind=True).steps[1]
    return Plan((step, behind._replace(pointers=(out, *behind.pointers[1:]))), p.out.shape, p.out.dtype)


def tiles(p) -> Plan:
    """Plan a product as tiles of blocks of threads."""
    cut = shares(p.m, p.k, p.n, p.count, p.out.dtype)
    left = "left along" if p.a.column == 1 else "left across"
    right = "right along" if p.b.row == 1 and p.b.column != 1 else "right across"
    whole, extras = cut.parts == 1, p.extras if cut.parts == 1 else ()
    static = (left, right, "rows", tuple(cut.tile), p.add if whole else 0, "")
    numbers = {**sizes(p.m, p.k, p.n, p.count, cut), "a_side": p.a.row, "a_step": p.a.column, "b_side": p.b.column, "b_step": p.b.row}
    words = [numbers[name] for name in names(static)]
    words += [*(extra_words(p.epilogue, extras) if extras else []), *p.batch_words]
    body = p.epilogue if whole and p.epilogue.calls else None
    kernel = Kernel("matmul", (p.out.dtype,) * 3 + tuple(x.dtype for x in extras), body, static)
    return joined(p, cut.parts, lambda to: Step(kernel, (p.a.buffer, p.b.buffer, to, *range(2, 2 + len(extras))), tuple(words), 1))


def sizes(m, k, n, count, cut) -> dict:
    """Return the words that all tiles of products have, by name."""
    units = count * cut.row_blocks * cut.column_blocks * cut.parts
    return {
        "units": units, "threads": cut.tile.threads, "m": m, "k": k, "n": n, "row_blocks": cut.row_blocks,
        "column_blocks": cut.column_blocks, "parts": cut.parts, "part": cut.part, "out_part": count * m * n,
    }  # fmt: skip


def joined(p, parts, step, behind=False) -> Plan:
    """Return the plan of `step(buffer)`; parts of k, or none, are added afterwards, and the epilogue is done then.

    `behind`: the step does no epilogue, also where there is one part.
    """
    out = 2 + len(p.extras)
    if parts == 1 and not behind:
        return Plan((step(out),), p.out.shape, p.out.dtype)
    size, kinds = p.count * p.m * p.n, tuple(x.dtype for x in p.extras)
    join = Kernel("product_join", (p.out.dtype, p.out.dtype, *kinds), p.epilogue if p.epilogue.calls else None, (p.add,))
    words = (size, parts, p.m, p.n, *extra_words(p.epilogue, p.extras))
    join = Step(join, (out + 1 if parts else out, out, *range(2, out)), words, 1)
    if not parts:
        return Plan((join,), p.out.shape, p.out.dtype)
    return Plan((step(out + 1), join), p.out.shape, p.out.dtype, (((parts * size,), p.out.dtype),))


def _dots(p) -> Plan:
    """Rows of the long factor with the few of the thin one, both along k."""
    long, thin = (p.m, p.a.row, p.a), (p.n, p.b.column, p.b)
    place = (p.n, 1)
    if p.m < p.n:
        long, thin, place = thin, long, place[::-1]
    width = package().lanes if p.k <= SHORT else package().threads
    loop = "product_short_dots" if p.k <= SHORT else "product_dots"
    parts, part = _parts(p, p.count * long[0] * width, LEAST * width)
    words = _thin_words(p, long[0], (long[1], thin[1]), place, p.count * long[0] * parts, parts, part, 1)
    return _thin(p, loop, (long[2], thin[2]), thin[0], parts, words)


def _columns(p, factors, counts, place, steps) -> Plan:
    """Columns of the long factor, side by side, with the few rows of the thin one."""
    (x_step, y_row, y_step), (m, thin) = steps, counts
    parts, part = _parts(p, p.count * m, LEAST)
    words = _thin_words(p, m, (x_step, y_row), place, p.count * m * parts, parts, part, y_step)
    return _thin(p, "product_columns", factors, thin, parts, words)


def _parts(p, threads, least):
    """Return (parts of k, their steps): as many as there is room for beside so many threads."""
    room = 4 if package().simulated else PROCESSORS * WAVES * package().lanes
    least = 3 if package().simulated else least
    parts = max(1, min(room // threads, p.k // least))
    part = -(-p.k // parts)
    return -(-p.k // part), part


def _thin_words(p, m, rows, place, units, parts, part, y_step):
    size = p.count * p.m * p.n
    return [m, p.k, *rows, *place, size, units, parts, part, p.m * p.n, y_step, len(p.batch)]


def _thin(p, loop, factors, thin, parts, words) -> Plan:
    axes = [word for axis in zip(p.batch, *(f.batch for f in factors)) for word in axis]
    kernel = Kernel(loop, (p.out.dtype,) * 3, None, (thin,))
    step = lambda to: Step(kernel, (*(f.buffer for f in factors), to), (*words, *axes), 1)
    return joined(p, parts, step, behind=bool(p.epilogue.calls or p.add))
