"""Statements as readable Python: a value that is used once stands where it is used."""

import ast
import math
import types
import zlib

from ..base.source import CONSTANTS
from ..ops.elementary.bits import find
from ..ops.table import Op
from .scalar import MATH_ROWS
from .statements import (
    Add,
    Array,
    Cell,
    Const,
    Function,
    If,
    Loop,
    Put,
    Ref,
    Set,
    Store,
    While,
    reads,
    walk,
)

BINARY = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult, "/": ast.Div, "**": ast.Pow, "//": ast.FloorDiv, "%": ast.Mod,
          "&": ast.BitAnd, "|": ast.BitOr, "^": ast.BitXor, "<<": ast.LShift, ">>": ast.RShift}  # fmt: skip
COMPARE = {"<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE, "==": ast.Eq, "!=": ast.NotEq}
FROM_MEMORY = ("load", "get", "view", "array", "call", "ruled")
STAYS = ("copy", "new", "view", "call", "tape", "array", "constant")  # values that keep a name
IN_MATH = {row: name for name, row in MATH_ROWS.items() if name not in ("min", "max")}


SLOTS = 4096  # places where tapes lie between calls
VECTOR = "vector"  # stands for a row that is a vectorising elementary function
ALONE = ("tanh", "sinh", "cosh", "expm1")  # rows whose elementary function is as fast as `math`'s one number at a time too
SLOW = ("pow",)  # rows whose elementary function is no gain, one number at a time
CALLED = {"apart", "give", "grow", "plus", "take"}  # of `target.functions.runtime`
WORDS = CALLED | {"abs", "int", "len", "math", "max", "np", "prange", "range"}  # what a text says besides names of values and rows


def name(text):
    return ast.Name(text, ast.Load())


def attribute(text):
    base, _, rest = text.partition(".")
    return ast.Attribute(name(base), rest, ast.Load())


def called(fn, *args):
    return ast.Call(attribute(fn) if "." in fn else name(fn), list(args), [])


def tuple_of(items):
    return ast.Tuple(list(items), ast.Load())


class Writer:
    """Writes the statements of one function as Python; collects the rows that it calls."""

    def __init__(self):
        self.rows, self.inlined, self.slots, self.slot = {}, {}, {}, 0
        self.vector = False  # whether the statements stand in a loop that may vectorise

    # values

    def operand(self, v):
        if v is None:
            return ast.Constant(None)
        if isinstance(v, Const):
            return self.constant(v)
        if isinstance(v, Ref | Cell):
            return self.inlined.pop(v.name) if v.name in self.inlined else name(v.name)
        return tuple_of(self.operand(i) for i in v.items) if v.cls is None else called(v.cls.__name__, *map(self.operand, v.items))

    def constant(self, v):
        value = v.value
        if isinstance(value, float) and not math.isfinite(value):
            inner = attribute("np.nan") if value != value else attribute("np.inf")
            inner = ast.UnaryOp(ast.USub(), inner) if value < 0 else inner
        elif not isinstance(value, bool) and value < 0:
            inner = ast.UnaryOp(ast.USub(), ast.Constant(-value))
        else:
            inner = ast.Constant(value)
        return inner if v.type.dtype in ("float64", "int64", "bool") else called(f"np.{v.type.dtype}", inner)

    def expression(self, s):
        """Return the right-hand side of a `Set`."""
        args = [self.operand(a) for a in s.args]
        op = s.op
        if isinstance(s.extra, Op):
            return self.row(s.extra, args, s)
        if op in BINARY:
            return ast.BinOp(args[0], BINARY[op](), args[1])
        if op in COMPARE:
            return ast.Compare(args[0], [COMPARE[op]()], [args[1]])
        if op in ("and", "or"):
            return ast.BoolOp(ast.And() if op == "and" else ast.Or(), args)
        if op in ("not", "~", "neg"):
            return ast.UnaryOp({"not": ast.Not, "~": ast.Invert, "neg": ast.USub}[op](), args[0])
        return getattr(self, f"of_{op}")(s, args)

    def row(self, op, args, s):
        if op.name == "neg":
            return ast.UnaryOp(ast.USub(), args[0])
        if op.name == "abs":
            return called("abs", *args)
        short = IN_MATH.get(op.name, op.name)
        gains = self.vector or not hasattr(math, short) or op.name in ALONE
        if s.out.type.real and find(op.name, "float64") is not None and op.name not in SLOW and gains:
            self.rows[op.name] = VECTOR
            return called(op.name, *args)
        if op.ref is not None and hasattr(math, short) and short not in ("floor", "ceil", "trunc"):
            return called(f"math.{short}", *args)
        self.rows[op.name] = op
        return called(op.name, *args)

    def of_get(self, s, args):
        return args[0]

    def of_copy(self, s, args):
        return args[0]

    def of_ruled(self, s, args):
        return called("np.copy", args[0]) if isinstance(s.out.type, Array) else args[0]

    def of_load(self, s, args):
        return ast.Subscript(args[0], tuple_of(args[1:]) if len(args) > 2 else args[1], ast.Load())

    def of_view(self, s, args):
        return ast.parse(s.extra.format(*map(ast.unparse, args)), mode="eval").body

    def of_call(self, s, args):
        self.rows[s.extra.name] = s.extra
        return called(s.extra.name, *args)

    def of_array(self, s, args):
        return ast.parse(s.extra.text.format(*map(ast.unparse, args)), mode="eval").body

    def of_size(self, s, args):
        return ast.Subscript(ast.Attribute(args[0], "shape", ast.Load()), ast.Constant(s.extra), ast.Load())

    def of_part(self, s, args):
        return ast.Subscript(args[0], ast.Constant(s.extra), ast.Load())

    def of_select(self, s, args):
        return ast.IfExp(args[0], args[1], args[2])

    def of_unsigned(self, s, args):
        return called("np.uint64", *args)

    def of_apart(self, s, args):
        return called("apart", *args)

    def of_max(self, s, args):
        return called("max", *args)

    def of_cast(self, s, args):
        return called(f"np.{s.out.type.dtype}", *args)

    def of_int(self, s, args):
        return called("int", *args)

    def of_turns(self, s, args):
        return called("len", called("range", *args))

    def of_new(self, s, args):
        fill, dtype = s.extra
        return called(f"np.{fill}", tuple_of(args) if len(args) != 1 else args[0], attribute(f"np.{'bool_' if dtype == 'bool' else dtype}"))

    def of_tape(self, s, args):
        dtype = attribute(f"np.{'bool_' if s.extra == 'bool' else s.extra}")
        self.slots[s.out.name] = (self.slot + len(self.slots)) % SLOTS
        return called("take", ast.Constant(self.slots[s.out.name]), args[0], dtype)

    def of_constant(self, s, args):
        text = f"np.array({s.extra.tolist()!r}, np.{s.extra.dtype.name})".replace("nan", "np.nan").replace("inf", "np.inf")
        return ast.parse(text, mode="eval").body

    # statements

    def block(self, body):
        """Return a list of statements as Python."""
        homes = self.homes(body)
        out = []
        for s in body:
            if isinstance(s, Set):
                made = self.expression(s)
                if s.out.name in homes:
                    self.inlined[s.out.name] = made
                else:
                    out += self.named(s, made)
            else:
                out += self.statement(s)
        return [*out, *self.given_back(body)] or [ast.Pass()]

    def named(self, s, made):
        """Return the statements that give the result of a `Set` its name."""
        return [_assign(name(s.out.name), made)]

    def given_back(self, body):
        """Return what gives back the tapes that a block has taken."""
        tapes = [s.out.name for s in body if isinstance(s, Set) and s.op == "tape"]
        return [ast.Expr(called("give", ast.Constant(self.slots[n]), name(n))) for n in tapes]

    def homes(self, body):
        """Return the names of the values of a block that may stand where they are used."""
        uses, place = {}, {}
        for i, s in enumerate(body):
            for r in _all_reads(s):
                uses[r] = uses.get(r, 0) + 1
                place[r] = i
        writes = [0]
        for s in body:
            writes.append(writes[-1] + (not isinstance(s, Set) or s.op in ("call",)))
        found, memory = set(), {}
        for i, s in enumerate(body):
            if not isinstance(s, Set):
                continue
            touches = s.op in FROM_MEMORY or any(memory.get(a.name, False) for a in s.args if isinstance(a, Ref))
            n = s.out.name
            if s.op in STAYS or uses.get(n) != 1 or self.used.get(n) != 1 or isinstance(body[place[n]], While):
                continue
            if n not in {a.name for a in _flat(reads(body[place[n]])) if isinstance(a, Ref)}:
                continue
            target = body[place[n]]
            if isinstance(target, Store) and target.array.name == n:
                continue
            if not touches or writes[i + 1] == writes[place[n]]:
                found.add(n)
                memory[n] = touches
        return found

    def statement(self, s):
        if isinstance(s, Put):
            value = self.operand(s.value)
            return [] if isinstance(value, ast.Name) and value.id == s.cell.name else [_assign(name(s.cell.name), value)]
        if isinstance(s, Add):
            return [ast.AugAssign(ast.Name(s.cell.name, ast.Store()), ast.Add(), self.operand(s.value))]
        if isinstance(s, Store):
            value = self.operand(s.value)
            index = [self.operand(i) for i in s.index]
            target = ast.Subscript(name(s.array.name), tuple_of(index) if len(index) > 1 else index[0], ast.Store())
            return [ast.AugAssign(target, ast.Add(), value) if s.add else _assign(target, value)]
        if isinstance(s, Loop):
            args = [self.operand(v) for v in (s.start, s.stop, s.step)]
            if s.backward:
                args = _reversed(args, s)
            elif isinstance(s.step, Const) and s.step.value == 1:
                args = _upward(args, s)
            over = called("prange" if s.parallel else "range", *args)
            outer, self.vector = self.vector, _straight(s.body)
            body, self.vector = self.block(s.body), outer
            return [ast.For(ast.Name(s.index.name, ast.Store()), over, body, [], lineno=0)]
        if isinstance(s, While):
            head = self.block(s.head) if s.head else []
            test = self.operand(s.test)
            return [
                ast.While(ast.Constant(True), [*head, ast.If(ast.UnaryOp(ast.Not(), test), [ast.Break()], []), *self.block(s.body)], [])
            ]
        if isinstance(s, If):
            test = self.operand(s.test)
            then, other = self.block(s.then), self.block(s.other) if s.other else []
            return [ast.If(test, then, other)]
        return getattr(self, f"do_{s.op}")(s, [self.operand(a) for a in s.args])

    def do_check(self, s, args):
        return [ast.If(ast.UnaryOp(ast.Not(), args[0]), [_raise("ValueError", s.extra)], [])]

    def do_same(self, s, args):
        return [ast.If(ast.Compare(args[0], [ast.NotEq()], [args[1]]), [_raise("ValueError", "shapes do not fit")], [])]

    def do_alone(self, s, args):
        return [ast.If(ast.UnaryOp(ast.Not(), called("apart", *args)), [_raise("ValueError", s.extra)], [])]

    def do_raise(self, s, args):
        return [ast.Raise(ast.parse(s.extra, mode="eval").body)]

    def do_front(self, s, args):
        test = ast.BoolOp(ast.And(), [ast.Compare(args[0], [ast.Lt()], [ast.Constant(0)]), ast.Compare(args[1], [ast.Lt()], [args[2]])])
        return [ast.If(test, [_raise("IndexError", "an index computed in a loop is negative")], [])]

    def do_plus(self, s, args):
        return [_assign(args[0], called("plus", *args))]

    def do_grow(self, s, args):
        full = lambda tape: ast.Compare(ast.Attribute(tape, "size", ast.Load()), [ast.Lt()], [args[1]])  # a call would cost more
        tapes = [args[0], *args[2:]]
        made = [ast.If(full(t), [_assign(name(t.id), called("grow", t, args[1]))], []) for t in tapes]
        return made if len(made) == 1 else [ast.If(ast.BoolOp(ast.Or(), [full(t) for t in tapes]), made, [])]

    def do_ruled(self, s, args):
        return []

    def do_whole(self, s, args):
        return []

    def function(self, f: Function):
        """Return a function as the tree of a def."""
        self.used, self.slot = {}, zlib.crc32(f"{f.name} {f.where}".encode()) % SLOTS
        for s in walk(f.body):
            for r in _flat(reads(s)):
                if isinstance(r, Ref):
                    self.used[r.name] = self.used.get(r.name, 0) + 1
        for r in _flat((f.results,)):
            if isinstance(r, Ref):
                self.used[r.name] = 2
        body = [*self.block(f.body), ast.Return(self.operand(f.results))]
        args = ast.arguments([], [ast.arg(p.name) for p in f.params], None, [], [], None, [])
        return ast.fix_missing_locations(ast.FunctionDef(f.name, args, body, []))


def _straight(body):
    """Say whether the turns of a loop are straight lines without memory of the turn before: such a loop may vectorise."""
    return all(isinstance(t, Store | Add) or (isinstance(t, Set) and t.op not in ("view", "array", "call", "new")) for t in body)


def _upward(args, s):
    """Return the arguments of a range in steps of 1.

    LLVM must see that no index wraps around, or the loop stays scalar; from 2 on it does not without the `max`.
    """
    if not isinstance(s.start, Const):
        return args[:2]
    if s.start.value < 2 or s.parallel:
        return args[:2] if s.start.value else args[1:2]
    return [args[0], called("max", *args[:2])]


def _reversed(args, s):
    """Return the arguments of the range that runs the other way."""
    start, stop, step = args
    if isinstance(s.step, Const) and s.step.value == 1:
        last = ast.BinOp(stop, ast.Sub(), ast.Constant(1))
        until = ast.BinOp(start, ast.Sub(), ast.Constant(1)) if not isinstance(s.start, Const) else _number(s.start.value - 1)
        return [last, until, _number(-1)]
    count = ast.BinOp(called("len", called("range", start, stop, step)), ast.Sub(), ast.Constant(1))
    last = ast.BinOp(start, ast.Add(), ast.BinOp(count, ast.Mult(), step))
    return [last, ast.BinOp(start, ast.Sub(), step), ast.UnaryOp(ast.USub(), step)]


def _number(value):
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _assign(target, value):
    return ast.Assign([target if not isinstance(target, ast.Name) else ast.Name(target.id, ast.Store())], value, lineno=0)


def _raise(kind, message):
    return ast.Raise(called(kind, ast.Constant(message)))


def _flat(values):
    for v in values:
        if hasattr(v, "items") and not isinstance(v, dict):
            yield from _flat(v.items)
        elif isinstance(v, tuple | list) and not isinstance(v, Ref | Const | Cell):
            yield from _flat(v)
        else:
            yield v


def _all_reads(s):
    """Yield the names of the values that a statement and the blocks inside of it read."""
    for t in walk([s]):
        yield from (r.name for r in _flat(reads(t)) if isinstance(r, Ref))


def row_text(op) -> str:
    """Return a row of the op table as the text of a function."""
    lines = [f"    {n} = {ast.unparse(v)}" for n, v in op.formula.lets]
    return "\n".join([f"def {op.name}({', '.join(op.params)}):", *lines, f"    return {ast.unparse(op.formula.result)}"])


def needed(op):
    """Return the rows and the plain functions that the formula of a row calls."""
    found = {}
    for expr in [*(v for _, v in op.formula.lets), op.formula.result]:
        for n in ast.walk(expr):
            if isinstance(n, ast.Name) and n.id in op.formula.globals and n.id not in CONSTANTS:
                value = op.formula.globals[n.id]
                if isinstance(value, Op | types.FunctionType):
                    found[n.id] = value
    return found


def written(f: Function):
    """Return (the text of a function, the rows that it calls by name).

    The text needs `math`, `np`, and the rows as functions.
    """
    writer = Writer()
    tree = writer.function(f)
    return ast.unparse(tree), writer.rows
