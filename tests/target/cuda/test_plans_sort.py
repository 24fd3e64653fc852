"""Stable sorting by index on a device: the order of the CPU, by each of the ways."""

import numpy as np
import pytest

from nbgrad.base.dtypes import NAMES
from nbgrad.plan.plan import packed
from nbgrad.target.cuda import plans_sort
from nbgrad.target.cuda.run import launches
from tests.target.cuda.compared import same

pytestmark = pytest.mark.cuda
SPECIAL = [np.nan, -0.0, 0.0, np.inf, -np.inf, 1.0, -1.0, 0.0, -0.0, np.nan]


@pytest.fixture
def short(monkeypatch):
    """Runs and tiles of a few numbers."""
    monkeypatch.setattr(plans_sort, "RUN", 16)
    monkeypatch.setattr(plans_sort, "SHARE", 16)
    monkeypatch.setattr(plans_sort, "FEWER_ITEMS", 2)
    launches().known.clear()
    yield
    launches().known.clear()


def numbers(shape, dtype, rng):
    """Return numbers many of which are equal; of floats some special."""
    x = rng.integers(-9, 9, shape).astype(dtype)
    if "float" in dtype:
        x = x * np.asarray(1.5, dtype)
        x.reshape(-1)[: len(SPECIAL)] = SPECIAL[: x.size]
    return x


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", NAMES)
def test_rows_in_one_block(dtype, descending, rng):
    same("order", (numbers((5, 13), dtype, rng),), count=13, descending=descending)


@pytest.mark.parametrize("shape", [(1,), (2,), (3, 1), (7, 2), (33,), (2, 3, 8)], ids=str)
@pytest.mark.parametrize("count", ["all", 1])
def test_rows_of_any_length(shape, count, rng):
    same("order", (numbers(shape, "float32", rng),), count=shape[-1] if count == "all" else count, descending=True)


@pytest.mark.parametrize(
    ("dtype", "shape", "descending"),
    [("bool", (2, 37), False), ("int8", (37,), True), ("uint16", (2, 37), False), ("float32", (33,), False), ("float64", (17,), True)],
)
def test_long_rows_digit_by_digit(dtype, shape, descending, rng, short):
    x = numbers(shape, dtype, rng)
    if np.dtype(dtype).kind in "iu":
        x.reshape(-1)[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    same("order", (x,), count=shape[-1], descending=descending)


def test_counts_of_many_tiles_are_added_up_by_a_step(rng, short, monkeypatch):
    monkeypatch.setattr(plans_sort, "SCANNED", 1)
    monkeypatch.setattr(plans_sort, "ITEMS", 2)
    x = rng.integers(-128, 128, (2, 100)).astype("int8")
    plan = plans_sort.plan_order((packed(x.shape, "int8"),), {"count": 100, "descending": False}, packed(x.shape, "int64"))
    assert [s.kernel.loop for s in plan.steps] == ["radix_count", "radix_scan", "radix_place"] * 2
    same("order", (x,), count=100, descending=False)


def test_the_first_of_long_rows_digit_by_digit(rng, short):
    same("order", (numbers((2, 45), "int8", rng),), count=20, descending=True)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("n", [17, 45, 300])
@pytest.mark.parametrize("descending", [False, True])
def test_the_first_of_long_rows_run_by_run(count, n, descending, rng, short):
    x = numbers((2, n), "float64", rng)
    x[1] = np.nan
    same("order", (x,), count=count, descending=descending)


def test_views_are_sorted(rng):
    x = numbers((6, 8), "float32", rng)
    same("order", (x,), views=lambda x: (x[::-2, 1:].transpose((1, 0)),), count=3, descending=False)


def test_nothing_is_sorted():
    assert same("order", (np.zeros((3, 4)),), count=0, descending=False).shape == (3, 0)
    assert same("order", (np.zeros((0, 4)),), count=4, descending=False).shape == (0, 4)
