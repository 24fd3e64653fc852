"""From the formulas of a reduction to the text of its words: functions of vectors, or plain loops where they call."""

import ast
import copy
import functools
import math
import re
from pathlib import Path

from ...base.source import CONSTANTS, Formula, substitute
from ...ops.table import Op
from ..lowering import given
from .emit import VectorLowering

LANES = 64  # as in fold_lanes.py, which only a process that compiles can import

CALLS = {"math.sqrt": "sqrt", "math.fabs": "fabs", "math.floor": "floor", "math.ceil": "ceil", "math.trunc": "trunc"}
FILES = ("fold_lanes.py", "fold_words.py", "arg_words.py")
OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div)


class VectorError(Exception):
    """A formula says something that has no vector instruction here."""


class _Vector(ast.NodeTransformer):
    """Turns an expression on numbers into one on vectors: no branches, literals in place of names that mean numbers."""

    def __init__(self, env):
        self.env = env

    def visit_IfExp(self, node):
        test, a, b = self.visit(node.test), self.visit(node.body), self.visit(node.orelse)
        return ast.Call(ast.Name("select"), [test, a, b, ast.Name("ACC")], [])

    def visit_BoolOp(self, node):
        values = [self.visit(v) for v in node.values]
        total = values[0]
        for v in values[1:]:
            total = ast.BinOp(total, ast.BitOr() if isinstance(node.op, ast.Or) else ast.BitAnd(), v)
        return total

    def visit_UnaryOp(self, node):
        op = ast.Invert() if isinstance(node.op, ast.Not) else node.op
        return ast.UnaryOp(op, self.visit(node.operand))

    def visit_BinOp(self, node):
        if not isinstance(node.op, OPERATORS):
            raise VectorError(ast.unparse(node))
        return self.generic_visit(node)

    def visit_Compare(self, node):
        if len(node.ops) > 1:
            raise VectorError(ast.unparse(node))
        return self.generic_visit(node)

    def visit_Name(self, node):
        value = self.env.get(node.id)
        return _number(value) if isinstance(value, (bool, int, float)) else node

    def visit_Attribute(self, node):
        if ast.unparse(node.value) != "math" or node.attr not in ("inf", "nan", *CONSTANTS):
            raise VectorError(ast.unparse(node))
        return _number(getattr(math, node.attr))

    def visit_Call(self, node):
        name, args = ast.unparse(node.func), [self.visit(a) for a in node.args]
        called = self.env.get(name)
        if isinstance(called, Op) and called.kind == "elementwise" and len(args) == len(called.params):
            return substitute(vector(called.formula), dict(zip(called.params, args)))
        if name == "abs" and "abs" not in self.env:
            return ast.Call(ast.Name("abs"), args, [])
        if name not in CALLS:
            raise VectorError(name)
        return ast.Call(ast.Name("call"), [ast.Constant(CALLS[name]), *args], [])


def _number(value):
    return ast.Constant(value) if math.isfinite(value) else ast.parse(f"float('{value}')", mode="eval").body


def vector(formula: Formula) -> ast.expr:
    """Return a formula as an expression on vectors.

    Raises
    ------
    VectorError
        When it calls what is no instruction, or says more than arithmetic, comparisons and choices.
    """
    free = {name: value for name, value in formula.globals.items() if name not in formula.params}
    return _Vector(free).visit(copy.deepcopy(formula.inlined()))


