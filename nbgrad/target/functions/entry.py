"""Where the machine code of a function of the user's lies, compiled for types of arguments."""

import functools

import numpy as np

from ...ad.statements import Array, Group
from ...base.errors import ArgumentError, KernelError, problem
from . import files
from .kinds import kind_of

THROW = '''\
from numba import njit

from nbgrad.target.functions.calling import thrown


@njit(cache=True)
def throw(code, info):
    thrown(code, info)
'''


class Entry:
    """A word of a kernel: the address of a function compiled for types of arguments, and who keeps it.

    Attributes
    ----------
    types : tuple
        Numba's types of the arguments.
    result : Scalar, Array, Group or Known
        What it returns.
    parallel : bool
        Whether it starts threads of its own.
    """

    __slots__ = ("address", "held", "parallel", "result", "types")

    def __init__(self, f, kinds):
        self.types = given = tuple(map(_type, kinds))
        if given not in f.overloads and not getattr(f, "_can_compile", True):
            raise problem(ArgumentError, f"{f.__name__} is compiled for other types than {', '.join(map(str, given))}",
                          "@njit without types, which is compiled for those that come")  # fmt: skip
        f.compile(given)
        made = f.overloads[given]
        self.held = f, made
        self.result = kind_of(made.signature.return_type, f"the result of {f.__name__}")
        self.parallel = bool(f.targetoptions.get("parallel"))
        parts = made._asdict()
        self.address = parts["library"].get_pointer_to_function(parts["fndesc"].mangled_name)
        if made.objectmode or not self.address:
            raise problem(KernelError, f"{f.__name__} has no machine code that can be called", "@njit")

    def __int__(self):
        return self.address


def _type(kind):
    """Return Numba's type of an argument."""
    from numba import from_dtype, types

    if isinstance(kind, Group):
        return types.Tuple(tuple(map(_type, kind.items)))
    dtype = from_dtype(np.dtype(kind.dtype))
    return types.Array(dtype, kind.ndim, "C") if isinstance(kind, Array) else dtype


def throw(code, info):
    """Raise the error with which a function of Numba ended: its status, and where the error is described."""
    _thrower()(code, info)


@functools.cache
def _thrower():
    return files.loaded(THROW, "throw")[0]
