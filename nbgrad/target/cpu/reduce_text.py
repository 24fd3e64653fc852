"""The loops that rows of reductions fill, as text.

Every loop that takes numbers runs along lanes: accumulators that lie one behind the other on the stack, each with
numbers of its own, so that LLVM makes vectors of it whatever the row's formula. The lanes are the columns of a matrix
when a kept axis is innermost, or positions along the folded axis, joined by halves in the end.
"""

from ...base.source import Formula, lambda_formulas
from ...plan.reducing import LANES
from .emit import Lowering, indent

DEEP = 8  # numbers that a lane folds before they meet its accumulator: less traffic, and smaller rounding errors
JOINED = 16  # lanes that are joined in registers
STACK = f'''\
def stack(dtype, count):
    """Make the function that returns memory of the kernel's own."""
    kind = types.CPointer(dtype)

    @intrinsic
    def memory(typing, args):
        def emit(context, builder, signature, values):
            element = context.get_value_type(dtype)
            with builder.goto_entry_block():
                room = builder.alloca(ir.ArrayType(element, count))
            room.align = 64
            return builder.bitcast(room, context.get_value_type(kind))

        return kind(types.int64), emit

    return memory


'''


def offsets_text(row, axes, lengths, moves, depth):
    """Return the text, at indent `depth`, that turns a row number into offsets along the axes that it counts.

    `moves` maps the name of an offset to the word of its first stride; `lengths` is the word of the first length.
    """
    lines = [
        f"rest = {row}",
        f"for d in range({axes} - 1, 0, -1):",
        f"    extent = word(args, {lengths} + d)",
        "    above = rest // extent",
        "    at = rest - above * extent",
        *[f"    {n} += at * word(args, {s} + d)" for n, s in moves.items()],
        "    rest = above",
        f"if {axes} > 0:",
        *[f"    {n} += rest * word(args, {s})" for n, s in moves.items()],
    ]
    return indent(lines, depth)


class Fold:
    """The formulas of a reduction in the accumulator's dtype, ready to be put into a loop."""

    def __init__(self, op, dtype, acc):
        self.op, self.low, self.dtype, self.acc = op, Lowering(acc), dtype, acc
        self.boolean = acc == "bool"

    def number(self, text):
        """Text of a loaded number in the accumulator's dtype; rows that only test it take it as it is."""
        if self.dtype == "bool":
            return f"({text} != 0)" if self.boolean else f"TA({text} != 0)"
        return text if self.acc == self.dtype or self.op.returns else f"TA({text})"

    def load(self, text):
        return f"{text} != 0" if self.boolean else text

    def store(self, text):
        return f"TA(1) if {text} else TA(0)" if self.boolean else text

    def take(self, acc, x):
        """Statements that fold the named value `x` into the variable `acc`."""
        return self._lines(self.op.formula, [acc, x], acc)

    def merge(self, a, b):
        """Statements that join accumulator `b` into `a`."""
        return self._lines(merge_formula(self.op), [a, b], a)

    def finish(self, a, n):
        """Statements that turn accumulator `a` of `n` numbers into the result."""
        if self.op.finish is None:
            return []
        params, parts, env = lambda_formulas(self.op.forward, "finish", self.op.finish)
        return [f"number = np.{self.acc}({n})", *self._lines(Formula(params, (), parts[0], env), [a, "number"], a)]

    def _lines(self, formula, args, target):
        self.low.lines = []
        result = self.low.put(formula, args)
        return [*self.low.lines, f"{target} = {result}"]

    def first(self, text):
        """Statements that begin the variable `t` with a number: folded into the starting value, where there is one."""
        if self.op.start is None:
            return [f"t = {self.number(text)}"]
        return [f"t = {self.low.constant(self.op.start)}", f"x = {self.number(text)}", *self.take("t", "x")]

    def rows(self, at, count, fresh):
        """Statements that fold `count` numbers of lane j, at the indices `at`, into its accumulator or a fresh one."""
        lines = []
        if fresh or count > 1:
            lines += self.first(at(0))
            for k in range(1, count):
                lines += [f"x = {self.number(at(k))}", *self.take("t", "x")]
            if not fresh:
                lines += [f"a = {self.load('lane[j]')}", *self.merge("a", "t")]
            return [*lines, f"lane[j] = {self.store('t' if fresh else 'a')}"]
        take = self.take("a", "x")
        return [f"a = {self.load('lane[j]')}", f"x = {self.number(at(0))}", *take, f"lane[j] = {self.store('a')}"]


def merge_formula(op):
    """Return how two accumulators join: `merge` where given, else the row's own formula."""
    if op.merge is None:
        return op.formula
    params, parts, env = lambda_formulas(op.forward, "merge", op.merge)
    return Formula(params, (), parts[0], env)


def head_text(fold):
    """Return the definitions before a kernel: the accumulator's dtype, its lanes, constants of the formulas."""
    acc = "uint8" if fold.boolean else fold.acc
    return f"""\
TA = np.{acc}
{STACK}
lanes = stack(types.{acc}, {LANES})
{fold.low.header()}
"""


def join_text(fold):
    """Return the text that joins `count` lanes by halves until `keep` are left, the last ones in registers."""
    halves = [f"a = {fold.load('lane[j]')}", f"b = {fold.load('lane[j + half]')}", *fold.merge("a", "b")]
    halves.append(f"lane[j] = {fold.store('a')}")
    last, width = [f"a{k} = {fold.load(f'lane[{k}]')}" for k in range(JOINED)], JOINED
    while width > 1:
        width //= 2
        for k in range(width):
            last += fold.merge(f"a{k}", f"a{k + width}")
    return f"""\
        while count > keep and count != {JOINED}:
            half = (count // keep + 1) // 2 * keep
            for j in range(count - half):
{indent(halves, 16)}
            count = half
        if keep == 1 and count == {JOINED}:
{indent(last, 12)}
            lane[0] = {fold.store("a0")}
            count = 1
"""


