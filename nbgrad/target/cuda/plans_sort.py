"""Plans of stable sorting by index on a GPU: short rows in one block, the first few of long ones run by run, others by digits."""

from math import prod

import numpy as np

from ...plan.plan import Kernel, Plan, Step
from .loops_sort import DIGITS, NOWHERE
from .package import package
from .plans import planner

RUN = 4096  # numbers that a block sorts in shared memory: keys and places take 48 KiB at most
BLOCKS = 512  # blocks of a sort of short rows, at least, before a block takes several: more than a large GPU runs at once
SHARE = 512  # numbers of a block at least, so that its threads have two each
LEFT = 8  # a run keeps one in so many at most: each level of a selection is then much shorter than the one before
ITEMS = 16  # numbers that a thread puts where their digits belong,
FEWER_ITEMS = 4  # and of shorter rows, so that there are more blocks
SCANNED = 256  # tiles from which on their counts are added up once, by a step of its own
BITS = DIGITS.bit_length() - 1
ROOM = 1 << 31  # numbers that 32 bits count


def places(count: int) -> str:
    """Return the dtype that holds numbers below `count`, and one more.

    >>> places(10), places(2**31)
    ('int32', 'int64')
    """
    return "int32" if count < ROOM else "int64"


def form(dtype: str) -> tuple:
    """Return (what the numbers are, the dtype in which their bits are read, limits): what `key_at` makes keys of.

    >>> form("uint8")
    ('int', 'int8', (127, 0, -128))
    """
    kind, width = np.dtype(dtype).kind, 8 * np.dtype(dtype).itemsize
    bits = f"int{width}"
    infinity = int(np.asarray(np.inf, dtype).view(bits)) if kind == "f" else 0
    sign = -(1 << width - 1) if kind in "ub" else 0
    return "float" if kind == "f" else "int", bits, ((1 << width - 1) - 1, infinity, sign)


@planner("order", contiguous=True)
def plan_order(inputs, attrs, out) -> Plan:
    """The first `count` places of the stable order of each row."""
    (x,) = inputs
    rows, n, count = prod(x.shape[:-1]), x.shape[-1], attrs["count"]
    if rows * count == 0:
        return Plan((), out.shape, out.dtype)
    given = *form(x.dtype), bool(attrs["descending"])
    if n <= RUN or count * LEFT <= RUN:
        steps, scratch = short_steps(given, rows, n, count, (0, 1), 2)
    else:
        steps, scratch = digit_steps(given, 8 * np.dtype(x.dtype).itemsize, rows, n, count, (0, 1), 2)
    return Plan(steps, out.shape, out.dtype, scratch)


def short_steps(given, rows, n, count, pointers, scratch) -> tuple:
    """Return (steps, scratch) that sort runs and keep the first of each, until a row is one run.

    given : what `form` returns, and whether the largest comes first; pointers : buffers of numbers and of places; scratch :
    the first free buffer.
    """
    kind, bits, limits, down = given
    largest, place = (1 << int(bits[3:]) - 1) - 1, places(n)
    nowhere = ROOM - 1 if place == "int32" else NOWHERE
    steps, made, left, source = [], [], n, None
    while True:
        chunks = -(-left // RUN)
        run = min(left, RUN)
        exponent = (run - 1).bit_length()
        segments = rows * chunks
        group = min(RUN >> exponent, max(1, SHARE >> exponent, -(-segments // BLOCKS))) if chunks == 1 else 1
        target = pointers[1] if chunks == 1 else scratch + len(made)  # what is not read may be any buffer
        last = chunks == 1
        kernel = Kernel("sort_short", (bits, place, "int64" if last else place), None, (kind, down, RUN, source is not None))
        words = (segments, chunks, run, exponent, group, left, n, count, largest, nowhere, *limits)
        steps.append(Step(kernel, (pointers[0], target if source is None else source, target), words, 1))
        if last:
            return tuple(steps), tuple(made)
        left = chunks * count
        made.append(((rows, left), place))
        source = target


def digit_steps(given, width, rows, n, count, pointers, scratch) -> tuple:
    """Return (steps, scratch) that sort whole rows by the lowest `width` bits of their keys; arguments as `short_steps`."""
    kind, bits, limits, down = given
    items = ITEMS if n > SCANNED * FEWER_ITEMS * package().threads else FEWER_ITEMS
    tiles, passes = -(-n // (package().threads * items)), -(-width // BITS)
    scanned = tiles > SCANNED
    counts, totals = scratch, scratch + 1
    key, place = "int64" if width > 32 else "int32", places(n)
    made = [((rows, DIGITS, tiles), "int64"), ((rows, DIGITS), "int64")]
    made += [((rows, n), dtype) for _ in range(min(2, passes - 1)) for dtype in (key, place)]
    steps, source, dtype, before = [], pointers[0], bits, (counts, "int64")
    for number in range(passes):
        last = number == passes - 1
        keys = (counts, "int64") if last else (scratch + 2 + 2 * (number % 2), key)
        after = (pointers[1], "int64") if last else (keys[0] + 1, place)
        static = ("key" if number else kind, down and not number, items)
        # The highest bit of a signed number says that it is smaller.
        words = (rows, tiles, n, number * BITS, DIGITS // 2 if last and kind in ("float", "int") else 0, n if not last else count, *limits)
        steps.append(Step(Kernel("radix_count", (dtype, "int64"), None, static), (source, counts), words, 1))
        if scanned:
            steps.append(Step(Kernel("radix_scan", ("int64", "int64")), (counts, totals), (rows * DIGITS, tiles), 1))
        kernel = Kernel("radix_place", (dtype, before[1], "int64", "int64", keys[1], after[1]), None, (*static, last, scanned))
        steps.append(Step(kernel, (source, before[0], counts, totals, keys[0], after[0]), words, 1))
        source, dtype, before = *keys, after
    return tuple(steps), tuple(made)
