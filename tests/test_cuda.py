"""The module `nbgrad.cuda`: memory as users ask for it."""

import pytest

import nbgrad as ng

pytestmark = pytest.mark.cuda


def test_memory_is_counted_and_given_back():
    ng.cuda.empty_cache()
    before = ng.cuda.memory_info()
    x = ng.empty(100_000, "float32", device="cuda")
    now = ng.cuda.memory_info()
    assert now.allocated - before.allocated >= x.nbytes
    assert now.peak >= now.allocated
    del x
    assert ng.cuda.memory_info().allocated == before.allocated
    ng.cuda.reset_peak()
    assert ng.cuda.memory_info().peak == before.allocated
    assert ng.cuda.empty_cache() >= 400_000


def test_a_limit_is_kept_and_the_program_goes_on():
    ng.cuda.empty_cache()
    ng.cuda.set_memory_limit(ng.cuda.memory_info().reserved + (1 << 20))
    try:
        with pytest.raises(ng.OutOfMemoryError, match="cuda:0 has no 40 MiB left: the limit is"):
            ng.zeros(10 << 20, "float32", device="cuda")
        assert ng.ones(3, device="cuda").tolist() == [1.0, 1.0, 1.0]
    finally:
        ng.cuda.set_memory_limit(None)
    with pytest.raises(ng.ArgumentError, match="a limit is a number of bytes"):
        ng.cuda.set_memory_limit(-1)
    with pytest.raises(ng.ArgumentError, match="is no CUDA device"):
        ng.cuda.memory_info("cpu")
