"""Formulas for loops of vectors: elementary functions of nbgrad's own written out, and no branches."""

import ast
import inspect
import re
import types
from pathlib import Path

from ...ops.elementary import bits
from ...ops.elementary.bits import find, find_common
from ..lowering import Lowering, shown

INSTRUCTIONS = re.compile(r"pick|\w+_float(?:32|64)")  # functions that are no calls


class VectorLowering(Lowering):
    """Formulas as statements that LLVM does to many numbers at once.

    With `common` the functions of common arguments are taken; `rare` are the conditions under which that is wrong.
    """

    renamed = {  # Python's spelling -> what keeps the dtype inside a kernel
        "math.floor": "np.floor", "math.ceil": "np.ceil", "math.trunc": "np.trunc", "round": "np.rint",
        "math.fmod": "np.fmod", "math.cbrt": "np.cbrt", "math.exp2": "np.exp2",
    }  # fmt: skip

    def __init__(self, dtype: str, common: bool = False):
        super().__init__(dtype)
        self.common, self.rare = common, []

    def beside(self, dtype: str) -> "VectorLowering":
        """Return what appends to the same statements in another dtype."""
        other = super().beside(dtype)
        other.common, other.rare = self.common, self.rare
        return other

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

    def arithmetic(self, node):
        """Take powers by the function of the dtype."""
        power = isinstance(node.op, ast.Pow) and self.elementary("pow", [ast.unparse(node.left), ast.unparse(node.right)])
        return ast.parse(power, mode="eval").body if power else node

    def choice(self, node):
        """Take one of two values without a branch, unless one of them calls what may take its time."""
        calls = [n.func for arm in (node.body, node.orelse) for n in ast.walk(arm) if isinstance(n, ast.Call)]
        if all(isinstance(f, ast.Name) and INSTRUCTIONS.fullmatch(f.id) for f in calls):
            return ast.Call(ast.Name("pick"), [node.test, node.body, node.orelse], [])
        return node


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
            into[name] = f"{name} = {shown(value)}"
    dtype = fn.__name__.rpartition("_")[2]
    into[fn.__name__] = f'\n\n@inline("{dtype}")\n{inspect.getsource(fn)}\n'