def _pieces_text(fold, at):
    """Return the text that folds one piece: `left` rows of lanes from `o` on, then `tail` lanes of one more."""
    loop = lambda count, fresh, width, by: indent(
        [f"for j in range({width}):", *["    " + line for line in fold.rows(at, count, fresh)]], by
    )
    return f"""\
            if piece == chunk * per:
                if left >= {DEEP}:
{loop(DEEP, True, "count", 20)}
                    left -= {DEEP}
                    o += {DEEP} * step
                else:
{loop(1, True, "count", 20)}
                    left -= 1
                    o += step
            while left >= {DEEP}:
{loop(DEEP, False, "count", 16)}
                left -= {DEEP}
                o += {DEEP} * step
            while left > 0:
{loop(1, False, "count", 16)}
                left -= 1
                o += step
            if tail > 0 and piece % segments == segments - 1:
{loop(1, False, "tail", 16)}
"""


def reduce_fold_text(kernel, name):
    """Fold pieces of one array into lanes, join the lanes that share a result, and store results or parts of them."""
    op, (dtype, result), (acc, step, ending) = kernel.body, kernel.dtypes, kernel.static
    fold = Fold(op, dtype, acc)
    lane = "" if step == "1" else " * apart"
    take = _pieces_text(fold, lambda k: f"p[o + j{lane}]" if k == 0 else f"p[o + j{lane} + {k} * step]")
    columns = ending.startswith("columns")
    join = "" if columns else join_text(fold)
    finish = [f"a = {fold.load('lane[j]')}", *(fold.finish("a", "n") if ending.endswith("whole") else [])]
    finish.append(f"out[q + j * spread] = {'T1(1) if a else T1(0)' if result == 'bool' else 'T1(a)'}")
    return f"""\
{head_text(fold)}

@kernel
def {name}(args, tile):
    p = at0(args); out = at1(args); lane = lanes(args)
    units = word(args, 2); grain = word(args, 3); blocks = word(args, 4); chunks = word(args, 5); m = word(args, 6)
    n = word(args, 7); width = word(args, 8); apart = word(args, 9); spread = word(args, 10); keep = word(args, 11)
    pieces = word(args, 12); per = word(args, 13); segments = word(args, 14); rows = word(args, 15)
    whole = word(args, 16); step = word(args, 17); tail = word(args, 18)
    kept_axes = word(args, 19); fold_axes = word(args, 20)
    lengths = 21 + 3 * kept_axes
    for unit in range(tile * grain, min(units, (tile + 1) * grain)):
        block = unit % blocks
        chunk = unit // blocks % chunks
        base = block * {LANES} * apart
        q = chunk * m + block * {LANES} * spread
{offsets_text("unit // blocks // chunks", "kept_axes", 21, {"base": "21 + kept_axes", "q": "21 + 2 * kept_axes"}, 8)}
        count = min({LANES}, width - block * {LANES})
        for piece in range(chunk * per, min(pieces, (chunk + 1) * per)):
            start = piece % segments * rows
            o = base + start * step
{offsets_text("piece // segments", "fold_axes", "lengths", {"o": "lengths + fold_axes"}, 12)}
            left = min(rows, whole - start)
{take}{join}        for j in range({"count" if columns else "keep"}):
{indent(finish, 12)}
"""


def reduce_finish_text(kernel, name):
    """Join the parts of the chunks by halves, in place, and apply the row's `finish`."""
    op, (acc, result) = kernel.body, kernel.dtypes
    fold = Fold(op, acc, acc)
    merge = [f"a = {fold.load('p[e + j]')}", f"b = {fold.load('p[e + half * m + j]')}", *fold.merge("a", "b")]
    merge.append(f"p[e + j] = {fold.store('a')}")
    finish = [f"a = {fold.load('p[k]')}", *fold.finish("a", "n")]
    return f"""\
{head_text(fold)}

@kernel
def {name}(args, tile):
    p = at0(args); out = at1(args)
    m = word(args, 2); chunks = word(args, 3); n = word(args, 4); grain = word(args, 5)
    first = tile * grain
    last = min(m, first + grain)
    while chunks > 1:
        half = (chunks + 1) // 2
        lines, width = chunks - half, last - first
        if width == m:
            lines, width = 1, lines * m
        for line in range(lines):
            e = line * m + first
            for j in range(width):
{indent(merge, 16)}
        chunks = half
    for k in range(first, last):
{indent(finish, 8)}
        out[k] = {"T1(1) if a else T1(0)" if result == "bool" else "T1(a)"}
"""


def reduce_empty_text(kernel, name):
    """What a reduction of no numbers is."""
    op, (result,), (acc,) = kernel.body, kernel.dtypes, kernel.static
    fold = Fold(op, acc, acc)
    begin = f"a = {fold.low.constant(op.start)}"
    finish = fold.finish("a", "0")
    return f"""\
{head_text(fold)}

@kernel
def {name}(args, tile):
    out = at0(args)
    {begin}
{indent(finish, 4)}
    for k in range(word(args, 1)):
        out[k] = {"T0(1) if a else T0(0)" if result == "bool" else "T0(a)"}
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
{offsets_text("k", "axes", 7, {"o": "7 + axes"}, 8)}
        best = p[o]
        where = 0
        for i in range(1, n):
            x = p[o + i * step]
            if best == best and (x {sign} best or x != x):
                best = x
                where = i
        out[k] = where
"""
