"""From formulas of rows to statements of a kernel: constants typed to the dtype, each value and helper once."""

import ast
import functools
import inspect
import math
import textwrap
import types

from ..base.errors import KernelError, problem
from ..base.source import CONSTANTS, Formula, lambda_formulas
from ..ops.table import Op
from ..plan.mapping import Body, Literal, compute_dtype


class Lowering:
    """Turns formulas into statements in one dtype; rows called by a formula are written out in place.

    What a target says otherwise: `renamed`, how functions of Python are spelt that keep the dtype; `elementary`, `choice`
    and `arithmetic`.
    """

    renamed: dict = {}

    def __init__(self, dtype: str):
        self.dtype, self.lines, self.constants, self.helpers, self.prefix = dtype, [], {}, {}, ""

    def beside(self, dtype: str) -> "Lowering":
        """Return what appends to the same statements in another dtype."""
        other = type(self)(dtype)
        other.lines, other.helpers, other.prefix = self.lines, self.helpers, f"{dtype}_"
        return other

    def elementary(self, name: str, args) -> str | None:
        """Return the call of a function of the target's own; None where the formula is as good."""
        return None

    def choice(self, node):
        """Return the tree of a conditional expression, whose parts are done."""
        return node

    def arithmetic(self, node):
        """Return the tree of an operation on two numbers, whose parts are done."""
        return node

    def put(self, formula: Formula, args) -> str:
        """Append the statements of `formula` applied to the texts `args`; return the text of its result."""
        scope = dict(zip(formula.params, args))
        for name, value in formula.lets:
            scope[name] = self.name(self.text(value, scope, formula.globals))
        return self.text(formula.result, scope, formula.globals)

    def row(self, op: Op, args) -> str:
        """Append the statements of a row applied to the texts `args`; a row that is an elementary function is called."""
        return self.elementary(op.name, args) or self.put(op.formula, args)

    def name(self, text: str) -> str:
        """Give a value a name, once."""
        if text.isidentifier():
            return text
        name = f"t{len(self.lines) + 1}"
        self.lines.append(f"{name} = {text}")
        return name

    def text(self, expr, scope, env) -> str:
        """Return the text of an expression; calls of rows become statements before it."""
        fresh = ast.parse(ast.unparse(expr), mode="eval").body  # a tree: in `expr`, what is used twice may be one node
        return ast.unparse(_Rewrite(self, scope, env).visit(fresh))

    def constant(self, value) -> str:
        """Return the name of a constant typed to the dtype."""
        if isinstance(value, bool) or self.dtype == "bool":
            return repr(value)
        if "float" not in self.dtype and isinstance(value, float) and not float(value).is_integer():
            raise problem(
                KernelError, f"the constant {value} has no value in {self.dtype}", "cast to a float dtype first"
            )
        return self.constants.setdefault((type(value), value, math.copysign(1.0, value)), f"{self.prefix}c{len(self.constants)}")

    def header(self) -> str:
        """Return the definitions that the statements need: typed constants and helper functions."""
        return "\n".join([*self.typed(), *self.helpers.values()])

    def typed(self) -> list:
        """Return the definitions of the constants."""
        make, lines = "np." + self.dtype, []
        for (_, value, _), name in self.constants.items():
            value = value if "float" in self.dtype else int(value)
            lines.append(f"{name} = {make}({shown(value)})")
        return lines


class _Rewrite(ast.NodeTransformer):
    def __init__(self, lowering, scope, env):
        self.low, self.scope, self.env = lowering, scope, env

    def visit_Name(self, node):
        if node.id in self.scope:
            return ast.Name(self.scope[node.id])
        if node.id in ("LARGEST", "SMALLEST"):
            top = (
                f"np.finfo(np.{self.low.dtype}).max"
                if "float" in self.low.dtype
                else f"np.iinfo(np.{self.low.dtype}).max"
            )
            for name, text in (("LARGEST", top), ("SMALLEST", top.replace("max", "min"))):
                name = self.low.prefix + name
                self.low.helpers.setdefault(name, f"{name} = np.{self.low.dtype}({text})")
            return ast.Name(self.low.prefix + node.id)
        value = self.env.get(node.id)
        if isinstance(value, (bool, int, float)):
            return ast.Name(self.low.constant(value))
        return node

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name) and node.value.id == "math" and node.attr in ("inf", "nan", *CONSTANTS):
            return ast.Name(self.low.constant(getattr(math, node.attr)))
        return node

    def visit_Constant(self, node):
        return ast.Name(self.low.constant(node.value))

    def visit_BinOp(self, node):
        return self.low.arithmetic(self.generic_visit(node))

    def visit_IfExp(self, node):
        return self.low.choice(self.generic_visit(node))

    def visit_Call(self, node):
        args = [self.visit(a) for a in node.args]
        called = self.env.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if isinstance(called, Op):
            texts = [self.low.name(ast.unparse(a)) for a in args]
            texts += [self.low.constant(called.defaults[p]) for p in called.params[len(texts) :]]
            return ast.parse(self.low.name(self.low.row(called, texts)), mode="eval").body
        if isinstance(called, types.FunctionType):
            return self.helper(called, args)
        text = ast.unparse(node.func)
        if text.startswith(("math.", "np.")):
            found = self.low.elementary(text.partition(".")[2], [ast.unparse(a) for a in args])
            if found is not None:
                return ast.parse(found, mode="eval").body
        name = self.low.renamed.get(text, text) if "float" in self.low.dtype else text
        if name != text or name.startswith(("math.", "np.")) or name in ("abs", "min", "max", "int", "float", "bool"):
            return ast.Call(ast.parse(name, mode="eval").body, args, [])
        raise problem(
            KernelError, f"the formula calls {text}, which is no row, helper or math function", "a row of the op table"
        )

    def helper(self, fn, args):
        """Call a helper with loops: compiled as a function of doubles, its result cast back."""
        emit_helper(fn, self.low.helpers)
        inner = [ast.Call(ast.parse("np.float64", mode="eval").body, [a], []) for a in args]
        call = ast.Call(ast.Name(fn.__name__), inner, [])
        return ast.Call(ast.parse(f"np.{self.low.dtype}", mode="eval").body, [call], [])


