"""The turns of a loop: words that say where a kernel reads and writes are others at each of them.

One small kernel sets them, told the number of the turn, or how far that is from the last one; so the kernels of a turn stay
the same, and those of several turns are a graph that can be started again for the next ones.
"""

import numpy as np

from .kernels import compiled
from .package import package

TEXT = '''\
@kernel
def next_turn(words, feeds, counters, count, width, counter, turn, level, by):
    """Count, and move the words that are counted: a feed is (word, its number before anything is counted, how far per count)."""
    me = cuda.threadIdx.x
    if me == 0:
        counters[counter] = turn if by == 0 else counters[counter] + by
        counters[counter + 1] = level
    cuda.syncthreads()
    for i in range(me, count, THREADS):
        value = feeds[i * width + 1]
        for k in range(2, width):
            value += feeds[i * width + k] * counters[k - 2]
        words[feeds[i * width]] = value
'''


def next_turn(watched=False):
    """Return the kernel; one that is `watched` takes an array first, and does nothing where that does not begin with 0."""
    return compiled(TEXT, "next_turn", watched)


class Feeds:
    """The words of a table that move with what is counted.

    Parameters
    ----------
    site : Site
    table : array of the package
        Words of kernels.
    moving : list of (int, int, tuple)
        Per word its place in the table, its number before anything is counted, and (counter, how far per count) of each.
    """

    def __init__(self, site, table, moving):
        self.site, self.table, self.count, self.width = site, table, len(moving), 2 + len(site.counts)
        rows = np.zeros((len(moving), self.width), np.int64)
        for row, (word, first, moves) in zip(rows, moving):
            row[:2] = word, first
            for counter, step in moves:
                row[2 + counter] += step
        self.feeds = package().cuda.to_device(rows.reshape(-1)) if moving else table

    def queue(self, counter, turn, level, stream, by=0):
        """Queue that words are moved to where they are at a turn, and a level, of the loop that has a counter; or `by` turns further."""
        self.site.counts[counter : counter + 2] = turn, level
        kernel = next_turn(self.site.watch is not None)[(1, package().threads, stream)]
        kernel(*self.site.watched, self.table, self.feeds, self.site.counters, self.count, self.width, counter, turn, level, by)
