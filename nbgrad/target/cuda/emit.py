"""Formulas for one thread of many: functions of CUDA's own library, and NumPy's numbers where CUDA promises none."""

import ast
import math

from ..lowering import Lowering

# Python's spelling -> functions that keep the dtype
KEEPING = {"math.cbrt": "cbrt", "round": "rint", "math.floor": "floor", "math.ceil": "ceil", "math.trunc": "trunc"}
VANISHING = ("silu", "mish", "gelu_erf")  # products of x and what goes to 0 faster: at -inf their formulas say inf * 0


class ThreadLowering(Lowering):
    """Formulas as statements of one thread."""

    def __init__(self, dtype: str):
        super().__init__(dtype)
        self.renamed = {called: f"{name}_{dtype}" for called, name in KEEPING.items()}

    def row(self, op, args) -> str:
        """Append the statements of a row applied to the texts `args`; at -inf its limit."""
        if op.name not in VANISHING:
            return super().row(op, args)
        x = self.name(args[0])
        return f"({self.constant(-0.0)} if {x} == {self.constant(-math.inf)} else {self.name(super().row(op, [x]))})"

    def arithmetic(self, node):
        """Divide integers by 0 as NumPy does: the result is 0; on a GPU it could be any number."""
        if "float" in self.dtype or not isinstance(node.op, (ast.FloorDiv, ast.Mod)):
            return node
        divisor = ast.Name(self.name(f"np.{self.dtype}({ast.unparse(node.right)})"))
        zero = ast.Name(self.constant(0))
        is_zero = ast.Compare(divisor, [ast.Eq()], [zero])
        safe = ast.IfExp(is_zero, ast.Name(self.constant(1)), divisor)
        return ast.IfExp(is_zero, zero, ast.BinOp(node.left, node.op, safe))
