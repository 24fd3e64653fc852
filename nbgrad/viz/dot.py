"""A tape in the DOT language of Graphviz."""

from .graph import COLOURS, boxes


def dot(what) -> str:
    """Return the DOT text of a `Tape`, or of what a tensor was made from.

    >>> from nbgrad import tensor
    >>> print(dot(tensor([1.0], requires_grad=True) * 2.0).splitlines()[0])
    digraph tape {
    """
    lines = ["digraph tape {", '  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11];']
    for i, b in enumerate(boxes(what)):
        label = f"{_quoted(b.title)}\\n{_quoted(b.detail)}"
        lines.append(f'  n{i} [label="{label}", fillcolor="{COLOURS[b.kind]}", tooltip="{_quoted(b.tip)}"];')
        lines += [f"  n{j} -> n{i};" for j in b.inputs]
    return "\n".join([*lines, "}"])


def _quoted(text):
    """Return a text as it stands between double quotes in DOT."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
