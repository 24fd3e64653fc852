"""A tape as text."""

from ..record import Tape
from ..tape.tape import reachable
from ..tape.text import listing


def text(what, where=True) -> str:
    """Return one line per node of a `Tape`, or of what a tensor was made from.

    >>> from nbgrad import tensor
    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> print(text(x * 2.0, where=False))
    %0  leaf        float64[2]
    %1  mul(%0, ·)  float64[2]
    """
    if isinstance(what, Tape):
        return what.text(where)
    return listing(reachable([what.node]), where=where)
