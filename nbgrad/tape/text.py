"""A tape to read: one line per node, and the whole of it as one expression."""

import ast

import numpy as np

from ..ad.simplify import simplify
from ..base.source import substitute
from ..ops.table import table

INFIX = {"add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "div": ast.Div, "pow": ast.Pow}
SILENT = ("copy", "astype")
LONGEST = 2000  # characters of an expression worth reading


def slot_names(nodes, named=None) -> dict:
    """Return a name per node: the user's name of a leaf, else % and its number on this tape."""
    named = named or {}
    return {n: named.get(n) or f"%{i}" for i, n in enumerate(nodes)}


def shown_inputs(node) -> tuple:
    """Return the inputs of a node: nodes, or arrays for what no gradient flows to."""
    sources = node.shown if node.shown is not None else node.inputs
    return tuple(sources or ())


def constant_text(a) -> str:
    """Return a constant as text: a number, or dtype and shape."""
    if a is None:
        return "·"
    if hasattr(a, "dtype"):
        return f"{np.asarray(a).item():g}" if a.size == 1 else f"{a.dtype}{list(a.shape)}"
    return str(a)


def listing(nodes, named=None, where=True) -> str:
    """Return one line per node: slot, call, dtype and shape, and where the user wrote it."""
    names = slot_names(nodes, named)
    rows = []
    for n in nodes:
        if n.op is None:
            call = "leaf"
        else:
            args = [names.get(s) or "·" if hasattr(s, "slot") else constant_text(s) for s in shown_inputs(n)]
            args += [f"{k}={v!r}" for k, v in n.attrs.items()]
            call = f"{n.op.name}({', '.join(args)})"
        kind = "" if n.dtype is None else f"{n.dtype}{list(n.shape)}"
        rows.append((names[n], call, kind, (n.where or "") if where else ""))
    widths = [max((len(r[i]) for r in rows), default=0) for i in range(4)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows)


def expression(root, named) -> str:
    """Return the value of `root` as one expression of the named leaves; an empty string when it is too long."""
    from .tape import reachable

    known, length = {}, {}
    for n in reachable([root]):
        if n.op is None:
            known[n] = ast.Name(named.get(n, f"leaf{n.slot}"), ast.Load())
            continue
        known[n] = simplify(_applied(n, [_input(s, known) for s in shown_inputs(n)]))
        length[n] = sum(1 for _ in ast.walk(known[n]))
        if length[n] > LONGEST:
            return ""
    return ast.unparse(ast.fix_missing_locations(known[root]))


def _input(s, known):
    if hasattr(s, "slot"):
        return known.get(s) or ast.Name("·", ast.Load())
    if hasattr(s, "dtype") and s.size == 1 and s.dtype.kind in "fiub":
        return ast.Constant(np.asarray(s).item())
    return ast.Name(constant_text(s), ast.Load())


def _applied(node, args):
    op = node.op
    if op.name in SILENT and op.kind == "elementwise":
        return args[0]
    if op.name in INFIX and table.get(op.name) is op:
        return ast.BinOp(args[0], INFIX[op.name](), args[1])
    if op.name == "neg":
        return ast.UnaryOp(ast.USub(), args[0])
    if op.kind == "elementwise" and table.get(op.name) is not op:
        return substitute(op.formula.inlined(), dict(zip(op.params, args)))
    if op.name in ("reshape", "broadcast_to") and node.shapes and tuple(node.shapes[0]) == tuple(node.shape):
        return args[0]
    extra = [ast.keyword(k, ast.Name(repr(v), ast.Load())) for k, v in node.attrs.items() if v is not None and v is not False]
    return ast.Call(ast.Name(op.name, ast.Load()), list(args), extra)