def as_body(kernel) -> Body:
    """Return the rows that fill the loop of a kernel; a row alone is one of them."""
    if isinstance(kernel.body, Body):
        return kernel.body
    op, dtypes = kernel.body, kernel.dtypes
    k = len(dtypes) - 1
    return Body(((op, tuple(range(k)), compute_dtype(op, dtypes[:k]), dtypes[k]),), (k,))


def statements(make, body, dtypes, puts, before=None, prefix=""):
    """Return (dtype -> Lowering, statements of one turn of the loop by rows, (name, dtype) of each value).

    `make` is the `Lowering` of a target. Definitions are shared with those of `before`; names of constants and inputs begin with `prefix`.
    """
    first = make(body.calls[0][2])
    first.prefix = prefix
    lows = {first.dtype: first}
    for dtype in [dtype for _, _, dtype, _ in body.calls]:
        if dtype not in lows:
            lows[dtype] = first.beside(dtype)
            lows[dtype].prefix = prefix + lows[dtype].prefix
    for dtype, low in lows.items():
        if before is not None:
            low.constants, low.helpers = before[dtype].constants, before[dtype].helpers
    k, wanted = len(dtypes) - len(body.outs), (*body.outs, *[r.value for r in body.reduced])
    values, groups = [(f"{prefix}x{i}", dtypes[i]) for i in range(k)], []
    for number, (op, args, dtype, out) in enumerate(body.calls):
        low, done = lows[dtype], len(first.lines)
        result = low.row(op, [low.constant(a.value) if isinstance(a, Literal) else values[a][0] for a in args])
        if out == "bool" and dtype != "bool" and op.name == "astype":
            result = f"{result} != 0"
        if number < len(body.calls) - 1 or len(wanted) > 1:
            result = low.name(result if out == "bool" else f"np.{out}({result})")
        values.append((result, out))
        groups.append(first.lines[done:])
    stored = [(max(0, v - k), put.format(values[v][0])) for put, v in zip(puts, wanted)]
    for number, line in stored if not body.shared else [(len(groups) - 1, line) for _, line in stored]:
        groups[number] = [*groups[number], line]
    return lows, groups, values


def given(op, keyword) -> Formula:
    """Return the formula that a row gives under a keyword, such as `finish`."""
    params, parts, env = lambda_formulas(op.forward, keyword, getattr(op, keyword))
    return Formula(params, (), parts[0], env)


def results_of(kernel):
    """Return how many operands the rows of a kernel have, and the number of the pointer for each result, None for one not kept."""
    body, after = kernel.body, kernel.body.after
    kept = (True,) * len(body.reduced) if after is None else after.stored
    count = len(kernel.dtypes) - sum(kept) - (0 if after is None else len(after.dtypes))
    return count, [count + sum(kept[:i]) if k else None for i, k in enumerate(kept)]


def emit_helper(fn, into):
    """Add the text of a helper function to the dict `into`, after the constants and helpers that it reads."""
    if fn.__name__ in into:
        return
    into[fn.__name__] = ""
    for name in fn.__code__.co_names:
        value = fn.__globals__.get(name)
        if isinstance(value, types.FunctionType):
            emit_helper(value, into)
        elif isinstance(value, Op):
            emit_helper(value.forward, into)
        elif isinstance(value, (bool, int, float, tuple)):
            into.setdefault(name, f"{name} = {value!r}")
    into.pop(fn.__name__)
    into[fn.__name__] = _helper_text(fn)


@functools.lru_cache(1024)  # kernels share them, and Python reads the file of a function through to find it
def _helper_text(fn):
    tree = ast.parse(textwrap.dedent(inspect.getsource(fn))).body[0]
    tree.decorator_list = []
    return f"\n\n@helper\n{ast.unparse(tree)}\n"


def shown(value):
    """Return the text of a constant."""
    return f'float("{value}")' if isinstance(value, float) and not math.isfinite(value) else repr(value)


def stored(result, kind):
    """Return the text of the variable `a` in the dtype of a result, whose type is named `kind`."""
    return f"{kind}(1) if a else {kind}(0)" if result == "bool" else f"{kind}(a)"


def load_text(pointer: str, index: str, dtype: str) -> str:
    """Return the text that reads a number; a bool is true where its byte is not 0."""
    return f"({pointer}[{index}] != 0)" if dtype == "bool" else f"{pointer}[{index}]"


def indent(lines, by) -> str:
    return "\n".join(" " * by + line for line in lines)
