"""Arguments that are numbers of things, switches and lengths: checked where they come in, refused in three lines."""

import operator

from .errors import ArgumentError, problem


def integer(value, name, least=None, most=None) -> int:
    """Return an integer argument; raise ArgumentError for anything else, and below `least` or above `most`.

    >>> integer(3, "count", least=0)
    3
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise problem(ArgumentError, f"{name} must be an integer, not {value!r}", f"int({name})") from None
    if (least is not None and number < least) or (most is not None and number > most):
        allowed = f"{least} or more" if most is None else f"from {least} to {most}"
        raise problem(ArgumentError, f"{name}={number} is not {allowed}", f"{name} {allowed}")
    return number


def switch(value, name) -> bool:
    """Return an argument that is True or False; a dtype that stands where NumPy takes one is refused.

    >>> switch(True, "keepdims")
    True
    """
    if not (value is True or value is False or getattr(value, "dtype", None) == "bool"):
        raise problem(ArgumentError, f"{name} is {value!r}, not True or False", f"{name}=True")
    return bool(value)


def lengths(shape, name="shape") -> tuple:
    """Return a shape given as one length or several; none may be negative.

    >>> lengths(3), lengths([2, 0])
    ((3,), (2, 0))
    """
    try:
        out = (operator.index(shape),)
    except TypeError:
        try:
            out = tuple(map(operator.index, shape))
        except TypeError:
            out = (-1,)
    if out and min(out) < 0:
        raise problem(
            ArgumentError, f"{name}={shape!r}: a shape is an int or a tuple of ints, none negative", f"{name}=(2, 3)"
        )
    return out
