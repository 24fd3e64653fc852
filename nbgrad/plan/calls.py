"""A recorded program before it is planned: calls of ops in order, and where the values that they read and write lie."""

from typing import Any, NamedTuple

from .plan import Layout, Plan

# What a slot is: an argument of the program, a value it makes, memory that others hold too, numbers it is told, a constant.
ARGUMENT, MADE, HELD, TOLD, CONSTANT = "argument", "made", "held", "told", "constant"


class Ref(NamedTuple):
    """Where a value lies: the slot of its memory, its layout there, and how many bytes behind the start it begins."""

    slot: int
    layout: Layout
    offset: int = 0

    @property
    def whole(self) -> bool:
        """Whether it lies in one piece, row by row."""
        return self.layout.contiguous


class Call(NamedTuple):
    """One call of a row: what it reads and writes.

    plan : the steps, whose pointers take the reads, then the writes, then scratch; None for an elementwise row, which is
    planned when it is known what it is fused with. place : (code, instruction) of the user's line, or None.
    """

    op: Any
    attrs: dict
    reads: tuple
    writes: tuple
    plan: Plan | None = None
    place: tuple | None = None


class Stop(NamedTuple):
    """Ends the run where a number is not zero: `explain(values)` raises, given the values of `reads[1]`."""

    reads: tuple
    explain: Any
    writes: tuple = ()
    place: tuple | None = None


class Slot(NamedTuple):
    """Memory of a program: what kind it is, its bytes, and the array that holds it now (None for a value it makes).

    remote : whether that is memory of a device, which cannot be read here.
    """

    kind: str
    size: int
    array: Any = None
    remote: bool = False

    @property
    def constant(self) -> bool:
        """Whether its values never change."""
        return self.kind == CONSTANT


class Record(NamedTuple):
    """Calls in order, the slots they speak of, and the refs whose values are asked for at the end."""

    calls: tuple
    slots: tuple
    results: tuple


class Work(NamedTuple):
    """One call, or several fused to one: a plan whose pointers take the reads, then the writes, then scratch.

    ops : the rows it stands for, in order; places : the user's lines; calls : what was recorded and simplified.
    """

    plan: Plan
    reads: tuple
    writes: tuple
    ops: tuple
    places: tuple = ()
    calls: tuple = ()


class Pointer(NamedTuple):
    """One of the pointers of a step, by its number."""

    number: int


class Loop(NamedTuple):
    """Stands for a kernel: a schedule that is run `turns` times.

    given : slots of the schedule whose memory the pointers name, in order; strides : bytes that are added to each per
    turn; turns : a number, or the `Pointer` to an int64; back : whether the last turn comes first; stored : (slot, (key of a
    store, offset)) of those that lie in a store instead; first : number of its first pointer.
    """

    schedule: Any
    given: tuple
    strides: tuple
    turns: Any
    back: bool = False
    stored: tuple = ()
    first: int = 0


class While(NamedTuple):
    """Stands for a kernel: a body that is run as long as a condition holds.

    condition, body : Loop, whose turns are not read; flag : slot of the condition's schedule; count : where the number of
    turns goes; store : key, or None where carries are changed in place; per_turn : bytes of a turn in the store;
    carries : per carry (pointer to its first value, pointer to where its last goes, bytes, offset in the part of a turn).
    """

    condition: Any
    body: Any
    flag: int
    count: Pointer
    store: Any
    per_turn: int
    carries: tuple


class Reversal(NamedTuple):
    """Stands for a kernel: the backward of a loop of which the first carries are kept; all others are computed again.

    To go back through n turns, the carries behind the first half of them are computed, one level up; the second half is
    gone through from there, then the first, each in the same way (Griewank 1992, doi:10.1080/10556789208805505).

    again, back : Loop, a turn that changes its carries in place, and one with its backward; their turns are not read;
    turns : a number, or the `Pointer` to an int64; reverse : whether the last slices are those of the first turn;
    level : key of the store that is the level at hand, in which the carries lie; levels : where they begin, the first
    holding the first carries; count : how many, enough for 2 ** (count - 1) turns at n log n of work, and for any number of
    turns at more; size : bytes of one.
    """

    again: Loop
    back: Loop
    turns: Any
    reverse: bool
    level: str
    levels: Pointer
    count: int
    size: int


WALKS = (Loop, While, Reversal)  # what stands for a kernel and walks schedules of its own


def loops_of(kernel) -> tuple:
    """Return the loops whose schedules a kernel walks; a `Loop` is its own."""
    if isinstance(kernel, While):
        return kernel.condition, kernel.body
    return (kernel.again, kernel.back) if isinstance(kernel, Reversal) else (kernel,)


class Item(NamedTuple):
    """A step with the memory it works on: per pointer (slot, offset in bytes); `work` says for which work."""

    kernel: Any
    pointers: tuple
    words: tuple
    tiles: int
    work: Work


class Schedule(NamedTuple):
    """Waves of items that do not wait for each other, or single stops; all slots, and where those that are made lie.

    places : slot -> offset in the arena; arena : bytes of it; results : refs whose values are asked for;
    counts : how many calls were recorded, and how many were left to fuse; device : whether it is planned for a device.
    """

    waves: tuple
    slots: tuple
    places: dict
    arena: int
    results: tuple
    counts: tuple = (0, 0)
    device: bool = False
