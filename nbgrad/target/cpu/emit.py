"""From a kernel to its text: loops filled with the formulas of rows, constants typed to the dtype."""

import ast
import inspect
import math
import re
import textwrap
import types
from pathlib import Path

from ...base.errors import KernelError, problem
from ...base.source import CONSTANTS, Formula
from ...ops.elementary import bits
from ...ops.elementary.bits import find, find_common
from ...ops.table import Op

RENAMED = {  # Python's spelling -> what keeps the dtype inside a kernel
    "math.floor": "np.floor", "math.ceil": "np.ceil", "math.trunc": "np.trunc", "round": "np.rint",
    "math.fmod": "np.fmod", "math.cbrt": "np.cbrt", "math.exp2": "np.exp2",
}  # fmt: skip
INSTRUCTIONS = re.compile(r"pick|\w+_float(?:32|64)")  # functions that are no calls


class Lowering:
    """Turns formulas into statements in one dtype; rows called by a formula are written out in place."""

    def __init__(self, dtype: str, common: bool = False):
        self.dtype, self.lines, self.constants, self.helpers, self.prefix = dtype, [], {}, {}, ""
        self.common, self.rare = common, []  # take the functions of common arguments; conditions under which that is wrong

    def beside(self, dtype: str) -> "Lowering":
        """Return what appends to the same statements in another dtype."""
        other = Lowering(dtype, self.common)
        other.lines, other.helpers, other.rare, other.prefix = self.lines, self.helpers, self.rare, f"{dtype}_"
        return other

    def put(self, formula: Formula, args) -> str:
        """Append the statements of `formula` applied to the texts `args`; return the text of its result."""
        scope = dict(zip(formula.params, args))
        for name, value in formula.lets:
            scope[name] = self.name(self.text(value, scope, formula.globals))
        return self.text(formula.result, scope, formula.globals)

    def row(self, op: Op, args) -> str:
        """Append the statements of a row applied to the texts `args`; a row that is an elementary function is called."""
        return self.elementary(op.name, args) or self.put(op.formula, args)

    def elementary(self, name: str, args) -> str | None:
        """Return the call of an elementary function in this dtype, its text among the helpers; None without one."""
        function = find(name, self.dtype)
        if function is None:
            return None
        found = find_common(name, self.dtype) if self.common else None
        if found is not None:
            function, x = found[0], self.name(args[0])
            args = [x, *args[1:]]
            self.rare.append(f"({x} < {self.constant(found[1])}) | ({x} > {self.constant(found[2])}) | ({x} != {x})")
        emit_inline(function, self.helpers)
        return f"{function.__name__}({', '.join(args)})"

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
            lines.append(f"{name} = {make}({_shown(value)})")
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
        node = self.generic_visit(node)
        power = isinstance(node.op, ast.Pow) and self.low.elementary("pow", [ast.unparse(node.left), ast.unparse(node.right)])
        return ast.parse(power, mode="eval").body if power else node

    def visit_IfExp(self, node):
        """Take one of two values without a branch, unless one of them calls what may take its time."""
        node = self.generic_visit(node)
        calls = [n.func for arm in (node.body, node.orelse) for n in ast.walk(arm) if isinstance(n, ast.Call)]
        if all(isinstance(f, ast.Name) and INSTRUCTIONS.fullmatch(f.id) for f in calls):
            return ast.Call(ast.Name("pick"), [node.test, node.body, node.orelse], [])
        return node

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
        name = RENAMED.get(text, text) if "float" in self.low.dtype else text
        if name == "abs" or name.startswith(("math.", "np.")) or name in ("min", "max", "int", "float", "bool"):
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


def emit_helper(fn, into):
    """Add the text of a helper function to the dict `into`, after the constants and helpers that it reads."""
    if fn.__name__ in into:
        return
    into[fn.__name__] = ""
    source = textwrap.dedent(inspect.getsource(fn))
    tree = ast.parse(source).body[0]
    tree.decorator_list = []
    for name in fn.__code__.co_names:
        value = fn.__globals__.get(name)
        if isinstance(value, types.FunctionType):
            emit_helper(value, into)
        elif isinstance(value, Op):
            emit_helper(value.forward, into)
        elif isinstance(value, (bool, int, float, tuple)):
            into.setdefault(name, f"{name} = {value!r}")
    into.pop(fn.__name__)
    into[fn.__name__] = f"\n\n@helper\n{ast.unparse(tree)}\n"


def emit_inline(fn, into):
    """Add the text of an elementary function to the dict `into`, after the constants and functions that it reads."""
    if fn.__name__ in into:
        return
    into.setdefault("inline.py", Path(__file__).with_name("inline.py").read_text(encoding="utf-8"))
    for name in fn.__code__.co_names:
        value = fn.__globals__[name]
        if isinstance(value, types.FunctionType) and value.__module__ != bits.__name__:
            emit_inline(value, into)
        elif isinstance(value, (int, float, tuple)):
            into[name] = f"{name} = {_shown(value)}"
    dtype = fn.__name__.rpartition("_")[2]
    into[fn.__name__] = f'\n\n@inline("{dtype}")\n{inspect.getsource(fn)}\n'


def _shown(value):
    """Return the text of a constant."""
    return f'float("{value}")' if isinstance(value, float) and not math.isfinite(value) else repr(value)


def load_text(pointer: str, index: str, dtype: str) -> str:
    """Return the text that reads a number; a bool is true where its byte is not 0."""
    return f"({pointer}[{index}] != 0)" if dtype == "bool" else f"{pointer}[{index}]"


def indent(lines, by) -> str:
    return "\n".join(" " * by + line for line in lines)
