"""How many threads run a loop: what a text or a module of loops says of its words, `LAUNCH = {loop: words -> grid}`."""

from typing import NamedTuple

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
