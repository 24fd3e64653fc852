"""A small compiler: functions of Python that know only 64-bit words, to machine code, by way of LLVM IR.

It is for the roads between Python and kernels, where the words are addresses of Python's objects. Numba could do it, in
five seconds where this takes a few hundredths, and these functions are needed before anything else runs.

The language: parameters, locals and results are words; names of the module that are integers, other such functions, or
a `Variable`; arithmetic, comparisons, `and`, `or`, `not`, `if`, `while`, `for` over `range`, `break`, `continue`, conditional
expressions; and the words below.
"""

import ast
import ctypes
import inspect
import operator
import os
import textwrap
import types
from pathlib import Path

import llvmlite.binding as llvm

from ...base.errors import KernelError, problem
from .load import load_ir


class Variable:
    """A word that is set after compiling: an address in this process, or where objects keep their parts."""


def variables(count: int) -> list:
    """Return as many variables; the names they are given in their module are those they are set by."""
    return [Variable() for _ in range(count)]


def get(address, offset):
    """Read the word `offset` bytes behind `address`."""
    raise NotImplementedError("compiled, never called")


def put(address, offset, value):
    """Write the word `offset` bytes behind `address`."""
    raise NotImplementedError("compiled, never called")


def call(function, *words):
    """Call a C function by its address and return its result as a word."""
    raise NotImplementedError("compiled, never called")


def room(count):
    """Return the address of `count` words that live as long as the call of the function."""
    raise NotImplementedError("compiled, never called")


def quotient(a, b):
    """Divide numbers that are not negative, rounding down."""
    raise NotImplementedError("compiled, never called")


def pause():
    """Tell the processor that this thread looks at memory until another one writes it."""
    raise NotImplementedError("compiled, never called")


# What several threads read and write: each of these is seen by all threads at once, and in the same order by all.


def atomic_get(address, offset):
    """Read the word `offset` bytes behind `address`."""
    raise NotImplementedError("compiled, never called")


def atomic_swap(address, offset, value):
    """Write the word `offset` bytes behind `address`, and return what it was."""
    raise NotImplementedError("compiled, never called")


def atomic_add(address, offset, value):
    """Add to the word `offset` bytes behind `address`, and return what it was."""
    raise NotImplementedError("compiled, never called")


def atomic_replace(address, offset, old, new):
    """Write `new` if the word `offset` bytes behind `address` is `old`; return whether it was."""
    raise NotImplementedError("compiled, never called")


ATOMIC = {
    atomic_get: "load atomic i64, ptr {0} seq_cst, align 8",
    atomic_swap: "atomicrmw xchg ptr {0}, i64 {1} seq_cst",
    atomic_add: "atomicrmw add ptr {0}, i64 {1} seq_cst",
    atomic_replace: "cmpxchg ptr {0}, i64 {1}, i64 {2} seq_cst seq_cst",
}
PAUSES = {"x86_64": "x86.sse2.pause()", "i686": "x86.sse2.pause()", "aarch64": "aarch64.hint(i32 1)", "arm64": "aarch64.hint(i32 1)"}
BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
    ast.LShift: "shl", ast.RShift: "ashr",
}  # fmt: skip
COMPARE = {ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "slt", ast.LtE: "sle", ast.Gt: "sgt", ast.GtE: "sge"}
MODULE = """
@variables = internal global [{room} x i64] zeroinitializer
@things = internal constant [{count} x ptr] [{things}]

define ptr @{name}(i64 %which) {{
  %at = getelementptr [{count} x ptr], ptr @things, i64 0, i64 %which
  %found = load ptr, ptr %at
  ret ptr %found
}}
"""
BOUND = "define i64 @f.{name}({args}) {{\n  %made = call i64 @f.{f}({args}, i64 {last})\n  ret i64 %made\n}}\n"


def _pause():
    """Return the call of LLVM's that pauses on this processor; None when there is none."""
    return PAUSES.get(llvm.get_process_triple().split("-")[0])


