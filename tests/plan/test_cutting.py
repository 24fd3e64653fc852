"""How targets cut what is folded."""

import pytest

from nbgrad.ops.table import table
from nbgrad.plan.cutting import BUSY, CPU, DEVICE, LEAST, MOST, SHORT
from nbgrad.plan.mapping import Body, Reduced
from nbgrad.plan.reducing import CHUNK, Dim

LIGHT = Body((), (), False, (Reduced(table["sum"], 0, "float32", "float64", "float32"),))
HEAVY = LIGHT._replace(calls=((table["tanh"], (0,), "float32", "float32"),) * 8)


def test_the_cpu_cuts_what_is_much_work_into_shorter_chunks():
    assert CPU.rows(LIGHT, 10**6, 1) == CHUNK
    assert CPU.rows(HEAVY, 10**6, 1) < CHUNK
    assert CPU.columns(HEAVY, 10**4, 100, 100)[1] < CPU.columns(LIGHT, 10**4, 100, 100)[1]


@pytest.mark.parametrize("m", [1, 100, 10**5])
@pytest.mark.parametrize("n", [10**4, 10**6, 10**8])
def test_a_device_has_as_many_chunks_as_keep_it_busy(n, m):
    size = DEVICE.rows(LIGHT, n, m)
    assert LEAST <= size <= MOST
    assert n * m / size >= BUSY or size == LEAST


def test_what_is_short_is_not_cut_on_a_device():
    assert DEVICE.rows(LIGHT, SHORT - 1, 1) == SHORT - 1
    assert DEVICE.columns(LIGHT, 100, 100, 10) == (10, 1000)


def test_a_device_walks_along_neighbours_however_few():
    kept, fold = [Dim(3, 1, 1)], [Dim(1000, 3)]
    assert CPU.inner(kept, fold) is fold[0]
    assert DEVICE.inner(kept, fold) is kept[0]


def test_a_block_has_enough_to_do():
    """Three columns of five rows are not worth a block: a thread each folds a run."""
    fold = [Dim(5, 3)]
    assert DEVICE.inner([Dim(10**5, 15, 3), Dim(3, 1, 1)], fold) is fold[0]
