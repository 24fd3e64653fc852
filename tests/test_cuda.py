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


@pytest.fixture
def precision():
    """Give the precision back after the test."""
    before = ng.cuda.get_precision()
    yield
    ng.cuda.set_precision(before)


@pytest.mark.usefixtures("precision")
def test_a_precision_is_set_by_its_name_and_nbgrad_s_kernels_do_not_round(rng):
    x = ng.tensor(rng.standard_normal((9, 9)).astype("float32"), device="cuda")
    before = (x @ x).numpy()
    for name in ("tf32", "bfloat16", "float32"):
        ng.cuda.set_precision(name)
        assert ng.cuda.get_precision() == name
        assert (x @ x).numpy().tobytes() == before.tobytes()
    for wrong in ("bf16", "highest", None, 32):
        with pytest.raises(ng.ArgumentError, match="set_precision.*it must be one of float32, tf32, bfloat16") as told:
            ng.cuda.set_precision(wrong)
        assert len(str(told.value).splitlines()) == 3
    assert ng.cuda.get_precision() == "float32"
