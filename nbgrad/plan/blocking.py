"""A product cut into blocks that suit the caches; factors are packed first where they are large and used often."""

from typing import NamedTuple

import numpy as np

from .epilogue import extra_words
from .host import block_columns, block_shape, get_host
from .plan import GRAIN, Kernel, Plan, Step
from .product import Factor, Product

WORK = 1 << 18  # multiplications per tile: a few microseconds
TILES = 128  # about as many at most, where there is a choice
PART = 512  # steps of a part of k, at least
OWN = 192  # up to this many rows, each tile turns the columns of the right factor for itself
REUSED = 192  # from this many rows (or columns) on, copying the other factor into a better layout pays
TURNED = 256  # steps of a sliver that is turned on the stack: half a first-level cache
ROWS = 8  # rows of a factor that are packed at once


def up(n, step):
    """Return `n` rounded up to a multiple of `step`."""
    return -(-n // step) * step


def evenly(n, largest, step):
    """Return a block length, a multiple of `step`, that cuts `n` into equal parts no longer than `largest`."""
    return min(up(-(-n // -(-n // largest)), step), up(n, step))


def wanted_tiles(p) -> int:
    """Return how many tiles a product should have at least."""
    return max(1, min(TILES, p.work // WORK))


class Cut(NamedTuple):
    """How products are cut: rows, columns and steps of a block; parts of k and their steps."""

    rows: int
    columns: int
    depth: int
    parts: int
    part: int


def cut(p, turned) -> Cut:
    """Choose the blocks of a product for the caches of the host, small enough that there are tiles for all threads."""
    size, level2 = np.dtype(p.out.dtype).itemsize, get_host().level2
    height, sliver = block_shape(p.out.dtype)[0], block_columns(p.out.dtype)
    # A sliver takes an eighth of the second-level cache (the stack: half of the first), a block of rows three eighths.
    deepest = max(64, level2 // 8 // (sliver * size))
    k = max(p.k, 1)
    depth = min(k, TURNED, deepest) if turned else min(k, deepest)
    rows = max(2, min(16, level2 * 3 // 8 // (depth * size * height))) * height
    columns = 8 * sliver
    wanted = wanted_tiles(p)
    count = lambda: p.count * -(-p.m // rows) * -(-p.n // columns)
    for width, tall in ((4, 4), (2, 4), (2, 2), (1, 2)):
        if count() < wanted:
            columns = min(columns, width * sliver)
        if count() < wanted:
            rows = min(rows, tall * height)
    parts = max(1, min(-(-wanted // count()), k // PART)) if 2 * count() <= wanted else 1
    share = -(-k // parts)
    pieces = -(-share // depth)
    depth = min(k, up(-(-k // (parts * pieces)), 4))
    part = depth * pieces
    return Cut(evenly(p.m, rows, height), evenly(p.n, columns, sliver), depth, -(-k // part), part)


def plan_blocks(p) -> Plan:
    """Plan a product of which the right factor has rows or columns in one piece."""
    return Blocks(p).plan()


class Blocks:
    """Collects the steps and the scratch of one product."""

    def __init__(self, p):
        self.p, self.dtype, self.steps, self.scratch = p, p.out.dtype, [], []
        self.shape = (*block_shape(self.dtype), block_columns(self.dtype))
        self.sliver, self.size = self.shape[3], np.dtype(self.dtype).itemsize
        self.out = 2 + len(p.extras)  # buffers: the factors, the extra arrays, the result, then scratch
        self.first = self.out + 1

    def plan(self) -> Plan:
        p = self.p
        large = p.count == 1 or (p.count <= 64 and p.work >= 64 * WORK * p.count)
        turned, level2 = p.b.column != 1, get_host().level2
        pack_b = large and (p.m > OWN if turned else p.m >= REUSED and p.k * p.n * self.size > level2)
        pack_a = large and p.n >= REUSED and p.a.row == 1 != p.a.column and 2 * p.m * p.k * self.size > level2
        turned = turned and not pack_b
        if not (pack_a or pack_b):
            self.multiply(p, cut(p, turned), turned)
        else:
            for i in range(p.count):
                one = single(p, i)
                c = cut(one, turned)
                if pack_a:
                    one = self.packed_left(one)
                if pack_b:
                    one = self.packed_right(one)
                self.multiply(one, c, turned)
        return self.made()

    def made(self) -> Plan:
        """Return the plan of the steps added so far."""
        p = self.p
        return Plan(tuple(self.steps), p.out.shape, self.dtype, tuple(((n,), self.dtype) for n in self.scratch))

    def room(self, number, count):
        """Return the number of a scratch buffer that holds `count` numbers; the products of a batch share it."""
        while len(self.scratch) <= number:
            self.scratch.append(0)
        self.scratch[number] = max(self.scratch[number], count)
        return self.first + number

    def step(self, loop, pointers, words, tiles, epilogue=False, shape=None):
        body, extras = None, ()
        if epilogue and self.p.epilogue.calls:
            body, extras = self.p.epilogue, self.p.extras
            words = [*words, *extra_words(body, extras)]
        kernel = Kernel(loop, (*[self.dtype] * len(pointers), *(x.dtype for x in extras)), body, shape or self.shape)
        self.steps.append(Step(kernel, (*pointers, *range(2, 2 + len(extras))), tuple(words), tiles))

    def packed_left(self, p):
        """Copy a left factor whose columns lie in one piece into slivers of the rows of the micro-kernel."""
        height = self.shape[0]
        to = self.room(0, up(p.m, height) * p.k)
        words = [p.k, p.m, p.a.column, p.a.start, ROWS]
        self.step("matmul_pack", (p.a.buffer, to), words, -(-p.k // ROWS), shape=(1, height * self.size, height))
        return p._replace(a=Factor(to, 1, height, (), 0))

    def packed_right(self, p):
        """Copy a right factor into slivers of the columns of the micro-kernel."""
        to = self.room(1, up(p.n, self.sliver) * p.k)
        if p.b.column == 1:
            words = [p.k, p.n, p.b.row, p.b.start, ROWS]
            self.step("matmul_pack", (p.b.buffer, to), words, -(-p.k // ROWS), shape=self.shape[1:])
        else:
            block = evenly(p.k, TURNED, 16)
            blocks = -(-p.k // block)
            words = [p.k, p.n, p.b.column, p.b.start, blocks, block]
            self.step("matmul_turn", (p.b.buffer, to), words, blocks * -(-p.n // self.sliver))
        return p._replace(b=Factor(to, self.sliver, 1, (), 0))

    def multiply(self, p, c, turned):
        """Add the step that multiplies, and the one that joins the parts of k where there are several."""
        panel = self.shape[0] if p.a.buffer >= self.first else c.rows
        a_panel = panel * (p.k if p.a.buffer >= self.first else p.a.row)
        b_sliver = self.sliver * (p.k if p.b.buffer >= self.first else p.b.column)
        row_blocks, n_blocks, split = -(-p.m // c.rows), -(-p.n // c.columns), c.parts > 1
        units = p.count * c.parts * row_blocks * n_blocks
        tiles = units if units <= TILES else max(TILES, wanted_tiles(p))
        grain = -(-units // tiles)
        to = self.room(2, c.parts * p.count * p.m * p.n) if split else self.out
        words = [p.m, p.k, p.n, p.a.row, p.a.column, c.depth * p.a.column, a_panel]
        words += [p.b.column if turned else p.b.row, c.depth * p.b.row, b_sliver]
        words += [p.n, p.m * p.n, p.count * p.m * p.n, panel, c.rows, c.depth, c.columns, row_blocks, n_blocks, c.parts, c.part]
        words += [units, grain, 0 if split else p.add, p.a.start, p.b.start, 0 if split else p.first, *p.batch_words]
        loop = "matmul_turned" if turned else "matmul"
        self.step(loop, (p.a.buffer, p.b.buffer, to), words, -(-units // grain), not split)
        if split:
            rows = p.count * p.m
            grain = max(1, GRAIN // (p.n * c.parts))
            words = [c.parts, rows, p.n, p.m, grain, p.add, p.first]
            self.step("matmul_join", (self.out, to), words, -(-rows // grain), True)


def single(p: Product, i: int) -> Product:
    """Return product number `i` of a batch as a product of its own."""
    starts, number = [0, 0], i
    for n, *steps in reversed(list(zip(p.batch, p.a.batch, p.b.batch))):
        starts = [s + i % n * step for s, step in zip(starts, steps)]
        i //= n
    a, b = (f._replace(batch=(), start=s) for f, s in zip((p.a, p.b), starts))
    return p._replace(a=a, b=b, batch=(), first=number)