def _parameters(f):
    """Return the parameters of a function but the last, as LLVM writes them."""
    return ", ".join(f"i64 %given.{p}" for p in list(inspect.signature(f).parameters)[:-1])


def _texts(functions) -> list:
    """Return the texts of the files that functions and what they call are written in: to read them takes no time."""
    waiting, files = [f[1] if isinstance(f, tuple) else f for f in functions], {__file__: []}
    while waiting:
        f = waiting.pop()
        file = f.__code__.co_filename
        file = file if os.path.exists(file) else inspect.getsource(f)
        if file not in files:
            names = f.__globals__.items()
            files[file] = [f"{n} = {v}" for n, v in names if type(v) is int]  # some come from other files
            known = [g for _, g in names if isinstance(g, types.FunctionType) and g.__module__ != __name__]
            waiting += [g for g in known if g.__globals__.get("get") is get or g.__globals__.get("call") is call]
    texts = [Path(file).read_text(encoding="utf-8") if os.path.exists(file) else file for file in files]
    return texts + [line for lines in files.values() for line in lines]


class Native:
    """Functions compiled together, and their variables.

    Parameters
    ----------
    name : str
        Of the module; part of nothing else.
    functions : list of function, or of (str, function, int)
        What can be asked for by `address`; what they call is compiled along. A triple is a name for a function whose
        last argument is that number.
    values : dict
        Name of a variable -> its word.

    Raises
    ------
    KernelError
        When a function says something that the language does not have, or a variable has no value.

    Examples
    --------
    >>> def double(x):
    ...     return x + x
    >>> ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(Native("doc", [double], {}).address("double"))(21)
    42
    """

    def __init__(self, name, functions, values):
        self.names = [f[0] if isinstance(f, tuple) else f.__name__ for f in functions]
        self._places = {variable: i for i, variable in enumerate(sorted(values))}
        shown = [f"{f[0]} {f[1].__name__} {f[2]}" if isinstance(f, tuple) else f.__name__ for f in functions]
        known_by = "\n".join([name, *shown, *self._places, *_texts(functions)])
        found = load_ir(known_by, f"nbgrad_{name}", make=lambda: self._text(name, functions))
        self._find = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(found)
        self._words = (ctypes.c_int64 * max(1, len(values))).from_address(self._find(0))
        for variable, value in values.items():
            self.set(variable, value)

    def _text(self, name, functions):
        """Return the module in LLVM IR."""
        bound = [f for f in functions if isinstance(f, tuple)]
        text = [BOUND.format(name=n, f=f.__name__, last=i, args=_parameters(f)) for n, f, i in bound]
        found, waiting = {}, [f[1] if isinstance(f, tuple) else f for f in functions]
        while waiting:
            f = waiting.pop()
            if f.__name__ not in found:
                body = found[f.__name__] = Function(f, self._places)
                text.append(body.text())
                waiting += body.calls
        things = ", ".join(f"ptr @{n}" for n in ["variables", *(f"f.{n}" for n in self.names)])
        if "@llvm." in "".join(text):
            text.append(f"declare void @llvm.{_pause().replace('i32 1', 'i32')}")
        sizes = {"room": max(1, len(self._places)), "count": 1 + len(self.names), "name": f"nbgrad_{name}"}
        return MODULE.format(**sizes, things=things) + "\n".join(text)

    def address(self, name) -> int:
        """Return the address of a function."""
        return self._find(1 + self.names.index(name))

    def set(self, variable, value):
        """Set a variable, by its name, for the functions that were compiled here."""
        self._words[self._places[variable]] = value


