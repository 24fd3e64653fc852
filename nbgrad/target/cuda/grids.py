"""How many threads run a loop: what a text or a module of loops says of its words, `LAUNCH = {loop: words -> grid}`."""

from typing import NamedTuple

from ...plan.cutting import BUSY

MOST_BLOCKS = 1 << 16
SIMULATED_BLOCKS = 2  # a thread of the simulator is one of Python's


class Each(NamedTuple):
    """A launch in which each number, of so many, is one thread's; threads take several where there are more than fit."""

    count: int

    def grid(self, package) -> tuple:
        """Return (blocks, threads of a block)."""
        if package.simulated:
            return min(SIMULATED_BLOCKS, max(1, self.count)), 2
        return max(1, min(-(-self.count // package.threads), MOST_BLOCKS)), package.threads


class Blocks(NamedTuple):
    """A launch in which a block of threads works together on each of so many units."""

    count: int

    def grid(self, package) -> tuple:
        """Return (blocks, threads of a block)."""
        return max(1, min(self.count, SIMULATED_BLOCKS if package.simulated else MOST_BLOCKS)), package.threads


class Warps(NamedTuple):
    """A launch in which a warp works together on each of so many units; a block holds as many warps as fit."""

    count: int

    def grid(self, package) -> tuple:
        """Return (blocks, threads of a block)."""
        return Blocks(-(-self.count * package.lanes // package.threads)).grid(package)


class Tiles(NamedTuple):
    """A launch in which a block of `threads` threads, a number of the loop's own, works together on each of so many units."""

    count: int
    threads: int

    def grid(self, package) -> tuple:
        """Return (blocks, threads of a block)."""
        return Blocks(self.count).grid(package)[0], self.threads


FEW = 8  # numbers that a thread takes before it is worth more threads
LONG = 64  # numbers of a thread for which a warp is too few
MANY = 1 << 17  # threads that do


def lanes_of(units, numbers, lanes, threads):
    """Return how many threads work together on a unit of so many numbers: a part of a warp, a warp or a block."""
    group = 1
    while group < lanes and group * FEW < numbers:
        group *= 2
    if numbers > lanes * LONG or (numbers > lanes * FEW and units * lanes < MANY):
        group = threads
    return group


def wide_of(units, width, rows, least, threads):
    """Return how many neighbouring columns a block takes; its other threads share the rows. `least`, where rows are many."""
    wide = 1
    while wide < width and wide < threads:
        wide *= 2
    while wide > least and units * ((width + wide - 1) // wide) < BUSY and rows * wide > threads * FEW:
        wide //= 2
    return wide


class Groups(NamedTuple):
    """A launch in which `lanes_of` threads work together on each of so many units."""

    count: int
    numbers: int

    def grid(self, package) -> tuple:
        """Return (blocks, threads of a block)."""
        group = lanes_of(self.count, self.numbers, package.lanes, package.threads)
        return Blocks(-(-self.count * group // package.threads)).grid(package)


class Strips(NamedTuple):
    """A launch in which a block takes `wide_of` columns of each of so many units, down their rows."""

    count: int
    width: int
    rows: int

    def grid(self, package) -> tuple:
        """Return (blocks, threads of a block)."""
        wide = wide_of(self.count, self.width, self.rows, 1, package.threads)
        return Blocks(self.count * -(-self.width // wide)).grid(package)
