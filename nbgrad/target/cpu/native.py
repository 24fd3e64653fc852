"""The native call of a kernel on arrays: a builtin function of Python made from LLVM IR, with no ctypes on the way.

A program is an array of 64-bit words:

    0 kernel    address of its machine code
    1 tiles     how many pieces of work
    2 pointers  how many of the kernel's words are data pointers; they come first, in the order of the arrays
    3 words     how many words follow them
    4 launch    address of the launcher of several tiles (0 when there is one tile)
    5 state     what the launcher works with
    6 ...       the words that follow the pointers
"""

import ctypes

import llvmlite.binding as llvm
import numpy as np

from ...base.errors import KernelError, problem
from .load import load_ir
from .threads import launcher

ROOM = 480  # words of a kernel's block: less than a page of stack, which needs no probe on Windows
HEADER = 6
FASTCALL = 0x80
DOC = "call(program, *arrays)\n--\n\nRun a program on arrays; return the last argument."
IR = """
declare i32 @PyType_IsSubtype(ptr, ptr)
declare i32 @PyErr_BadArgument()
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare void @Py_IncRef(ptr)

; call(program, *arrays): the kernel's block is put together on the stack. %ndarray is the type numpy.ndarray.
define ptr @nbgrad_call(ptr %ndarray, ptr %args, i64 %given) {{
entry:
  %block = alloca [{room} x i64]
  %any = icmp sgt i64 %given, 0
  br i1 %any, label %read, label %bad
read:
  %object = load ptr, ptr %args
  %object.type.at = getelementptr i8, ptr %object, i64 {type}
  %object.type = load ptr, ptr %object.type.at
  %is.program = icmp eq ptr %object.type, %ndarray
  br i1 %is.program, label %header, label %bad
header:
  %program.at = getelementptr i8, ptr %object, i64 {data}
  %program = load ptr, ptr %program.at
  %kernel = load ptr, ptr %program
  %tiles.at = getelementptr i64, ptr %program, i64 1
  %tiles = load i64, ptr %tiles.at
  %pointers.at = getelementptr i64, ptr %program, i64 2
  %pointers = load i64, ptr %pointers.at
  %words.at = getelementptr i64, ptr %program, i64 3
  %words = load i64, ptr %words.at
  %needed = add i64 %pointers, 1
  %fits = icmp eq i64 %given, %needed
  br i1 %fits, label %arrays, label %bad
arrays:
  %i = phi i64 [0, %header], [%i.next, %take]
  %i.more = icmp slt i64 %i, %pointers
  %i.next = add i64 %i, 1
  br i1 %i.more, label %array, label %copy
array:
  %array.at = getelementptr ptr, ptr %args, i64 %i.next
  %item = load ptr, ptr %array.at
  %type.at = getelementptr i8, ptr %item, i64 {type}
  %type = load ptr, ptr %type.at
  %exact = icmp eq ptr %type, %ndarray
  br i1 %exact, label %take, label %subclass
subclass:
  %inherits = call i32 @PyType_IsSubtype(ptr %type, ptr %ndarray)
  %is.array = icmp ne i32 %inherits, 0
  br i1 %is.array, label %take, label %bad
take:
  %data.at = getelementptr i8, ptr %item, i64 {data}
  %data = load i64, ptr %data.at
  %slot = getelementptr i64, ptr %block, i64 %i
  store i64 %data, ptr %slot
  br label %arrays
copy:
  %j = phi i64 [0, %arrays], [%j.next, %word]
  %j.more = icmp slt i64 %j, %words
  br i1 %j.more, label %word, label %go
word:
  %from = add i64 %j, {header}
  %word.at = getelementptr i64, ptr %program, i64 %from
  %value = load i64, ptr %word.at
  %to = add i64 %j, %pointers
  %cell = getelementptr i64, ptr %block, i64 %to
  store i64 %value, ptr %cell
  %j.next = add i64 %j, 1
  br label %copy
go:
  %block.word = ptrtoint ptr %block to i64
  %single = icmp eq i64 %tiles, 1
  br i1 %single, label %one, label %many
one:
  call void %kernel(i64 %block.word, i64 0)
  br label %done
many:
  %some = icmp sgt i64 %tiles, 0
  br i1 %some, label %launch, label %done
launch:
  %launch.at = getelementptr i64, ptr %program, i64 4
  %launch.fn = load ptr, ptr %launch.at
  %state.at = getelementptr i64, ptr %program, i64 5
  %state = load ptr, ptr %state.at
  %thread = call ptr @PyEval_SaveThread()
  call void %launch.fn(ptr %kernel, i64 %block.word, i64 %tiles, ptr %state)
  call void @PyEval_RestoreThread(ptr %thread)
  br label %done
done:
  %last = sub i64 %given, 1
  %result.at = getelementptr ptr, ptr %args, i64 %last
  %result = load ptr, ptr %result.at
  call void @Py_IncRef(ptr %result)
  ret ptr %result
bad:
  %code = call i32 @PyErr_BadArgument()
  ret ptr null
}}
"""


def make_program(kernel: int, words, tiles: int, pointers: int) -> np.ndarray:
    """Put a kernel and its words together into the program that `call` takes first: an array of int64.

    Parameters
    ----------
    kernel : int
        Address of the kernel, from `load`.
    words : sequence of int
        The words after the pointers, each within 64 bits and signed.
    tiles : int
        Number of tiles; with 0 a call does nothing.
    pointers : int
        Number of arrays that a call takes.

    Raises
    ------
    KernelError
        When the block has more than 480 words (arrays of very many axes).
    """
    if pointers + len(words) > ROOM:
        raise problem(
            KernelError,
            f"a kernel of {pointers} arrays needs {pointers + len(words)} words, more than {ROOM}",
            "arrays of fewer axes: reshape, or make them contiguous",
        )
    launch, state = launcher() if tiles > 1 else (0, 0)
    return np.array((kernel, tiles, pointers, len(words), launch, state, *words), np.int64)


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


def make_builtin(name, address, flags, doc=None, receiver=None):
    """Return a builtin function of Python whose body is the machine code at `address`."""
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(_definition(name, address, flags, doc), receiver, None)


def make_method(cls, name, address, flags, doc=None):
    """Return a builtin method of the class `cls` whose body is the machine code at `address`."""
    make = ctypes.pythonapi.PyDescr_NewMethod
    make.restype, make.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_void_p]
    return make(cls, _definition(name, address, flags, doc))


def _address_of_call():
    for line in IR.splitlines():
        if line.startswith("declare"):
            name = line.split("@")[1].split("(")[0]
            llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
    type_offset, data_offset = array_offsets()
    return load_ir(IR.format(room=ROOM, header=HEADER, type=type_offset, data=data_offset), "nbgrad_call")


ADDRESS = _address_of_call()
call = make_builtin("call", ADDRESS, FASTCALL, DOC, np.ndarray)
