"""The loops that rows fill: map and reduce, as text. Loops that are whole by nature are in `loops_*.py`."""

from ...base.source import Formula, lambda_formulas
from ...plan.reducing import COLUMNS
from .emit import Lowering, indent, load_text

LANES = 16  # independent accumulators of a row: the widest vector of 32-bit numbers
BLOCK = 2048  # numbers that the lanes take before they are joined: keeps rounding errors small


def _offsets(row, axes, lengths, names, strides, depth):
    """Return the text, at indent `depth`, that turns a row number into one offset per operand."""
    moves = [f"    {n} += at * word(args, {s} + d)" for n, s in zip(names, strides)]
    lines = [
        f"rest = {row}",
        f"for d in range({axes} - 1, -1, -1):",
        f"    extent = word(args, {lengths} + d)",
        "    at = rest % extent",
        "    rest = rest // extent",
        *moves,
    ]
    return indent(lines, depth)


def map_text(kernel, name):
    """One elementwise row over operands with inner strides 1 ("1"), 0 ("0") or any ("s")."""
    op, dtypes, (classes, outer) = kernel.body, kernel.dtypes, kernel.static
    k, first = len(dtypes) - 1, len(dtypes)
    names = [f"o{i}" for i in range(k + 1)]
    inner = first + 6  # word of the first inner stride
    low = Lowering(compute_dtype(op, dtypes))
    args, before, inside = [], [], []
    for i in range(k):
        index = {"1": f"o{i} + i", "0": f"o{i}", "s": f"o{i} + i * s{i}"}[classes[i]]
        (before if classes[i] == "0" else inside).append(f"x{i} = {load_text(f'p{i}', index, dtypes[i])}")
        args.append(f"x{i}")
    result = low.put(op.formula, args)
    store = {"1": f"o{k} + i", "0": f"o{k}", "s": f"o{k} + i * s{k}"}[classes[k]]
    if dtypes[k] == "bool" and low.dtype != "bool" and op.name == "astype":
        result = f"{result} != 0"
    body = [*inside, *low.lines, f"p{k}[{store}] = T{k}({result})"]
    strides = [f"s{i} = word(args, {inner + i})" for i in range(k + 1) if classes[i] == "s"]
    lengths = inner + k + 1
    walk = ""
    if outer:
        axes = f"word(args, {first + 5})"
        starts = [f"{lengths} + {i + 1} * axes" for i in range(k + 1)]
        walk = f"        axes = {axes}\n" + _offsets("unit // parts", "axes", lengths, names, starts, 8) + "\n"
    return f"""\
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
{walk}        start = (unit % parts) * grain
{indent(before, 8)}
        for i in range(start, min(n, start + grain)):
{indent(body, 12)}
"""


def compute_dtype(op, dtypes):
    """Return the dtype in which a row computes: that of its first argument that is not a condition."""
    for accepts, dtype in zip(op.accepts, dtypes[:-1]):
        if accepts not in ("bool", "index"):
            return dtype
    return dtypes[0]


class _Fold:
    """The formula of a reduction in the accumulator's dtype, ready to be put into a loop."""

    def __init__(self, op, acc):
        self.op, self.low, self.acc = op, Lowering(acc), acc

    def take(self, acc, x):
        """Statements that fold the named value `x` into the variable `acc`."""
        formula = self.op.formula
        return self._lines(lambda: self.low.put(formula, [acc, x]), acc)

    def merge(self, a, b):
        """Statements that join accumulator `b` into `a`."""
        return self._lines(lambda: self.low.put(merge_formula(self.op), [a, b]), a)

    def _lines(self, put, target):
        self.low.lines = []
        result = put()
        return [*self.low.lines, f"{target} = {result}"]

    def start(self, first):
        """Text of the starting value; a row without one starts at its first number."""
        if self.op.start is None:
            return first
        return self.low.constant(self.op.start)


def merge_formula(op):
    """Return how two accumulators join: `merge` where given, else the row's own formula."""
    if op.merge is None:
        return op.formula
    params, parts, env = lambda_formulas(op.forward, "merge", op.merge)
    return Formula(params, (), parts[0], env)


def _cast(op, acc, x, dtype):
    """Return the text of a loaded value in the accumulator's dtype; rows that only test it take it as it is."""
    if dtype == "bool":
        return f"({x} != 0)" if acc == "bool" else f"TA({x} != 0)"
    return x if acc == dtype or op.returns else f"TA({x})"


