"""The op table as text: for the command line and the README."""

import ast
import difflib
import importlib
import inspect
import pkgutil
import textwrap

import numpy as np

from . import ops as ops_package
from .ad.scalar import partials, vjp_op
from .base.dtypes import check_dtype
from .base.errors import ArgumentError, problem
from .ops.table import MISSING, ZERO, Op, table
from .plan.mapping import plan_map
from .plan.plan import packed
from .tape.rules import flows, keeps
from .target.cpu.kernels import source
from .target.cpu.load import assembly

KINDS = ("elementwise", "reduction", "movement", "primitive")


def rows() -> dict:
    """Return all rows of the table by kind, after every file of ops has been read."""
    for module in pkgutil.iter_modules(ops_package.__path__):
        importlib.import_module(f"{ops_package.__name__}.{module.name}")
    place = lambda op: (op.forward.__module__, op.forward.__code__.co_firstlineno)
    return {kind: sorted((op for op in table.values() if op.kind == kind), key=place) for kind in KINDS}


def sentence(op) -> str:
    """Return the first line of a row's doc."""
    return inspect.cleandoc(op.__doc__ or "").splitlines()[0] if op.__doc__ else ""


def partial_texts(op) -> list:
    """Return (parameter, derivative as text) for each parameter of a row."""
    if op.kind == "elementwise":
        parts, _ = partials(op)
        return [
            (p, part if part is ZERO or isinstance(part, MISSING) else ast.unparse(part))
            for p, part in zip(op.params, parts)
        ]
    if op.vjp:
        return [(p if type(p) is str else ", ".join(p), _rule_text(op, r)) for p, r in op.vjp.items()]
    if op.df is ZERO:
        return [(p, ZERO) for p in op.params]
    return [(op.params[0], ast.unparse(op.partials[1][0]))] if op.partials else []


def _rule_text(op, rule):
    if not callable(rule):
        return repr(rule)
    return f"a rule of ({', '.join(inspect.signature(rule).parameters)})"


def ref_text(op) -> str:
    """Return the name of the NumPy or SciPy function that a row means."""
    ref = op.ref
    if ref is None or getattr(ref, "__name__", "<lambda>") == "<lambda>":
        return ""
    if isinstance(ref, np.ufunc):
        return f"scipy.special.{ref.__name__}" if not hasattr(np, ref.__name__) else f"numpy.{ref.__name__}"
    module = (getattr(ref, "__module__", "") or "numpy").split("._")[0]
    return f"{module}.{ref.__name__}"


def table_text() -> str:
    """Return one line per op."""
    lines = []
    for kind, found in rows().items():
        lines.append(f"{kind} ({len(found)})")
        width = max(len(op.signature) for op in found)
        lines += [f"  {op.signature.ljust(min(width, 44))}  {sentence(op)}" for op in found]
    return "\n".join(lines)


def table_markdown() -> str:
    """Return the table for the README: name, meaning, reference."""
    lines = ["| op | kind | what it is | as |", "|---|---|---|---|"]
    for kind, found in rows().items():
        lines += [
            f"| `{op.name}` | {kind} | {sentence(op).replace('|', chr(92) + '|')} | {ref_text(op)} |" for op in found
        ]
    return "\n".join(lines)


def find(name) -> Op:
    """Return a row by its name.

    Raises
    ------
    ArgumentError
        When there is none; it names rows whose names are close.
    """
    rows()
    op = table.get(name)
    if op is None:
        close = dict.fromkeys([*difflib.get_close_matches(name, table, cutoff=0.7), *(n for n in table if name in n)])
        fix = f"one of {', '.join(close)}" if close else "python -m nbgrad ops, which lists them"
        raise problem(ArgumentError, f"no op named {name!r}", fix)
    return op


def one_op(name, dtype="float32", asm=False) -> str:
    """Return everything about one op: formula, partials, what is kept, kernels and their source."""
    op = find(name)
    lines = [f"{op.signature}    [{op.kind}]", f"  {sentence(op)}", ""]
    if ref_text(op):
        lines.append(f"means       {ref_text(op)}")
    lines.append(f"declared    {op.forward.__module__} line {op.forward.__code__.co_firstlineno}")
    if op.kind in ("elementwise", "reduction"):
        lines.append(f"formula     {op.formula}")
    for p, part in partial_texts(op):
        lines.append(f"d/d{p:<8} {part}")
    lines.append(f"keeps       {', '.join(kept(op)) or 'nothing'}")
    if op.kind == "elementwise":
        lines += [
            f"domain      {op.domain}" + (f", kinks at {op.kinks}" if op.kinks else ""),
            *_kernels(op, dtype, asm),
        ]
    else:
        lines += ["", textwrap.dedent(inspect.getsource(op.forward)).rstrip()]
    return "\n".join(lines)


def kernels(op, dtype="float32") -> dict:
    """Return the forward kernel and the backward kernel of each parameter, for contiguous arrays of `dtype`."""
    dtype = check_dtype(dtype).name
    found = {"forward": _kernel(op, dtype)}
    for i, p in enumerate(op.params):
        row = vjp_op(op, i)
        if isinstance(row, Op):
            found[f"backward in {p}"] = _kernel(row, dtype)
    return found


def _kernel(op, dtype):
    dtypes = ["bool" if a == "bool" else "int64" if a == "integer" and "float" in dtype else dtype for a in op.accepts]
    out = packed((64,), op.returns or dtypes[-1])
    return plan_map(op, tuple(packed((64,), d) for d in dtypes), out).steps[0].kernel


def _kernels(op, dtype, asm):
    lines = []
    for what, kernel in kernels(op, dtype).items():
        text = source(kernel)
        own = text[text.index("@kernel") :] if "@kernel" in text else text
        constants = [line for line in text.splitlines() if line[:1] == "c" and " = np." in line]
        lines += ["", f"# {what}: {kernel.name}", *constants, own.rstrip()]
        if asm and what == "forward":
            lines += ["", assembly(text, kernel.name)]
    return lines


def kept(op, wanting=None) -> tuple:
    """Return the names of what the tape keeps when the parameters numbered in `wanting` (all of them) want a gradient."""
    wanting = range(len(op.params)) if wanting is None else wanting
    return keeps(op, tuple(i for i in wanting if flows(op, i)))
