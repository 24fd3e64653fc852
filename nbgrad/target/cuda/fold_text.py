"""Reductions as functions that a thread calls: take one more number, join two accumulators, finish."""

from ..lowering import given, indent, shown
from .emit import ThreadLowering

# dtype of an accumulator -> what a thread holds it in: lanes exchange nothing narrower
HELD = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "int32", "uint16": "int32", "uint32": "int64"}


class Fold:
    """One reduction, number `i` of a kernel, as text.

    Attributes
    ----------
    start : str or None
        What an accumulator begins with; None where it begins with the first number.
    held : str
        What a thread holds an accumulator in.
    """

    def __init__(self, i, op, dtype, acc, parts=False):
        self.i, self.op, self.dtype, self.acc, self.parts = i, op, dtype, acc, parts
        self.truth, self.held = acc == "bool", HELD.get(acc, acc)
        self.low = ThreadLowering(acc)
        self.low.prefix = f"fold{i}_"
        self.start = None if op.start is None else f"start{i}"

    def head(self) -> str:
        """Return the definitions of `K{i}`, `first{i}`, `fold{i}`, `join{i}`, `lane{i}` and `finish{i}`."""
        i, merging = self.i, self.op.formula if self.op.merge is None else given(self.op, "merge")
        keep = lambda text: f"K{i}(1) if ({text}) else K{i}(0)" if self.truth else f"K{i}({text})"
        typed = lambda name: f"{name} = {name} != 0" if self.truth else f"{name} = np.{self.acc}({name})"
        number = [] if self.truth or (self.op.returns and self.dtype != "bool") else [f"x = np.{self.acc}(x)"]
        finish = given(self.op, "finish") if self.op.finish is not None else None
        functions = [(f"first{i}(x)", [*number, f"return {keep('x')}"])]
        functions.append((f"join{i}(a, b)", self._lines(merging, "ab", [typed("a"), typed("b")], keep)))
        if self.parts:
            functions.append((f"fold{i}(a, x)", [f"return join{i}(a, x)"]))
        else:
            functions.append((f"fold{i}(a, x)", self._lines(self.op.formula, "ax", [typed("a"), *number], keep)))
        sent = "int64" if self.held == "uint64" else self.held  # as many bits, of a kind that lanes exchange
        functions.append((f"lane{i}(a, by)", [f"return K{i}(lane_down(np.{sent}(a), by))"]))
        if finish is None:
            functions.append((f"finish{i}(a, n)", [typed("a"), "return a"]))
        else:
            functions.append((f"finish{i}(a, n)", self._lines(finish, "an", [typed("a"), f"n = np.{self.acc}(n)"], str)))
        texts = [f"\n\n@helper\ndef {name}:\n{indent(lines, 4)}\n" for name, lines in functions]
        start = [] if self.start is None else [f"start{i} = np.{self.held}({shown(self.op.start)})"]
        return "\n".join([f"K{i} = np.{self.held}", *start, self.low.header(), *texts])

    def _lines(self, formula, names, before, keep):
        """Return the statements of a function that applies a formula."""
        self.low.lines = []
        result = self.low.put(formula, list(names))
        return [*before, *self.low.lines, f"return {keep(result)}"]
