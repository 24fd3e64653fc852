"""Products of one matrix with several vectors: taken together where nothing stands between them, each value as it was."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.calls import CONSTANT, HELD
from nbgrad.plan.gathered import gathered
from nbgrad.plan.multiplying import THIN
from nbgrad.plan.simplify import needed

RNG = np.random.default_rng(0)
M, K = 4 * THIN, 2 * THIN
A, B = RNG.standard_normal((M, K)), RNG.standard_normal((M, K))
U, V, W = (RNG.standard_normal(K) for _ in range(3))
S = RNG.standard_normal((M, M))


def products(record_of, f, *arrays):
    """Return the shapes of the results of the products that are left."""
    recorder, refs, out = record_of(f, *arrays)
    del out
    record = recorder.record(refs)
    slots = [s._replace(kind=CONSTANT) if s.kind == HELD else s for s in record.slots]
    calls, more = gathered(needed(record.calls, slots, record.results), slots, record.results)
    assert len(more) >= len(slots)
    return [c.writes[0].layout.shape for c in calls if c.op.name == "matmul"]


def same(f, *arrays):
    """Hold a compiled function against the function itself."""
    compiled = ng.compile(f)
    for k in (1.0, -2.0):
        args = [ng.tensor(a * k) for a in arrays]
        got, want = compiled(*args), f(*args)
        for a, b in zip(*[v if isinstance(v, (list, tuple)) else [v] for v in (got, want)]):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-12)


def summed(a, u, v, w):
    return ng.tanh(a @ u) + ng.sin(a @ v) * (a @ w)


def test_they_become_one_product(record_of):
    assert products(record_of, summed, A, U, V, W) == [(3, M)]
    same(summed, A, U, V, W)


def test_two_matrices_stay_two(record_of):
    f = lambda a, b, u, v: ng.tanh(a @ u) + ng.tanh(b @ v) + ng.tanh(a @ v)
    assert sorted(products(record_of, f, A, B, U, V)) == sorted([(2, M), (M, 1)])
    same(f, A, B, U, V)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_one_that_is_asked_for_stays(which, record_of):
    def f(a, u, v, w):
        made = [a @ u, a @ v, a @ w]
        return [made[which], sum(ng.tanh(p) for i, p in enumerate(made) if i != which)]

    same(f, A, U, V, W)
    assert (2, M) in products(record_of, f, A, U, V, W)


def test_one_that_needs_another_stays_behind_it(record_of):
    f = lambda s, u: ng.tanh(s @ ng.tanh(s @ u))
    assert products(record_of, f, S, S[0]) == [(M, 1), (M, 1)]
    same(f, S, S[0])


def test_some_that_wait_and_some_that_do_not(record_of):
    def f(s, u, v):
        first = ng.tanh(s @ u)
        return ng.tanh(s @ first) + ng.sin(s @ v) + first

    assert sorted(products(record_of, f, S, S[0], S[1])) == sorted([(2, M), (M, 1)])
    same(f, S, S[0], S[1])


def test_vectors_that_are_written_between(record_of):
    def f(a, u):
        v = u * 1.0
        one = ng.tanh(a @ v)
        v *= 2.0
        return one + ng.sin(a @ v)

    same(f, A, U)


def test_matrices_that_are_written_between(record_of):
    def f(a, u, v):
        b = a * 1.0
        one = ng.tanh(b @ u)
        b *= 2.0
        return one + ng.sin(b @ v)

    same(f, A, U, V)


def test_strided_vectors_and_readers_of_parts(record_of):
    def f(a, u, v):
        p, q = a @ ng.flip(u, 0), a @ ng.stack([v, u], 1)[:, 0]
        return ng.exp(p[::2] * 0.1) + q[1::2] * 2.0

    same(f, A, U, V)


def test_more_than_fit(record_of):
    many = RNG.standard_normal((THIN + 3, K))
    f = lambda a, x: sum([ng.tanh(a @ x[i]) for i in range(THIN + 3)])
    assert (THIN, M) in products(record_of, f, A, many)
    same(f, A, many)


def test_few_rows_are_not_worth_it(record_of):
    f = lambda a, u, v: ng.tanh(a @ u) + ng.tanh(a @ v)
    assert (2, THIN) not in products(record_of, f, A[:THIN], U, V)
    same(f, A[:THIN], U, V)


def test_rows_that_do_not_lie_in_one_piece_stay(record_of):
    f = lambda a, u, v: ng.tanh(a.T @ u) + ng.tanh(a.T @ v)
    assert all(shape[0] == M for shape in products(record_of, f, A.T.copy(), U, V))
    same(f, A.T.copy(), U, V)
