"""What a function is made of between its text and the text of its derivatives: typed values and a few statements.

A `Ref` that a `Set` defines is defined once wherever it is in scope; what a variable holds after a branch or from one turn
of a loop to the next lives in a `Cell`, which `Put` and `Add` write and the operation "get" reads. Arrays are written by
`Store`. So every value that a derivative reads has a name of its own, and every change of memory is a statement.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

FLOATS = ("float32", "float64")


class Scalar(NamedTuple):
    """A number: `dtype` is NumPy's name."""

    dtype: str

    @property
    def real(self):
        """Whether derivatives can flow through it."""
        return self.dtype in FLOATS


class Array(NamedTuple):
    """An array: dtype, number of axes, and layout: "C", "F" or "A" (any)."""

    dtype: str
    ndim: int
    layout: str = "C"

    @property
    def real(self):
        """Whether derivatives can flow through it."""
        return self.dtype in FLOATS


class Group(NamedTuple):
    """A tuple; `cls` is the class of a namedtuple."""

    items: tuple
    cls: object = None

    @property
    def real(self):
        """Whether derivatives can flow through it."""
        return any(t.real for t in self.items)


INT, BOOL, FLOAT = Scalar("int64"), Scalar("bool"), Scalar("float64")


class Ref(NamedTuple):
    """A value by name."""

    name: str
    type: object


class Const(NamedTuple):
    """A number known when the function is read."""

    value: object
    type: object


class Cell(NamedTuple):
    """A variable that is written more than once."""

    name: str
    type: object


@dataclass(slots=True, eq=False)
class Set:
    """out = op(*args); `extra` is what else the operation needs, known beforehand (a function, a dtype)."""

    out: Ref
    op: str
    args: tuple = ()
    extra: object = None
    line: int = 0


@dataclass(slots=True, eq=False)
class Put:
    """cell = value."""

    cell: Cell
    value: object
    line: int = 0


@dataclass(slots=True, eq=False)
class Add:
    """cell += value."""

    cell: Cell
    value: object
    line: int = 0


@dataclass(slots=True, eq=False)
class Store:
    """array[index] = value, or += when `add`."""

    array: Ref
    index: tuple
    value: object
    add: bool = False
    line: int = 0


@dataclass(slots=True, eq=False)
class Loop:
    """for index in range(start, stop, step): body; from the last index to the first when `backward`.

    `checkpointed` is the place of a loop of the user's of which few states are kept, "" for others.
    """

    index: Ref
    start: object
    stop: object
    step: object
    body: list = field(default_factory=list)
    parallel: bool = False
    line: int = 0
    backward: bool = False
    checkpointed: str = ""


@dataclass(slots=True, eq=False)
class While:
    """Run `head`, leave when `test` is false, run `body`, and again."""

    head: list
    test: object
    body: list
    line: int = 0


@dataclass(slots=True, eq=False)
class If:
    """if test: then, else: other."""

    test: object
    then: list
    other: list
    line: int = 0


@dataclass(slots=True, eq=False)
class Do:
    """Something done for its effect: growing of a tape, an error raised. `op` names it."""

    op: str
    args: tuple = ()
    extra: object = None
    line: int = 0


class Function(NamedTuple):
    """A function: parameters (possibly nested in `Group`s by `layout`), statements, and what it returns."""

    name: str
    params: tuple  # of Ref, one per argument; the parts of a tuple are found by "part"
    body: list
    results: object  # an operand, a tuple of them (nested), or None
    roots: dict = {}  # array name -> the name of the array whose memory it shares
    where: str = ""
    extents: dict = {}  # array name -> its extents, of a function as `lower` returns it


def blocks(s):
    """Return the lists of statements inside of a statement."""
    if isinstance(s, Loop):
        return (s.body,)
    if isinstance(s, While):
        return (s.head, s.body)
    if isinstance(s, If):
        return (s.then, s.other)
    return ()


def walk(body):
    """Yield every statement of a block and of the blocks inside of it, in order."""
    for s in body:
        yield s
        for b in blocks(s):
            yield from walk(b)


def reads(s):
    """Return the operands that a statement itself reads (not those of the blocks inside of it)."""
    if isinstance(s, Set | Do):
        return s.args
    if isinstance(s, Put | Add):
        return (s.value,)
    if isinstance(s, Store):
        return (s.array, *s.index, s.value)
    if isinstance(s, Loop):
        return (s.start, s.stop, s.step)
    if isinstance(s, While | If):
        return (s.test,)
    return ()
