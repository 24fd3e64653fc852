"""The backward of a checkpointed loop in a program that is recorded: its first carries are kept, those of its turns made again."""

import numpy as np

from ..base.errors import GradientError, problem
from ..eager import COPY
from ..plan.calls import Pointer, Reversal
from ..plan.memory import LINE
from ..tape.tape import next_slot, recording
from ..target.run import viewed
from .recorded_body import note_inner

MOST = 32  # levels where the number of turns is not known: more than 2 ** 31 turns take longer than n log n, no more memory


def levels_of(turns) -> int:
    """Return how many carries are held at a time, at most, to go back through so many turns.

    >>> [levels_of(n) for n in (1, 2, 3, 1000)]
    [1, 2, 3, 11]
    """
    return 1 + (turns - 1).bit_length()


def spaced(sizes) -> list:
    """Return where each of several parts begins, each with lines of the cache of its own, and last where they end.

    >>> spaced([8, 100])
    [0, 64, 192]
    """
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] - -size // LINE * LINE)
    return starts


def check_again(name, body):
    """Raise where the turns of a loop cannot be made again: what they read was written since, or they write it themselves."""
    calls = [*body.forward, *body.backward]
    body.check(name, calls)
    if any(w.slot in body.held for c in calls for w in c.writes):
        what = f"{name}: with checkpoint=True its backward makes the turns again, and they write a tensor that is not theirs"
        raise problem(GradientError, what, "what is written as a part of the carry, or checkpoint=False")


def note_reversal(op, body, first, turns, reverse, memories, live, reads):
    """Note the backward of a loop that began with the carries `first`.

    Parameters
    ----------
    turns : int, or int64 array of one element
    reverse : bool
        Whether the first turn had the last slices.
    memories : (Memory, Memory)
        Of a turn that is made again, and of one with its backward, which reads its first `reads` arrays and writes the others.
    live : list of ndarray
        Stand-ins of the gradients of slices that are written.
    """
    outer, key = recording.recorder, f"level {next_slot()}"
    count = levels_of(turns) if isinstance(turns, int) else MOST
    starts = spaced([a.nbytes for a in first])
    levels = outer.made((max(1, count * starts[-1]),), np.uint8, body.like)
    for a, start in zip(first, starts):
        part = viewed(levels, lambda b, a=a, start=start: b[start : start + a.nbytes].view(a.dtype).reshape(a.shape))
        outer.note(COPY, {}, [a], [part])
    for memory in memories:
        for s, start in zip(body.carries, starts):
            memory.store(s, key, start, 0)
    again, back = memories
    loops = again.loop(body, [], body.in_place()), back.loop(body, live, [*body.forward, *body.backward])
    arrays, number = [*again.arrays, *back.arrays, levels], turns
    if not isinstance(turns, int):
        number, arrays = Pointer(len(arrays)), [*arrays, turns]
    at = Pointer(len(again.arrays) + len(back.arrays))
    kernel = Reversal(loops[0], loops[1]._replace(first=len(again.arrays)), number, reverse, key, at, count, starts[-1])
    note_inner(op, kernel, arrays, [levels, *[a for a in back.arrays[reads:] if a is not None]], [body])
