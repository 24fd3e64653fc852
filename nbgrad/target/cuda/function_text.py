"""A function of numbers as text for one thread of many: the user's own, or one that `ad` derived from it.

A thread has no memory to ask for. Its tapes and arrays are local ones of a fixed size: of as many numbers as the loops
around them have turns where those are known, else of `room` numbers, and a thread that needs more says so and gives up. So
it does where the function raises. The words of a status tell what went wrong, one for each place where that may be.
"""

import ast
from math import prod
from typing import NamedTuple

import numpy as np

from ...ad.copying import copy_of, leaves, taken, without
from ...ad.expressions import Tup
from ...ad.statements import Array, Const, Do, Group, Loop, Set, Store, While, blocks, walk
from ...ad.text import WORDS, Writer, called, name
from ...base.errors import ArgumentError, problem
from .emit import ThreadLowering

MOST = 1 << 16  # bytes of local memory: a device sets so many aside for each thread that it can hold at once
MADE = ("new", "tape", "constant")  # operations whose results a thread can have as arrays
OWN = {"cuda", "first", "status", "turns"}  # names that the text has besides those of any derivative
FULL = "its loops make more turns than there is room to keep numbers of: {}"
HELPERS = """\
@helper
def turns(start, stop, step):
    return max(0, (stop - start + step - (1 if step > 0 else -1)) // step)


@helper
def plus(total, x):
    return total + x
"""


class Text(NamedTuple):
    """The text of a function of numbers, and what a kernel must know of it.

    name : of the function; text : with all that it calls; counts : per parameter how many numbers it takes as a tuple, None
    for one number; dtypes : of the results, which it returns as one tuple; failures : what each word of the status says.
    """

    name: str
    text: str
    counts: tuple
    dtypes: tuple
    failures: tuple


def function_text(f, room) -> Text:
    """Return the text of a function of numbers, as `ad` has it; tapes of unknown size have `room` numbers.

    Raises
    ------
    ArgumentError
        When it needs what a thread does not have: arrays that are cut or computed with as a whole, calls of itself, more
        memory than there is.
    """
    f = copy_of(f)
    _check(f)
    _measure(f)
    words = WORDS | OWN
    f = without(f, words) if taken(f) & words else f
    writer = ThreadWriter(room)
    tree = writer.function(f._replace(name=f"one_{f.name}"))
    parts = [*writer.tables, *writer.texts.values(), HELPERS, f"\n@helper\n{ast.unparse(ast.fix_missing_locations(tree))}"]
    counts = tuple([len(p.type.items) if isinstance(p.type, Group) else None for p in f.params])
    dtypes = tuple([v.type.dtype for v in leaves(f.results)])
    return Text(tree.name, "\n".join(parts), counts, dtypes, tuple(writer.failures))


def _check(f):
    """Refuse what a thread cannot do."""
    sets = [s for s in walk(f.body) if isinstance(s, Set)]
    if any(s.op == "call" for s in sets):
        raise _refused(f, "to call itself", "a loop in its place")
    if any(isinstance(v.type, Array) for v in leaves(f.results)):
        raise _refused(f, "to return an array", "the numbers as a tuple")
    if any(isinstance(s.out.type, Array) and s.op not in MADE for s in sets):
        raise _refused(f, "arrays as a whole, or parts of them", "loops over their elements, or numbers alone")


def _measure(f):
    """Let the extents of arrays that the function makes be the numbers that it made them of, in place."""
    made = {s.out.name: s for s in walk(f.body) if isinstance(s, Set) and s.op == "new"}
    for s in walk(f.body):
        if isinstance(s, Set) and s.op == "size" and s.args[0].name in made:
            s.op, s.args, s.extra = "int", (made[s.args[0].name].args[s.extra],), None


def _refused(f, what, fix):
    return problem(ArgumentError, f"mapped: {f.name} needs {what}, which a thread of a GPU cannot do", fix, at=f.where)


