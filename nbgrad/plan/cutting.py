"""How targets cut what is folded into chunks: the CPU for rounding and its caches, a device for thousands of threads.

Chunks follow from lengths alone: results do not depend on who is there to compute them.
"""

from math import prod
from typing import Any, NamedTuple

from .mapping import grain_of
from .reducing import CHUNK, COLUMNS, DEEP, ROWS, TILE, nearest

ROOM = 2048  # numbers of a room: as many as a run of floats takes before its sums are put aside
SHARE = 4  # tiles of the rows alone that make a chunk, at least: long rows are shared by threads however few their results

BUSY = 528  # blocks of threads that keep a large device busy: four on each of 132 processors
BLOCK = 1 << 10  # numbers worth a block
SECTOR = 8  # numbers that a device's memory brings at once, or more: fewer neighbours are no reason to loop along an axis
SHORT = 1 << 13  # numbers of a result that are not cut there: a second launch takes longer than a block for so many
LEAST, MOST = 1 << 11, 1 << 14  # numbers of a chunk there: a block's threads have some each, and few, so that sums stay exact
TOGETHER = 32  # columns that a block takes, at least


class Cut(NamedTuple):
    """How a target cuts what is folded into chunks.

    inner : (kept axes, folded axes) -> that along which the inner loop runs. rows : (body, numbers of a result, results) ->
    numbers of a chunk, about. columns : the same and the columns -> (columns that are taken together, numbers of a chunk).
    """

    inner: Any
    rows: Any
    columns: Any


def inner(kept, fold):
    """Return the axis along which the inner loop runs."""
    run, column = nearest(fold), nearest(kept) if kept else None
    return run if column is None or column.length == 1 or nearest([run, column]) is run else column


def _rows(body, n, m):
    return min(CHUNK, max(SHARE * grain_of(body), ROOM))


def _columns(body, n, m, width):
    wide = min(width, COLUMNS)
    return wide, min(max(TILE, ROWS * wide), max(SHARE * grain_of(body), DEEP * wide))


def inner_of_device(kept, fold):
    """Return the axis along which neighbouring threads walk: a folded one, or columns that give a block enough to do."""
    n = prod(a.length for a in fold)
    run, column = nearest(fold, SECTOR), nearest(kept, BLOCK // n) if kept else None
    return run if column is None or column.length == 1 or nearest([run, column], 1) is run else column


def rows_of_device(body, n, m):
    """Return the numbers of a chunk of runs of `n` numbers, of which there are `m`."""
    return n if n < SHORT else min(_chunk(n * m), max(LEAST, n // 2))


def columns_of_device(body, n, m, width):
    """Return the columns that are taken together at least, and the numbers of a chunk of them."""
    wide = min(width, TOGETHER)
    return wide, n * wide if n * wide < SHORT else _chunk(n * m)


def _chunk(numbers):
    return max(LEAST, min(MOST, numbers // BUSY))


CPU = Cut(inner, _rows, _columns)
DEVICE = Cut(inner_of_device, rows_of_device, columns_of_device)
