"""From a kernel to a function of the package, and how many threads run it."""

import pytest

from nbgrad.base.errors import KernelError
from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel
from nbgrad.target.cuda.kernels import LAUNCH, LOOPS, MOST_BLOCKS, TEXTS, Blocks, Each, function, source
from nbgrad.target.cuda.package import Package

pytestmark = pytest.mark.cuda
DEVICE = Package("numba-cuda", None, False, "")


def test_a_kernel_is_a_text_that_can_be_read():
    text = source(Kernel("map", ("float32", "float32"), table["tanh"], ("11", False)))
    assert "def map_tanh_float32(args, p0, p1):" in text
    assert "tanh(x0)" in text


def test_a_kernel_is_made_once():
    kernel = Kernel("map", ("float32", "float32"), table["tanh"], ("11", False))
    assert function(kernel) is function(Kernel(*kernel))


def test_a_loop_that_is_not_there_is_named():
    with pytest.raises(KernelError, match="the loop knitting is not there on CUDA"):
        source(Kernel("knitting", ("float32",)))


def test_every_loop_says_how_it_is_launched():
    assert set(LAUNCH) == {*TEXTS, *LOOPS}


@pytest.mark.parametrize("count", [0, 1, 255, 257, 10**9])
def test_threads_are_whole_warps_and_blocks_are_at_most_so_many(count):
    for launch in (Each(count), Blocks(count)):
        blocks, threads = launch.grid(DEVICE)
        assert 1 <= blocks <= MOST_BLOCKS
        assert threads % DEVICE.lanes == 0
    assert Each(257).grid(DEVICE) == (2, 256)
    assert Blocks(257).grid(DEVICE) == (257, 256)
