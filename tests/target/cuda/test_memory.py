"""Memory of devices: blocks are used again, counted, and an error says who holds them."""

from types import SimpleNamespace

import numpy as np
import pytest

from nbgrad.base.errors import DeviceError, OutOfMemoryError
from nbgrad.target.cuda import memory
from nbgrad.target.cuda.array import empty, from_host, to_host
from nbgrad.target.cuda.memory import Pool, amount, pool, rounded
from nbgrad.target.cuda.package import Package

pytestmark = pytest.mark.cuda


@pytest.fixture
def own(monkeypatch):
    """A pool of its own for device 0."""
    made = Pool(0)
    monkeypatch.setitem(memory._pools, 0, made)
    return made


def test_blocks_come_back_and_are_given_out_again(own):
    a = empty((1000,), "float64")
    assert (own.info().allocated, own.info().reserved) == (8192, 8192)
    where = a.shadow.__array_interface__["data"][0]
    del a
    assert (own.info().allocated, own.info().reserved, own.info().peak) == (0, 8192, 8192)
    assert empty((700,), "float64").shadow.__array_interface__["data"][0] == where
    assert own.empty() == 8192
    assert own.info().reserved == 0


def test_memory_that_waits_is_given_back_before_there_is_too_little(own):
    own.limit = 3 << 20
    empty((1 << 20,), "uint8")
    assert own.info().reserved == 1 << 20
    large = empty((2 << 20,), "uint8")
    assert own.info().reserved == 3 << 20  # both fit
    del large
    own.limit = 4 << 20
    large = empty((4 << 20,), "uint8")  # only without the blocks that wait
    assert (own.info().reserved, own.info().allocated) == (4 << 20, 4 << 20)
    assert large.size == 4 << 20


def test_arrays_alike_get_the_same_memory_in_any_order_of_their_ends(own):
    where = lambda arrays: [a.start for a in arrays]
    arrays = [empty((100,), "float64") for _ in range(4)]
    first = where(arrays)
    for order in ([2, 0, 3, 1], [1, 3, 2, 0]):
        for i in order:
            arrays[i] = None
        arrays = [empty((100,), "float64") for _ in range(4)]
        assert where(arrays) == sorted(first)


def test_an_error_says_what_is_wanted_and_who_holds_the_rest(own):
    own.limit = 4 << 20
    kept = empty((1 << 20,), "uint8")
    with pytest.raises(OutOfMemoryError) as caught:
        empty((1024, 1024), "float32")
    what, where, fix = str(caught.value).splitlines()
    assert "cuda:0 has no 4 MiB left" in what
    assert "arrays hold 1 MiB" in what
    assert "test_memory.py" in what
    assert "test_memory.py" in where
    assert "batches" in fix
    assert isinstance(caught.value, MemoryError)
    np.testing.assert_array_equal(to_host(from_host(np.arange(3))), [0, 1, 2])  # the program goes on
    del kept
    assert empty((1024, 1024), "float32").size == 1 << 20


def test_memory_of_others_is_held_as_long_as_it_is_used(own):
    theirs = memory.package().cuda.to_device(np.arange(4, dtype=np.uint8))
    shadow = own.adopt(theirs, 4)
    assert len(own.blocks) == 1
    flat, first = memory.flat(shadow[1:], 0)
    np.testing.assert_array_equal(flat.copy_to_host(), [1, 2, 3])
    assert first == 0
    del shadow
    assert not own.blocks
    assert own.info().allocated == 0


@pytest.mark.parametrize("size", [1, 511, 512, 513, 1 << 20, (1 << 20) + 1, 123456789])
def test_blocks_hold_what_is_asked_for(size):
    assert rounded(size) >= size
    assert rounded(size) <= max(512, 2 * size, size + (2 << 20))


def test_amounts_are_read_by_people():
    assert [amount(n) for n in (100, 2048, 3 << 20, 1 << 31)] == ["100 bytes", "2 KiB", "3 MiB", "2 GiB"]


def test_a_device_has_one_pool():
    assert pool() is pool(0)


def test_what_is_given_back_goes_to_the_driver_at_once(own, monkeypatch):
    empty((1000,), "uint8")
    cleared = []
    manager = SimpleNamespace(deallocations=SimpleNamespace(clear=lambda: cleared.append(1)))
    cuda = SimpleNamespace(current_context=lambda: SimpleNamespace(memory_manager=manager))
    monkeypatch.setattr(memory, "package", lambda: Package("numba-cuda", cuda, False, ""))
    assert own.empty() == 1024
    assert cleared == [1]


def test_a_driver_that_fails_is_one_error(own, monkeypatch):
    def refuses(*args):
        raise RuntimeError("[700] Call to cuMemAlloc results in CUDA_ERROR_ILLEGAL_ADDRESS")

    monkeypatch.setattr(memory, "package", lambda: Package("numba-cuda", SimpleNamespace(device_array=refuses), False, ""))
    with pytest.raises(DeviceError, match="a kernel failed: .*ILLEGAL_ADDRESS"):
        own.root(100)
