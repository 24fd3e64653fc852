"""What the pictures have in common: boxes and arrows of a tape."""

from ..base.layers import Box
from ..record import Tape
from ..tape.tape import Node, reachable
from ..tape.text import constant_text, shown_inputs
from ..tensor import Tensor

COLOURS = {"leaf": "#fdd49e", "elementwise": "#c6dbef", "reduction": "#c7e9c0", "movement": "#efefef",
           "primitive": "#dadaeb", "custom": "#fde0ef"}  # fmt: skip


def boxes(what) -> list:
    """Return the boxes of a `Tape`, or of the part of the tape that a tensor (or several) was made from, in order."""
    names = what.names if isinstance(what, Tape) else {}
    if isinstance(what, Tape):
        roots = what.nodes
    else:
        roots = [t.node for t in (what if isinstance(what, (list, tuple)) else [what]) if isinstance(t, Tensor)]
    nodes = reachable(roots)
    number = {n: i for i, n in enumerate(nodes)}
    out = []
    for n in nodes:
        inputs = tuple(number[s] for s in shown_inputs(n) if isinstance(s, Node) and s in number)
        detail = "" if n.dtype is None else f"{n.dtype} {'×'.join(map(str, n.shape)) or 'scalar'}"
        if n.op is None:
            out.append(Box(names.get(n, "leaf"), detail, "leaf", inputs, ""))
            continue
        constants = [constant_text(s) for s in shown_inputs(n) if s is not None and not isinstance(s, Node)]
        attrs = [f"{k}={v}" for k, v in n.attrs.items() if v is not None and v is not False]
        extra = ", ".join(constants + attrs)
        title = f"{n.op.name}({extra})" if extra and len(n.op.name) + len(extra) <= 20 else n.op.name
        out.append(Box(title, detail, n.op.kind, inputs, "; ".join(filter(None, [n.where, *attrs]))))
    return out
