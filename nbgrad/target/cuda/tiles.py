"""How a product of matrices is shared among threads: the tile of a block, what of it each thread sums, parts of k."""

from math import inf
from typing import NamedTuple

import numpy as np

from .package import package

PROCESSORS = 132  # that blocks are spread over: an H100's; results do not depend on the device at hand
PART = 256  # steps of a part of k, at least: its sums are written and read again
JOIN = 2000  # the same of the launch that adds the parts
START = 24  # steps' worth of time that a block takes to begin and to write


class Tile(NamedTuple):
    """The tile of a block of threads, as numbers of its kernel's text.

    rows, columns : of the result; depth : steps of k that lie in shared memory at once; tall, wide : numbers that each
    thread sums; run : neighbouring ones among them, read with one load; across, down : lanes of a warp along columns, rows.
    """

    rows: int
    columns: int
    depth: int
    tall: int
    wide: int
    run: int
    across: int
    down: int

    @property
    def runs(self) -> tuple:
        """How many neighbouring rows and columns a thread takes at once."""
        return min(self.run, self.tall), min(self.run, self.wide)

    @property
    def threads(self) -> int:
        """How many threads a block has."""
        return self.rows // self.tall * (self.columns // self.wide)


def _tiles(run, *shapes):
    return tuple([Tile(rows, columns, 8 if min(rows, columns) > 32 else 16, tall, wide, run, 8, 4) for rows, columns, tall, wide in shapes])


# Eight by eight sums of 4 bytes per thread are as many as registers hold beside two tiles under way.
NARROW = _tiles(
    4, (128, 128, 8, 8), (64, 128, 8, 4), (128, 64, 4, 8), (64, 64, 4, 4), (32, 128, 4, 4), (128, 32, 4, 4), (16, 128, 2, 4),
    (128, 16, 4, 2), (32, 32, 2, 2),
)  # fmt: skip
WIDE = _tiles(2, (64, 64, 4, 4), (32, 64, 4, 2), (64, 32, 2, 4), (16, 128, 2, 4), (128, 16, 4, 2), (32, 32, 2, 2))
SIMULATED = (Tile(4, 8, 2, 2, 2, 1, 2, 2), Tile(8, 4, 2, 2, 2, 1, 2, 2))


class Shares(NamedTuple):
    """How a product is cut: its tile, blocks of rows and of columns, parts of k and their steps."""

    tile: Tile
    row_blocks: int
    column_blocks: int
    parts: int
    part: int


def shares(m, k, n, count, dtype, split=True, most=64) -> Shares:
    """Choose the tile of `count` products (m, k) @ (k, n) and the parts of k: what takes least time, by a simple reckoning.

    `split`: whether k may have parts; `most`: sums of a thread.
    """
    simulated = package().simulated
    tiles = SIMULATED if simulated else WIDE if np.dtype(dtype).itemsize == 8 else NARROW
    processors, least = (2, 8) if simulated else (PROCESSORS, PART)
    best, found = inf, None
    for tile in [t for t in tiles if t.tall * t.wide <= most]:
        rows, columns = -(-m // tile.rows), -(-n // tile.columns)
        units = rows * columns * count
        cuts = max(1, min(k // least, -(-2 * processors // units))) if split else 1
        for parts in sorted({1, cuts, max(1, cuts // 2)}):
            part = -(-k // parts)
            # A step loads a number per row and column of a thread, and multiplies them all.
            step = tile.tall * tile.wide + 1.5 * (tile.tall + tile.wide)
            waves = -(-units * parts // processors)
            time = waves * step * (part + START) + (parts > 1) * (JOIN + 2 * parts * count * m * n / processors / 64)
            if time < best:
                best, found = time, Shares(tile, rows, columns, -(-k // part), part)
    return found