class Function:
    """Writes the LLVM IR of one function; every local lives on the stack, from where LLVM takes it into a register."""

    def __init__(self, f, shared):
        self.source = f
        self.tree = ast.parse(textwrap.dedent(inspect.getsource(f))).body[0]
        self.shared, self.calls, self.lines, self.slots, self.count, self.loops = shared, [], [], {}, 0, []

    def text(self) -> str:
        params = [a.arg for a in self.tree.args.args]
        for p in params:
            self.put(f"store i64 %given.{p}, ptr {self.slot(p)}")
        self.block(self.tree.body)
        if not self.ended():
            self.put("ret i64 0")
        head = ", ".join(f"i64 %given.{p}" for p in params)
        slots = [f"  {s} = alloca {kind}" for s, kind in self.slots.values()]
        return "\n".join([f"define i64 @f.{self.tree.name}({head}) {{", "entry:", *slots, *self.lines, "}", ""])

    # -- statements

    def block(self, body):
        for statement in body:
            if not self.ended():
                self.statement(statement)

    def statement(self, s):
        match s:
            case ast.Expr(ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(value):
                self.word(value)
            case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)):
                for target, value in zip(targets, [self.word(v) for v in values], strict=True):
                    self.store(target, value)
            case ast.Assign([ast.Name() as target], value):
                self.store(target, self.word(value))
            case ast.AugAssign(ast.Name() as target, op, value):
                self.store(target, self.word(ast.BinOp(target, op, value)))
            case ast.Return(value):
                self.put(f"ret i64 {self.word(value) if value else 0}")
            case ast.If(test, body, other):
                self.branch(test, body, other)
            case ast.While(test, body):
                self.loop(lambda: self.truth(test), body, lambda: None)
            case ast.For(ast.Name() as i, ast.Call(ast.Name("range"), [*first, stop]), body) if len(first) < 2:
                self.store(i, self.word(first[0]) if first else "0")
                limit = self.word(stop)
                self.loop(
                    lambda: self.value(f"icmp slt i64 {self.word(i)}, {limit}"), body,
                    lambda: self.store(i, self.value(f"add i64 {self.word(i)}, 1")),
                )  # fmt: skip
            case ast.Break():
                self.put(f"br label %{self.loops[-1][1]}")
            case ast.Continue():
                self.put(f"br label %{self.loops[-1][0]}")
            case _:
                raise self.unknown(s)

    def branch(self, test, body, other):
        yes, no, done = self.labels("yes", "no", "done")
        self.put(f"br i1 {self.truth(test)}, label %{yes}, label %{no}")
        for label, part in ((yes, body), (no, other)):
            self.label(label)
            self.block(part)
            if not self.ended():
                self.put(f"br label %{done}")
        self.label(done)

    def loop(self, test, body, step):
        head, inside, last, done = self.labels("head", "body", "step", "done")
        self.put(f"br label %{head}")
        self.label(head)
        self.put(f"br i1 {test()}, label %{inside}, label %{done}")
        self.label(inside)
        self.loops.append((last, done))
        self.block(body)
        self.loops.pop()
        if not self.ended():
            self.put(f"br label %{last}")
        self.label(last)
        step()
        self.put(f"br label %{head}")
        self.label(done)

    # -- expressions

    def word(self, e) -> str:
        """Return the value of an expression as a word: a literal, or a name of LLVM's."""
        match e:
            case ast.Constant(bool() | int() as value):
                return str(int(value))
            case ast.Name(name) if name in self.slots:
                return self.value(f"load i64, ptr {self.slot(name)}")
            case ast.Name(name):
                return self.named(name, self.source.__globals__.get(name), e)
            case ast.BinOp(a, op, b) if type(op) in BINARY:
                return self.value(f"{BINARY[type(op)]} i64 {self.word(a)}, {self.word(b)}")
            case ast.UnaryOp(ast.USub(), a):
                return self.value(f"sub i64 0, {self.word(a)}")
            case ast.IfExp(test, a, b):
                self.count += 1
                result = ast.Name(f"?{self.count}")
                self.branch(test, [ast.Assign([result], a)], [ast.Assign([result], b)])
                return self.word(result)
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(ast.Not()):
                return self.value(f"zext i1 {self.truth(e)} to i64")
            case ast.Call(ast.Name(name), args):
                return self.called(name, args)
        raise self.unknown(e)

    def truth(self, e) -> str:
        """Return the value of a condition."""
        match e:
            case ast.Compare(a, [op], [b]) if type(op) in COMPARE:
                return self.value(f"icmp {COMPARE[type(op)]} i64 {self.word(a)}, {self.word(b)}")
            case ast.UnaryOp(ast.Not(), a):
                return self.value(f"xor i1 {self.truth(a)}, true")
            case ast.BoolOp(op, [first, *rest]):
                other = rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
                both = (other, ast.Constant(0)) if isinstance(op, ast.And) else (ast.Constant(1), other)
                return self.truth(ast.IfExp(first, *both))
        return self.value(f"icmp ne i64 {self.word(e)}, 0")

    def named(self, name, value, e):
        if isinstance(value, Variable):
            place = self.shared.get(name)
            if place is None:
                raise problem(KernelError, f"{self.source.__name__}: the variable {name} has no value", "one in `values`")
            return self.value(f"load i64, ptr getelementptr (i64, ptr @variables, i64 {place})")
        if not isinstance(value, int):
            raise self.unknown(e)
        return str(operator.index(value))

    def called(self, name, args):
        f = self.source.__globals__.get(name)
        if f is room and isinstance(args[0], ast.Constant):
            self.count += 1
            self.slots[f"room {self.count}"] = (f"%room.{self.count}", f"[{args[0].value} x i64], align 64")
            return self.value(f"ptrtoint ptr %room.{self.count} to i64")
        words = [self.word(a) for a in args]
        if f is room:
            return self.value(f"ptrtoint ptr {self.value(f'alloca i64, i64 {words[0]}, align 64')} to i64")
        if f is get or f is put:
            at = self.value(f"inttoptr i64 {self.value(f'add i64 {words[0]}, {words[1]}')} to ptr")
            if f is get:
                return self.value(f"load i64, ptr {at}")
            self.put(f"store i64 {words[2]}, ptr {at}")
            return "0"
        if f in ATOMIC:
            at = self.value(f"inttoptr i64 {self.value(f'add i64 {words[0]}, {words[1]}')} to ptr")
            found = self.value(ATOMIC[f].format(at, *words[2:]))
            if f is not atomic_replace:
                return found
            return self.value(f"zext i1 {self.value(f'extractvalue {{i64, i1}} {found}, 1')} to i64")
        if f is quotient:
            return self.value(f"udiv i64 {words[0]}, {words[1]}")
        if f is pause:
            if _pause():
                self.put(f"call void @llvm.{_pause()}")
            return "0"
        given = ", ".join(f"i64 {w}" for w in (words[1:] if f is call else words))
        if f is call:
            return self.value(f"call i64 {self.value(f'inttoptr i64 {words[0]} to ptr')}({given})")
        if not isinstance(f, types.FunctionType) or len(args) != f.__code__.co_argcount:
            raise self.unknown(ast.Name(name))
        self.calls.append(f)
        return self.value(f"call i64 @f.{name}({given})")

    # -- lines

    def value(self, text) -> str:
        self.count += 1
        self.put(f"%v{self.count} = {text}")
        return f"%v{self.count}"

    def slot(self, name) -> str:
        return self.slots.setdefault(name, (f"%slot.{len(self.slots)}", "i64"))[0]

    def store(self, target, value):
        self.put(f"store i64 {value}, ptr {self.slot(target.id)}")

    def labels(self, *names):
        self.count += 1
        return [f"{n}.{self.count}" for n in names]

    def label(self, name):
        self.lines.append(f"{name}:")

    def put(self, line):
        self.lines.append(f"  {line}")

    def ended(self) -> bool:
        """Say whether the block has its last instruction."""
        return bool(self.lines) and self.lines[-1].startswith(("  ret ", "  br "))

    def unknown(self, node):
        what = f"{self.source.__name__}: `{ast.unparse(node)}` is nothing that a function of words can say"
        return problem(KernelError, what, "arithmetic of integers, get, put, call, room, and functions of words")
