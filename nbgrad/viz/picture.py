"""A tape as SVG."""

from ..base.layers import HEIGHT as HEIGHT
from ..base.layers import WIDTH as WIDTH
from ..base.layers import draw
from .graph import COLOURS, boxes


def svg(what) -> str:
    """Return an SVG picture of a `Tape`, or of what a tensor was made from; boxes are coloured by kind of op.

    Hovering over a box shows the user's line that made it.

    >>> from nbgrad import tensor
    >>> svg(tensor([1.0], requires_grad=True) * 2.0).startswith("<svg")
    True
    """
    found = boxes(what)
    return draw(found, COLOURS, [(COLOURS[k], k) for k in COLOURS if any(b.kind == k for b in found)])