class ThreadWriter(Writer):
    """Writes a function for one thread.

    Attributes
    ----------
    tables, texts : list, dict
        Arrays of constants, and the rows that are called by their names here, as text.
    failures : list of str
    """

    def __init__(self, room):
        super().__init__()
        self.room, self.tables, self.texts, self.failures, self.arrays, self.held = room, [], {}, [], [], 0

    def function(self, f):
        """Return the tree of the function: of its parameters, the status, and where in that its first word lies."""
        self.f = f = f._replace(results=Tup(leaves(f.results)))
        self.defined = {s.out.name: s for s in walk(f.body) if isinstance(s, Set)}
        self.grown = {a.name for s in walk(f.body) if isinstance(s, Do) and s.op == "grow" for a in (s.args[0], *s.args[2:])}
        self.most: dict = {}
        self.survey(f.body, 1)
        tree = super().function(f)
        tree.args.args += [ast.arg("status"), ast.arg("first")]
        tree.body = [*ast.parse("\n".join(self.arrays)).body, *tree.body]
        return tree

    # how large arrays are

    def survey(self, body, turns):
        """Note how often each array may be written: as often as the loops around that turn; None where nobody knows."""
        for s in body:
            if isinstance(s, Store):
                before = self.most.get(s.array.name, 0)
                self.most[s.array.name] = None if None in (turns, before) else max(turns, before)
            count = None if isinstance(s, While) else self.count(s.start, s.stop, s.step) if isinstance(s, Loop) else 1
            for b in blocks(s):
                self.survey(b, None if None in (turns, count) else turns * count)

    def count(self, *ends):
        """Return how many turns a range has; None where nobody knows."""
        found = list(map(self.value, ends))
        return None if None in found else len(range(*found))

    def value(self, v):
        """Return a whole number that is known while the text is written, else None."""
        if isinstance(v, Const):
            return int(v.value)
        s = self.defined.get(v.name)
        if s is not None and s.op == "int":
            return self.value(s.args[0])
        if s is not None and s.op == "size":
            return self.size(self.defined[s.args[0].name], s.extra)
        return self.count(*s.args) if s is not None and s.op == "turns" else None

    def size(self, made, axis):
        """Return how many numbers an array has along an axis, by the operation that makes it."""
        if made.op == "constant":
            return made.extra.shape[axis]
        n = self.most.get(made.out.name, 0) if made.out.name in self.grown else self.value(made.args[axis])
        return self.room if n is None else n

    def local(self, s, shape):
        """Make a local array for the result of an operation."""
        self.held += prod(shape) * np.dtype(s.out.type.dtype).itemsize
        if self.held > MOST:
            what = f"mapped: {self.f.name.removeprefix('one_')} keeps more than {MOST} bytes of each number's loops"
            raise problem(ArgumentError, what, "for i in nbgrad.checkpointed(range(n)), or fewer turns", at=self.f.where)
        shown = tuple(max(1, n) for n in shape)
        self.arrays.append(f"{s.out.name} = cuda.local.array({shown if len(shown) > 1 else shown[0]}, np.{spelt(s.out.type.dtype)})")

    # values

    def constant(self, v):
        made = super().constant(v)  # typed where it stands: Python's own floats raise, and have a dtype of their own
        return called(f"np.{v.type.dtype}", made) if v.type.dtype == "float64" else made

    def row(self, op, args, s):
        if op.name == "neg":
            return super().row(op, args, s)
        dtypes = [a.type.dtype for a in s.args]
        dtype = s.out.type.dtype if s.out.type.real else next((d for d in dtypes if d.startswith("float")), dtypes[0])
        called_here = f"{op.name}_of_{dtype}"
        if called_here not in self.texts:
            self.texts[called_here] = row_text(op, called_here, dtype)
        return called(called_here, *[a if d == dtype else called(f"np.{dtype}", a) for a, d in zip(args, dtypes)])

    def of_turns(self, s, args):
        return called("turns", *args)

    def of_apart(self, s, args):
        return ast.Constant(True)

    def of_size(self, s, args):
        return ast.Constant(self.value(s.out))

    def of_constant(self, s, args):
        self.tables.append(f"TABLE{len(self.tables)} = {ast.unparse(super().of_constant(s, args))}")
        return called("cuda.const.array_like", name(f"TABLE{len(self.tables) - 1}"))

    # statements

    def named(self, s, made):
        return made if isinstance(made, list) else super().named(s, made)

    def given_back(self, body):
        return []

    def of_tape(self, s, args):
        self.local(s, (self.size(s, 0),))
        known = s.out.name in self.grown or self.value(s.args[0]) is not None
        return [] if known else [self.fails_if(self.exceeds(args[0]), self.full())]

    def do_grow(self, s, args):
        if all(self.most.get(a.name, 0) is not None for a in (s.args[0], *s.args[2:])):
            return []
        return [self.fails_if(self.exceeds(args[1]), self.full())]

    def of_new(self, s, args):
        self.local(s, tuple([self.size(s, axis) for axis in range(len(args))]))
        out = [self.fails_if(self.exceeds(shown), self.full()) for shown, a in zip(args, s.args) if self.value(a) is None]
        fill = s.extra[0]
        if fill != "empty":
            index = [f"{s.out.name}_{i}" for i in range(len(args))]
            value = {"zeros": 0, "ones": 1}[fill]
            text = "".join("    " * i + f"for {k} in range({ast.unparse(a)}):\n" for i, (k, a) in enumerate(zip(index, args)))
            text += "    " * len(index) + f"{s.out.name}[{', '.join(index)}] = np.{spelt(s.out.type.dtype)}({value})"
            out += ast.parse(text).body
        return out

    def exceeds(self, size):
        return ast.Compare(size, [ast.Gt()], [ast.Constant(self.room)])

    def full(self):
        return FULL.format(self.room)

    def fails_if(self, test, says):
        """Return the statement that gives up where a test holds."""
        return ast.If(test, self.fails(says), [])

    def fails(self, says) -> list:
        """Return the statements that give up."""
        if says not in self.failures:
            self.failures.append(says)
        zeros = ", ".join([f"np.{spelt(v.type.dtype)}(0)" for v in leaves(self.f.results)])
        return ast.parse(f"def f():\n status[first + {self.failures.index(says)}] = 1\n return ({zeros},)").body[0].body

    def do_check(self, s, args):
        return [self.fails_if(ast.UnaryOp(ast.Not(), args[0]), f"ValueError: {s.extra}")]

    def do_same(self, s, args):
        return [self.fails_if(ast.Compare(args[0], [ast.NotEq()], [args[1]]), "ValueError: shapes do not fit")]

    def do_front(self, s, args):
        return []

    def do_alone(self, s, args):
        return []

    def do_raise(self, s, args):
        return self.fails(s.extra)

    def statement(self, s):
        if isinstance(s, Loop) and s.parallel:
            s.parallel = False
        return super().statement(s)


def spelt(dtype) -> str:
    """Return how NumPy spells a dtype in all its versions."""
    return "bool_" if dtype == "bool" else dtype


def row_text(op, called_here, dtype) -> str:
    """Return the text of a row of the op table as a function of numbers of a dtype."""
    low = ThreadLowering(dtype)
    low.prefix = f"{called_here}_"
    result = low.row(op, list(op.params))
    lines = "".join(f"    {line}\n" for line in [*low.lines, f"return {result}"])
    return f"{low.header()}\n\n\n@helper\ndef {called_here}({', '.join(op.params)}):\n{lines}\n"
