"""The text of `finish`: what a kernel does to a part of a product while it is in cache (see plan/epilogue.py)."""

from ...plan.epilogue import ROW, SCALAR
from ...plan.mapping import Literal
from ..lowering import indent
from .emit import VectorLowering


def epilogue_text(kernel) -> str:
    """Return the function `finish` of a kernel, and `P`, the number of its pointers.

    `finish` changes `rows` rows of `width` numbers of c, that start at `to` and are rows `row` and on, columns `first`
    and on, of matrix `batch`; its words start at `at`.
    """
    head = f"P = {len(kernel.dtypes)}\n"
    define = "\n\n@helper\ndef finish(args, c, to, c_row, at, batch, row, first, rows, width):\n"
    if not kernel.body:
        return head + define + "    pass\n"
    low, extras = VectorLowering(kernel.dtypes[0]), kernel.body.extras
    pointers = range(len(kernel.dtypes) - len(extras), len(kernel.dtypes))
    before = [f"e{i} = at{p}(args)" for i, p in enumerate(pointers)]
    inner, starts, values = ["v = c[o + j]"], [], ["v"]
    for i, kind in enumerate(extras):
        values.append(f"v{i}")
        if kind == SCALAR:
            before.append(f"v{i} = e{i}[0]")
            continue
        place = f"batch * word(args, at + {2 * i}) + (row + r) * word(args, at + {2 * i + 1})"
        starts.append(f"x{i} = {place}" if kind == ROW else f"x{i} = {place} + first")
        inner.append(f"v{i} = e{i}[x{i}]" if kind == ROW else f"v{i} = e{i}[x{i} + j]")
    for op, taken in kernel.body.calls:
        values.append(low.name(low.row(op, [low.constant(i.value) if isinstance(i, Literal) else values[i] for i in taken])))
    inner += [*low.lines, f"c[o + j] = T0({values[-1]})"]
    lines = [*before, "for r in range(rows):", "    o = to + r * c_row", *(f"    {s}" for s in starts)]
    lines += ["    for j in range(width):", *(f"        {line}" for line in inner)]
    return f"{head}{low.header()}\n{define}{indent(lines, 4)}\n"
