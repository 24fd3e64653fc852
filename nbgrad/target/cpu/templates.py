"""The loops that rows fill: map and reduce, as text. Loops that are whole by nature are in `loops_*.py`."""

from .emit import Lowering, indent
from .prelude import apart
from .reduce_text import TEXTS as REDUCE_TEXTS

BLOCK = 1024  # numbers that are looked through for rare arguments before they are taken: they stay in the first cache


def _offsets(row, axes, lengths, names, strides, depth):
    """Return the text, at indent `depth`, that turns a row number into one offset per operand."""
    lines = [
        f"rest = {row}",
        f"for d in range({axes} - 1, 0, -1):",
        f"    extent = word(args, {lengths} + d)",
        "    at = rest % extent",
        "    rest = rest // extent",
        *[f"    {n} += at * word(args, {s} + d)" for n, s in zip(names, strides)],
        *[f"{n} += rest * word(args, {s})" for n, s in zip(names, strides)],
    ]
    return indent(lines, depth)


def map_text(kernel, name):
    """One elementwise row over operands with inner strides 1 ("1"), 0 ("0") or any ("s")."""
    op, dtypes, (classes, outer) = kernel.body, kernel.dtypes, kernel.static
    k, first = len(dtypes) - 1, len(dtypes)
    names = [f"o{i}" for i in range(k + 1)]
    inner = first + 6  # word of the first inner stride
    low = Lowering(compute_dtype(op, dtypes), common=True)
    args, before, inside = [], [], []
    for i in range(k):
        index = {"1": f"o{i} + i", "0": f"o{i}", "s": f"o{i} + i * s{i}"}[classes[i]]
        (before if classes[i] == "0" else inside).append(f"x{i} = get{i}(p{i}, {index})" + (" != 0" if dtypes[i] == "bool" else ""))
        args.append(f"x{i}")
    result = low.row(op, args)
    put = f"put{k}(p{k}, " + {"1": f"o{k} + i, ", "0": f"o{k}, ", "s": f"o{k} + i * s{k}, "}[classes[k]]
    if dtypes[k] == "bool" and low.dtype != "bool" and op.name == "astype":
        result = f"{result} != 0"
    body = [*inside, *low.lines, f"{put}T{k}({result}))"]
    loop = ["for i in range(start, min(n, start + grain)):", *shift(body)]
    if low.rare:
        loop = _two_ways(low, op, args, inside, body, f"{put}T{k}")
    strides = [f"s{i} = word(args, {inner + i})" for i in range(k + 1) if classes[i] == "s"]
    lengths = inner + k + 1
    walk = ""
    if outer:
        axes = f"word(args, {first + 5})"
        starts = [f"{lengths} + {i + 1} * axes" for i in range(k + 1)]
        walk = f"        axes = {axes}\n" + _offsets("row", "axes", lengths, names, starts, 8) + "\n"
    return f"""\
{apart(dtypes)}
{low.header()}


@kernel
def {name}(args, tile):
    {"; ".join(f"p{i} = at{i}(args)" for i in range(k + 1))}
    n = word(args, {first})
    grain = word(args, {first + 1})
    parts = word(args, {first + 2})
    units = word(args, {first + 3})
    per_tile = word(args, {first + 4})
{indent(strides, 4)}
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        {" = ".join(names)} = 0
        row = unit if parts == 1 else unit // parts
{walk}        start = (unit - row * parts) * grain
{indent(before, 8)}
{indent(loop, 8)}
"""


def shift(lines):
    """Return the lines of a body, one level further in."""
    return ["    " + line for line in lines]


def _two_ways(low, op, args, inside, body, put):
    """Return a loop over blocks that takes the slow way only where a block holds an argument out of the common range."""
    slow = Lowering(low.dtype)
    slow.constants, slow.helpers = low.constants, low.helpers
    result = slow.row(op, args)
    return [
        f"for block in range(start, min(n, start + grain), {BLOCK}):",
        f"    stop = min(n, start + grain, block + {BLOCK})",
        "    rare = False",
        "    for i in range(block, stop):",
        *shift(shift([*inside, *low.lines, *[f"rare = rare | {condition}" for condition in low.rare]])),
        "    if rare:",
        "        for i in range(block, stop):",
        *shift(shift(shift([*inside, *slow.lines, f"{put}({result}))"]))),
        "    else:",
        "        for i in range(block, stop):",
        *shift(shift(shift(body))),
    ]


def compute_dtype(op, dtypes):
    """Return the dtype in which a row computes: that of its first argument that is not a condition."""
    for accepts, dtype in zip(op.accepts, dtypes[:-1]):
        if accepts not in ("bool", "index"):
            return dtype
    return dtypes[0]


TEXTS = {"map": map_text, **REDUCE_TEXTS}
