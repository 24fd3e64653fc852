"""Methods of Python classes whose bodies are loops of `loops_road.py`: the few lines of LLVM IR between the two."""

import ctypes
from typing import NamedTuple

from .load import load_ir
from .native import FASTCALL, make_method

KEYWORDS, NO_ARGUMENTS, ONE_ARGUMENT = 0x02, 0x04, 0x08
IR = """
@cells = global [{cells} x i64] zeroinitializer
@things = constant [{count} x ptr] [{things}]

; Where things are in memory: 0 the cells, then the functions below in their order.
define ptr @nbgrad_road(i64 %which) {{
  %at = getelementptr [{count} x ptr], ptr @things, i64 0, i64 %which
  %found = load ptr, ptr %at
  ret ptr %found
}}
{functions}
"""
METHOD = """
; An operator of {arity} operands: the row at once, or the slow method.
define ptr @{name}(ptr %self, ptr %other) {{
  %block = alloca [24 x i64]
  %state = load i64, ptr @cells
  %row.at = getelementptr i64, ptr @cells, i64 {row}
  %row = load i64, ptr %row.at
  %loop.at = getelementptr i64, ptr @cells, i64 1
  %loop = load ptr, ptr %loop.at
  %words = ptrtoint ptr %block to i64
  %block.1 = getelementptr i64, ptr %block, i64 1
  %block.2 = getelementptr i64, ptr %block, i64 2
  %block.3 = getelementptr i64, ptr %block, i64 3
  %block.4 = getelementptr i64, ptr %block, i64 4
  store i64 %state, ptr %block
  store i64 %row, ptr %block.1
  store ptr {first}, ptr %block.2
  store ptr {second}, ptr %block.3
  store i64 0, ptr %block.4
  call void %loop(i64 %words, i64 0)
  %result = load i64, ptr %block
  switch i64 %result, label %done [i64 0, label %slow i64 -1, label %failed]
done:
  %object = inttoptr i64 %result to ptr
  ret ptr %object
slow:
  store ptr %self, ptr %block.2
  store ptr %other, ptr %block.3
  %call.at = getelementptr i64, ptr @cells, i64 {call}
  %call = load ptr, ptr %call.at
  %method.at = getelementptr i64, ptr @cells, i64 {slow}
  %method = load ptr, ptr %method.at
  %made = call ptr %call(ptr %method, ptr %block.2, i64 {arity}, ptr null)
  ret ptr %made
failed:
  ret ptr null
}}
"""
CALL = """
; The call of a row, `row(x, y)`: at once for up to three arguments by place, else by the slow method.
define ptr @{name}(ptr %self, ptr %args, i64 %given, ptr %names) {{
entry:
  %block = alloca [24 x i64]
  %state = load i64, ptr @cells
  store i64 %state, ptr %block
  %block.1 = getelementptr i64, ptr %block, i64 1
  store ptr %self, ptr %block.1
  %block.2 = getelementptr i64, ptr %block, i64 2
  %block.3 = getelementptr i64, ptr %block, i64 3
  %block.4 = getelementptr i64, ptr %block, i64 4
  store i64 0, ptr %block.3
  store i64 0, ptr %block.4
  %less = sub i64 %given, 1
  %few = icmp ult i64 %less, 3
  %plain = icmp eq ptr %names, null
  %quick = and i1 %few, %plain
  br i1 %quick, label %first, label %slow
first:
  %a = load i64, ptr %args
  store i64 %a, ptr %block.2
  %two = icmp ugt i64 %given, 1
  br i1 %two, label %second, label %go
second:
  %b.at = getelementptr i64, ptr %args, i64 1
  %b = load i64, ptr %b.at
  store i64 %b, ptr %block.3
  %three = icmp ugt i64 %given, 2
  br i1 %three, label %third, label %go
third:
  %c.at = getelementptr i64, ptr %args, i64 2
  %c = load i64, ptr %c.at
  store i64 %c, ptr %block.4
  br label %go
go:
  %loop.at = getelementptr i64, ptr @cells, i64 1
  %loop = load ptr, ptr %loop.at
  %words = ptrtoint ptr %block to i64
  call void %loop(i64 %words, i64 0)
  %result = load i64, ptr %block
  switch i64 %result, label %done [i64 0, label %slow i64 -1, label %failed]
done:
  %object = inttoptr i64 %result to ptr
  ret ptr %object
slow:
  %no.names = icmp eq ptr %names, null
  br i1 %no.names, label %count, label %named
named:
  %size.at = getelementptr i64, ptr @cells, i64 {size}
  %size = load ptr, ptr %size.at
  %keywords = call i64 %size(ptr %names)
  br label %count
count:
  %extra = phi i64 [0, %slow], [%keywords, %named]
  %all = add i64 %given, %extra
  %room = add i64 %all, 1
  %values = alloca i64, i64 %room
  store ptr %self, ptr %values
  br label %copy
copy:
  %i = phi i64 [0, %count], [%next, %take]
  %more = icmp slt i64 %i, %all
  br i1 %more, label %take, label %pass
take:
  %from = getelementptr i64, ptr %args, i64 %i
  %word = load i64, ptr %from
  %next = add i64 %i, 1
  %to = getelementptr i64, ptr %values, i64 %next
  store i64 %word, ptr %to
  br label %copy
pass:
  %positions = add i64 %given, 1
  %call.at = getelementptr i64, ptr @cells, i64 {call}
  %call = load ptr, ptr %call.at
  %method.at = getelementptr i64, ptr @cells, i64 {slow}
  %method = load ptr, ptr %method.at
  %made = call ptr %call(ptr %method, ptr %values, i64 %positions, ptr %names)
  ret ptr %made
failed:
  ret ptr null
}}
"""