def reduce_rows_text(kernel, name):
    """Fold rows whose numbers lie one behind the other (or at one stride) with LANES accumulators."""
    (dtype, acc), op = kernel.dtypes, kernel.body
    fold = _Fold(op, acc)
    at = "p[o + i{k}]" if kernel.static[0] == "1" else "p[o + (i{k}) * step]"
    lanes = [f"a{k}" for k in range(LANES)]
    load = lambda k: _cast(op, acc, at.format(k=f" + {k}" if k else ""), dtype)
    block, join = [], []
    for k, a in enumerate(lanes):
        block += [f"x = {load(k)}", *fold.take(a, "x")]
    width = LANES
    while width > 1:
        width //= 2
        for k in range(width):
            join += fold.merge(lanes[k], lanes[k + width])
    start = fold.start(_cast(op, acc, "p[o]", dtype))
    single = [f"x = {load(0)}", *fold.take("a0", "x")]
    total = fold.merge("total", "a0")
    store = "T1(1) if total else T1(0)" if acc == "bool" else "total"
    return f"""\
TA = np.{acc if acc != "bool" else "uint8"}
{fold.low.header()}


@kernel
def {name}(args, tile):
    p = at0(args)
    out = at1(args)
    m = word(args, 2); chunks = word(args, 3); per = word(args, 4); rows = word(args, 5)
    inner = word(args, 6); step = word(args, 7); grain = word(args, 8); n = word(args, 9); ragged = word(args, 10)
    kept_axes = word(args, 11); fold_axes = word(args, 12)
    lengths = 13 + 2 * kept_axes
    for pair in range(tile * grain, min(m * chunks, (tile + 1) * grain)):
        chunk = pair % chunks
        base = 0
{_offsets("pair // chunks", "kept_axes", "13", ["base"], ["13 + kept_axes"], 8)}
        o = base
{_offsets("chunk * per", "fold_axes", "lengths", ["o"], ["lengths + fold_axes"], 8)}
        total = {start}
        for row in range(chunk * per, min(rows, chunk * per + per)):
            o = base
{_offsets("row", "fold_axes", "lengths", ["o"], ["lengths + fold_axes"], 12)}
            length = min(inner, n - row * inner) if ragged else inner
            for b in range(0, length, {BLOCK}):
                stop = min(length, b + {BLOCK})
                whole = b + (stop - b) // {LANES} * {LANES}
                a0 = {start}
{indent([f"{a} = a0" for a in lanes[1:]], 16)}
                for i in range(b, whole, {LANES}):
{indent(block, 20)}
{indent(join, 16)}
                for i in range(whole, stop):
{indent(single, 20)}
{indent(total, 16)}
        out[chunk * m + pair // chunks] = {store}
"""


def reduce_columns_text(kernel, name):
    """Fold whole rows into a row of accumulators: each tile takes a block of columns and a chunk of rows."""
    (dtype, acc), op = kernel.dtypes, kernel.body
    fold = _Fold(op, acc)
    value = _cast(op, acc, "p[o + j]", dtype)
    load = "out[q + j] != 0" if acc == "bool" else "out[q + j]"
    take = [f"x = {value}", f"a = {load}", *fold.take("a", "x")]
    start = fold.start(value)
    keep = lambda v: f"T1(1) if {v} else T1(0)" if acc == "bool" else v
    return f"""\
TA = np.{acc if acc != "bool" else "uint8"}
{fold.low.header()}


@kernel
def {name}(args, tile):
    p = at0(args)
    out = at1(args)
    width = word(args, 2); blocks = word(args, 3); outer = word(args, 4); chunks = word(args, 5)
    per = word(args, 6); n = word(args, 7); kept_axes = word(args, 8); fold_axes = word(args, 9)
    lengths = 10 + 2 * kept_axes
    block = tile % blocks
    chunk = tile // blocks % chunks
    which = tile // blocks // chunks
    base = block * {COLUMNS}
{_offsets("which", "kept_axes", "10", ["base"], ["10 + kept_axes"], 4)}
    count = min({COLUMNS}, width - block * {COLUMNS})
    q = chunk * outer * width + which * width + block * {COLUMNS}
    first = chunk * per
    for row in range(first, min(n, first + per)):
        o = base
{_offsets("row", "fold_axes", "lengths", ["o"], ["lengths + fold_axes"], 8)}
        if row == first:
            for j in range(count):
                out[q + j] = {keep(start)}
        for j in range(count):
{indent(take, 12)}
            out[q + j] = {keep("a")}
    if n == 0:
        for j in range(count):
            out[q + j] = {keep(start) if op.start is not None else "T1(0)"}
"""


def reduce_finish_text(kernel, name):
    """Join the accumulators of the chunks, in order, and apply the row's `finish`."""
    (acc, dtype), op = kernel.dtypes, kernel.body
    fold = _Fold(op, acc)
    load = "p[c * m + k] != 0" if acc == "bool" else "p[c * m + k]"
    merge = [f"x = {load}", *fold.merge("a", "x")]
    lines, result = [], "a"
    if op.finish is not None:
        params, parts, env = lambda_formulas(op.forward, "finish", op.finish)
        fold.low.lines = []
        result = fold.low.put(Formula(params, (), parts[0], env), ["a", "number"])
        lines = [f"number = np.{acc}(n)", *fold.low.lines]
    store = f"T1(1) if {result} else T1(0)" if dtype == "bool" else f"T1({result})"
    return f"""\
{fold.low.header()}


@kernel
def {name}(args, tile):
    p = at0(args)
    out = at1(args)
    m = word(args, 2); chunks = word(args, 3); n = word(args, 4); grain = word(args, 5)
    for k in range(tile * grain, min(m, (tile + 1) * grain)):
        a = {load.replace("c * m + k", "k")}
        for c in range(1, chunks):
{indent(merge, 12)}
{indent(lines, 8)}
        out[k] = {store}
"""


def reduce_arg_text(kernel, name):
    """Index of the first extreme along one axis; a NaN beats every number."""
    sign = ">" if kernel.body else "<"
    return f"""\
@kernel
def {name}(args, tile):
    p = at0(args)
    out = at1(args)
    m = word(args, 2); n = word(args, 3); step = word(args, 4); grain = word(args, 5); axes = word(args, 6)
    for k in range(tile * grain, min(m, (tile + 1) * grain)):
        o = 0
{_offsets("k", "axes", "7", ["o"], ["7 + axes"], 8)}
        best = p[o]
        where = 0
        for i in range(1, n):
            x = p[o + i * step]
            if best == best and (x {sign} best or x != x):
                best = x
                where = i
        out[k] = where
"""


TEXTS = {
    "map": map_text, "reduce_rows": reduce_rows_text, "reduce_columns": reduce_columns_text,
    "reduce_finish": reduce_finish_text, "reduce_arg": reduce_arg_text,
}  # fmt: skip
