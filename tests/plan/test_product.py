import pytest

from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.product import product_of


def product(a, b, out):
    return product_of(packed(a, "float32"), packed(b, "float32"), packed(out, "float32"))


def test_strides_of_factors():
    p = product((3, 4), (4, 5), (3, 5))
    assert (p.m, p.k, p.n, p.batch) == (3, 4, 5, ())
    assert (p.a.row, p.a.column, p.b.row, p.b.column) == (4, 1, 5, 1)
    assert p.work == 60
    assert p.batch_words == [0]


def test_a_batch_with_one_right_factor_is_one_product():
    assert product((2, 6, 3, 4), (4, 5), (2, 6, 3, 5)).m == 36
    assert product((6, 1, 4), (4, 5), (6, 1, 5)).m == 6


def test_batches_broadcast():
    p = product((2, 1, 3, 4), (7, 4, 5), (2, 7, 3, 5))
    assert p.batch == (2, 7)
    assert p.batch_words == [2, 2, 12, 0, 7, 0, 20]
    assert p.count == 14


@pytest.mark.parametrize(("k", "n"), [(1, 5), (4, 1), (1, 1)])
def test_strides_along_one_step_are_free(k, n):
    b = Layout((k, n), (99, 77), "float32")
    p = product_of(packed((3, k), "float32"), b, packed((3, n), "float32"))
    assert 1 in (p.b.row, p.b.column)
