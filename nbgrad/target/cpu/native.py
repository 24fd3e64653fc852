"""Programs, the native call that runs one on arrays, and builtin functions of Python whose bodies are machine code."""

import ctypes
import os

import numpy as np

from ...base.errors import KernelError, problem
from .native_call import TAKEN, call_program
from .threads import launcher
from .words import Native

ROOM = 480  # words of a kernel's block
FASTCALL = 0x80
def make_step(kernel: int, words, tiles: int, pointers) -> tuple:
    """Return the words of one step of a program.

    Parameters
    ----------
    kernel : int
        Address of the kernel, from `load`.
    words : sequence of int
        The words after the pointers, each within 64 bits and signed.
    tiles : int
        Number of tiles; with 0 the step does nothing.
    pointers : sequence of int
        Per pointer of the kernel the number of an array, or -1 - n for what lies n bytes into the scratch memory.

    Raises
    ------
    KernelError
        When the block has more than 480 words (arrays of very many axes).
    """
    if len(pointers) + len(words) > ROOM:
        raise problem(
            KernelError,
            f"a kernel of {len(pointers)} arrays needs {len(pointers) + len(words)} words, more than {ROOM}",
            "arrays of fewer axes: reshape, or make them contiguous",
        )
    launch, state = launcher() if tiles > 1 else (0, 0)
    return (kernel, tiles, launch, state, len(pointers), len(words), *pointers, *words)


def join(steps, arrays: int, scratch: int) -> np.ndarray:
    """Put steps together into the program that `call` takes first, an array of int64.

    `arrays` is how many a call takes, `scratch` how many bytes of memory the steps share; 64-byte aligned.
    """
    return np.array([arrays, scratch, len(steps), *(word for step in steps for word in step)], np.int64)


def make_program(kernel: int, words, tiles: int, pointers: int) -> np.ndarray:
    """Return the program of one step that takes `pointers` arrays in order; as `make_step`."""
    return join([make_step(kernel, words, tiles, range(pointers))], pointers, 0)


def array_offsets():
    """Return where an ndarray object keeps its type and data pointer: found by looking, as builds of Python differ."""
    whole = np.arange(8.0)
    part = whole[3:]
    layouts = [(memory_of(a), a.__array_interface__["data"][0]) for a in (whole, part)]
    words = range(len(layouts[0][0]))
    types = [i for i in words if all(w[i] == id(np.ndarray) for w, _ in layouts)]
    data = [i for i in words if all(w[i] == address for w, address in layouts)]
    if not types or not data:
        raise problem(KernelError, "the layout of NumPy arrays in memory is not known", "CPython, NumPy 1.26 or newer")
    return 8 * types[0], 8 * data[0]


def slot_offsets(cls) -> dict:
    """Return where the objects of a class with `__slots__` keep each of them, in bytes."""
    names = [n for n in cls.__slots__ if not n.startswith("__")]
    x, marks = cls.__new__(cls), {n: object() for n in names}
    for name, mark in marks.items():
        setattr(x, name, mark)
    words = memory_of(x)
    return {name: 8 * words.index(id(mark)) for name, mark in marks.items()}


def memory_of(x) -> list:
    """Return the words of an object."""
    return list((ctypes.c_uint64 * (type(x).__basicsize__ // 8)).from_address(id(x)))


class _MethodDef(ctypes.Structure):
    """PyMethodDef of Python's C interface."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p),
    )  # fmt: skip


_definitions = []  # Python reads name and flags from them as long as the functions live


def _definition(name, address, flags, doc):
    _definitions.append(_MethodDef(name.encode(), address, flags, doc.encode() if doc else None))
    return ctypes.addressof(_definitions[-1])


def make_builtin(name, address, flags, doc=None):
    """Return a builtin function of Python whose body is the machine code at `address`."""
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(_definition(name, address, flags, doc), None, None)


def python_function(name) -> int:
    """Return the address of a function of Python's C interface; 0 when this Python does not have it."""
    found = getattr(ctypes.pythonapi, name, None)
    return 0 if found is None else ctypes.cast(found, ctypes.c_void_p).value


def make_method(cls, name, address, flags, doc=None):
    """Return a builtin method of the class `cls` whose body is the machine code at `address`."""
    make = ctypes.pythonapi.PyDescr_NewMethod
    make.restype, make.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_void_p]
    return make(cls, _definition(name, address, flags, doc))


def _values():
    """Return what the native call reads."""
    type_at, data_at = array_offsets()
    functions = {
        "IS_SUBTYPE": "PyType_IsSubtype", "BAD_ARGUMENT": "PyErr_BadArgument", "NO_MEMORY": "PyErr_NoMemory",
        "INCREF": "Py_IncRef", "SAVE": "PyEval_SaveThread", "RESTORE": "PyEval_RestoreThread",
        "MALLOC": "PyMem_RawMalloc", "FREE": "PyMem_RawFree",
    }  # fmt: skip
    words = {"NDARRAY": id(np.ndarray), "TYPE": type_at, "DATA": data_at, "WORKSPACE": WORKSPACE.ctypes.data}
    return {**words, **{name: python_function(f) for name, f in functions.items()}}


def _after_fork():
    """In a forked child: the thread that had the scratch memory is not here to give it back."""
    WORKSPACE[TAKEN // 8] = 0


WORKSPACE = np.zeros(3, np.int64)
VALUES = _values()
DOC = "call(program, *arrays)\n--\n\nRun a program on arrays; return the last argument."
call = make_builtin("call", Native("call", [call_program], VALUES).address("call_program"), FASTCALL, DOC)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