class Method(NamedTuple):
    """A method to make of `slow`, which does the same in Python; it runs `row` where that is known.

    Kinds: "unary", "binary", "swapped" (the row takes the operands the other way round); "call" is the call of rows.
    """

    owner: type
    name: str
    kind: str
    slow: object
    row: object = None


def build(methods, loop, state, vectorcall, tuple_size):
    """Return one builtin method per `Method`.

    Parameters
    ----------
    methods : list of Method
    loop, state : int
        Addresses of `road_apply` and of what it reads.
    vectorcall, tuple_size : int
        Addresses of PyObject_Vectorcall and PyTuple_Size.
    """
    first, cells = 2, 2 + 2 * len(methods) + 2
    bodies = [_body(f"method{i}", m, first + 2 * i, cells) for i, m in enumerate(methods)]
    things = ", ".join(f"ptr @{name}" for name in ("cells", *[f"method{i}" for i in range(len(methods))]))
    text = IR.format(cells=cells, count=1 + len(methods), things=things, functions="".join(bodies))
    find = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(load_ir(text, "nbgrad_road"))
    cell = (ctypes.c_int64 * cells).from_address(find(0))
    cell[:] = [state, loop, *[w for m in methods for w in (id(m.row), id(m.slow))], vectorcall, tuple_size]
    kinds = {"unary": NO_ARGUMENTS, "call": FASTCALL | KEYWORDS}
    return [
        make_method(m.owner, m.name, find(1 + i), kinds.get(m.kind, ONE_ARGUMENT), m.slow.__doc__)
        for i, m in enumerate(methods)
    ]


def _body(name, method, row, cells):
    """Return the function of a method whose row and slow method are in cells `row` and after it."""
    first, second = {
        "unary": ("%self", "null"), "binary": ("%self", "%other"), "swapped": ("%other", "%self"), "call": ("", ""),
    }[method.kind]  # fmt: skip
    return (CALL if method.kind == "call" else METHOD).format(
        name=name, arity=1 if method.kind == "unary" else 2, row=row, slow=row + 1, call=cells - 2, size=cells - 1,
        first=first, second=second,
    )  # fmt: skip
