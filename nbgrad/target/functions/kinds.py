"""Numba's types as those that `ad` knows, and what values of Python are to Numba."""

from ...ad.expressions import Known
from ...ad.statements import Array, Group, Scalar
from ...base.errors import DtypeError, problem


def kind_of(numba_type, name="an argument"):
    """Return the type that `ad` knows for one of Numba's.

    Raises
    ------
    DtypeError
        For strings, dicts, lists, records, complex numbers and other types without derivatives.

    >>> from numba import types
    >>> kind_of(types.float64[:, ::1])
    Array(dtype='float64', ndim=2, layout='C')
    """
    from numba import types

    t = types.unliteral(numba_type)
    if isinstance(t, types.Omitted):
        return Known(t.value) if t.value is None else kind_of(_typeof(t.value), name)
    if isinstance(t, types.Boolean | types.Integer | types.Float):
        return Scalar("bool" if isinstance(t, types.Boolean) else str(t))
    if isinstance(t, types.Array) and isinstance(t.dtype, types.Boolean | types.Integer | types.Float):
        return Array("bool" if isinstance(t.dtype, types.Boolean) else str(t.dtype), t.ndim, t.layout)
    if isinstance(t, types.BaseTuple):
        return Group(tuple(kind_of(i, name) for i in t), getattr(t, "instance_class", None))
    if isinstance(t, types.NoneType):
        return Known(None)
    if isinstance(t, types.Dispatcher):
        return Known(t.dispatcher)
    what, fix = _refused(t)
    raise problem(DtypeError, f"{name} is {what}, which has no derivative here", fix)


def _refused(t):
    """Return what to call a type that has no derivative, and what to give instead."""
    from numba import types

    if isinstance(t, types.List | types.ListType):
        return "a list", "np.array(x)"
    if isinstance(t, types.PyObject | types.UnicodeType):
        return "a string" if isinstance(t, types.UnicodeType) else "no number and no array", "an array; of a Tensor, x.numpy()"
    return f"{t} to Numba", "numbers, arrays of numbers, and tuples of them"


def _typeof(value):
    from numba import typeof

    return typeof(value)


def wider(typemap, names) -> list:
    """Return (name, ours, Numba's) where Numba gives a value another dtype than `ad` thought.

    Parameters
    ----------
    typemap : dict of str to Numba type
        Of the function that Numba compiled, names with their versions ("x.1").
    names : dict of str to type
    """
    wrong = []
    for versioned, found in typemap.items():
        ours = names.get(versioned.split(".")[0])
        theirs = getattr(found, "dtype", found)
        if isinstance(ours, Scalar | Array) and ours.real and str(theirs).startswith("float") and str(theirs) != ours.dtype:
            wrong.append((versioned.split(".")[0], ours.dtype, str(theirs)))
    return wrong
