"""How many threads run a loop."""

import pytest

from nbgrad.target.cuda.grids import MOST_BLOCKS, Blocks, Each, Warps
from nbgrad.target.cuda.package import Package

pytestmark = pytest.mark.cuda
DEVICE = Package("numba-cuda", None, False, "")


@pytest.mark.parametrize("count", [0, 1, 255, 257, 10**9])
def test_threads_are_whole_warps_and_blocks_are_at_most_so_many(count):
    for launch in (Each(count), Blocks(count), Warps(count)):
        blocks, threads = launch.grid(DEVICE)
        assert 1 <= blocks <= MOST_BLOCKS
        assert threads % DEVICE.lanes == 0


def test_blocks_are_no_more_than_there_is_work():
    assert Each(257).grid(DEVICE) == (2, 256)
    assert Blocks(257).grid(DEVICE) == (257, 256)
    assert Warps(257).grid(DEVICE) == (33, 256)