class Fold:
    """One reduction as text: its words, and how its result is finished.

    Attributes
    ----------
    vectors : bool
        Whether its words are instructions; otherwise they are plain loops, and there are none that take many numbers.
    quick : bool
        Whether numbers are folded by a formula that NaN slips through, and their sums watched.
    """

    def __init__(self, op, dtype, acc, quick=True):
        self.op, self.dtype, self.acc, self.low = op, dtype, acc, VectorLowering(acc)
        self.kind = "uint8" if acc == "bool" else acc
        self.merging = op.formula if op.merge is None else given(op, "merge")
        quick = given(op, "quick") if quick and op.quick is not None and "float" in dtype else None
        try:
            formulas = (op.formula, self.merging, quick)
            self.formulas = [f"lambda {', '.join(f.params)}, ACC=ACC: {ast.unparse(vector(f))}" if f else "None" for f in formulas]
            self.vectors, self.quick = True, quick is not None
        except VectorError:
            self.vectors = self.quick = False

    def head(self, memory, words, watch=0):
        """Return the definitions before a kernel: memory of `memory` accumulators by name, and words by their maker."""
        lines = [f"{name} = stack(types.{self.kind}, {count})" for name, count in memory.items()]
        if self.vectors:
            lines += [*self.folding("fold", watch), *[f"{names} = {maker}" for names, maker in words]]
        else:
            lines += self._plain()
        return "\n".join([words_text(), f"TA = np.{self.kind}", self.low.header(), *lines]) + "\n"

    def folding(self, name, watch=0) -> list:
        """Return the definition of its `Folding`; its formulas are vectors."""
        truth = lambda dtype: "boolean" if dtype == "bool" else dtype
        start = "None" if self.op.start is None else ast.unparse(_number(self.op.start))
        given = f"types.{truth(self.dtype)}, ACC, {', '.join(self.formulas)}, {start}, {bool(self.op.returns)}, {watch}"
        return [f"ACC = types.{truth(self.acc)}", f"{name} = Folding({given})"]

    def finish(self, n):
        """Statements that turn the accumulator `a` of `n` numbers into the result."""
        if self.op.finish is None:
            return []
        return [f"number = np.{self.acc}({n})", *self._lines(given(self.op, "finish"), ["a", "number"], "a")]

    def _lines(self, formula, args, target):
        self.low.lines = []
        result = self.low.put(formula, args)
        return [*self.low.lines, f"{target} = {result}"]

    def _plain(self):
        """Return the words of a formula that calls functions: one number after the other."""
        truth, test = self.acc == "bool", "(p[i] != 0)" if self.dtype == "bool" else "p[i]"
        load = lambda text: f"{text} != 0" if truth else text
        keep = lambda text: f"TA(1) if {text} else TA(0)" if truth else f"TA({text})"
        number = test if truth or (self.op.returns and self.dtype != "bool") else f"TA({test})"
        take, merge = self._lines(self.op.formula, ["a", "x"], "a"), self._lines(self.merging, ["a", "b"], "a")
        take = "; ".join([f"x = {number}", f"a = {load('lane[j]')}", *take, f"lane[j] = {keep('a')}"])
        merge = "; ".join([f"a, b = {load('a')}, {load('b')}", *merge, f"return {keep('a')}"])
        start = self.low.constant(self.op.start) if self.op.start is not None else "TA(0)"
        return [PLAIN.format(take=take, merge=merge, number=keep(number), start=keep(start), none=self.op.start is None)]


PLAIN = """

@helper
def empty(lane):
    lane[0] = {start}


@helper
def fold_run(p, o, step, count, lane, fresh, exact):
    j = 0
    if fresh and {none}:
        i = o
        lane[0] = {number}
        o += step
        count -= 1
    for k in range(count):
        i = o + k * step
        {take}


@helper
def fold_columns(p, o, apart, step, lane, count, rows, fresh, exact):
    for k in range(rows):
        for j in range(count):
            i = o + k * step + j * apart
            if k == 0 and fresh and {none}:
                lane[j] = {number}
            else:
                {take}


@helper
def joined(lane, live):
    return lane[0]


@helper
def join(a, b):
    {merge}
"""


@functools.cache
def words_text():
    """Return the text of the words, what they import from their neighbours left out: that stands before it."""
    files = [Path(__file__).with_name(file).read_text(encoding="utf-8") for file in FILES]
    return re.sub(r"^from \.\w+ import (\([^)]*\)|.*)\n", "", "\n".join(files), flags=re.MULTILINE)
