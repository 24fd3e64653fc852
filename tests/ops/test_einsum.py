import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, ShapeError

RNG = np.random.default_rng(0)

CASES = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ji,jk", (3, 2), (3, 4)),
    ("i,i->", (3,), (3,)),
    ("i,j->ij", (3,), (4,)),
    ("i,j->ji", (3,), (4,)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ba", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iji->j", (3, 2, 3)),
    ("iii->i", (3, 3, 3)),
    ("ijij->ij", (2, 3, 2, 3)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,ij->i", (2, 3), (2, 3)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)),
    ("bij,kj->bik", (2, 3, 4), (5, 4)),
    ("...ij,...jk->...ik", (2, 3, 4), (4, 5)),
    ("...ij,...jk", (2, 1, 3, 4), (3, 4, 5)),
    ("i...->...", (3, 2, 4)),
    ("...i,...i->...", (2, 1, 3), (5, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
    ("i,i,i->", (3,), (3,), (3,)),
    ("ij,j,ik->k", (2, 3), (3,), (2, 4)),
    ("ij,jk->", (2, 3), (3, 4)),
    ("ij,kl->", (2, 3), (4, 5)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("ij,ij->ij", (2, 1), (2, 3)),
    (",ij->ij", (), (2, 3)),
    ("a i , i b -> b a", (2, 3), (3, 4)),
    ("ii,jj->ij", (2, 2), (3, 3)),
    ("ab,ab,c->", (2, 3), (2, 3), (4,)),
    ("ea,fb,abcd,gc,hd->efgh", (2, 3), (2, 3), (3, 3, 3, 3), (2, 3), (2, 3)),
]


def operands(shapes):
    return [RNG.standard_normal(s) for s in shapes]


@pytest.mark.parametrize("case", CASES, ids=[c[0] for c in CASES])
def test_einsum_equals_numpy(case):
    xs = operands(case[1:])
    out = ng.einsum(case[0], *xs)
    expected = np.einsum(case[0], *xs)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("case", CASES[::3], ids=[c[0] for c in CASES[::3]])
def test_gradients_to_second_order(case):
    ng.gradcheck(lambda *xs: ng.einsum(case[0], *xs), *operands(case[1:]), order=2, directions=1)


def test_lists_of_axes():
    a, b = operands([(2, 3), (3, 4)])
    np.testing.assert_allclose(ng.einsum(a, [0, 1], b, [1, 2], [0, 2]).numpy(), a @ b, rtol=1e-12)
    np.testing.assert_allclose(ng.einsum(a, [0, 1], b, [1, 2]).numpy(), a @ b, rtol=1e-12)
    np.testing.assert_allclose(ng.einsum(a, [Ellipsis, 0], [Ellipsis]).numpy(), a.sum(1), rtol=1e-12)


def test_dtype_is_kept():
    a = np.ones((2, 2), "float32")
    assert ng.einsum("ij,jk", a, a).dtype == np.float32
    assert ng.einsum("ii", a).dtype == np.float32


@pytest.mark.parametrize(("text", "shapes", "words"), [
    ("ij,jk->il", ((2, 3), (3, 4)), "which no operand has"),
    ("ij->ii", ((2, 3),), "twice"),
    ("ij,jk", ((2, 3),), "names 2 operands and 1"),
    ("ijk", ((2, 3),), "names 3 axes"),
    ("i?", ((2, 3),), "more than letters"),
    ("...i->i", ((2, 3),), "the result does not"),
])  # fmt: skip
def test_subscripts_that_cannot_be_read(text, shapes, words):
    with pytest.raises(ArgumentError, match=words):
        ng.einsum(text, *operands(shapes))


def test_one_letter_of_two_lengths():
    with pytest.raises(ShapeError, match="'j' has lengths 3 and 4"):
        ng.einsum("ij,jk", *operands([(2, 3), (4, 5)]))


def test_axes_that_are_no_numbers():
    with pytest.raises(ArgumentError, match="no list of axis numbers"):
        ng.einsum(np.ones(2), ["i"], [])
