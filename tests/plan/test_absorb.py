"""Chains of elementwise calls behind products become their epilogue, and products turn the way they are read."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.absorb import kind_of, turned
from nbgrad.plan.calls import CONSTANT, HELD, Ref, Slot
from nbgrad.plan.epilogue import COLUMN, MATRIX, SCALAR
from nbgrad.plan.fuse import fuse
from nbgrad.plan.pieces import opened
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.simplify import needed, simplify

RNG = np.random.default_rng(0)
A, B, C = (RNG.standard_normal(s).astype("float32") for s in ((24, 16), (16, 32), (24, 32)))
BIAS, WEIGHT = RNG.standard_normal(32).astype("float32"), RNG.standard_normal((32, 16)).astype("float32")


def works(record_of, f, *arrays):
    """Return the names of the rows of each work that f becomes."""
    recorder, refs, out = record_of(f, *arrays)
    del out
    record = recorder.record(refs)
    calls, slots = opened(needed(record.calls, list(record.slots), record.results), record.slots)
    calls, slots = simplify(calls, slots, record.results)
    found = fuse(turned(calls, slots, record.results), slots, record.results)
    return ["_".join(op.name for op in w.ops) for w in found]


CHAINS = {
    "matmul_relu": (lambda a, b: ng.relu(a @ b), (A, B)),
    "matmul_tanh_mul": (lambda a, b: ng.tanh(a @ b) * 2.0, (A, B)),
    "matmul_add": (lambda a, b, v: a @ b + v, (A, B, BIAS)),
    "matmul_mul_add_exp": (lambda a, b, c, v: ng.exp((a @ b) * c + v), (A, B, C, BIAS)),
    "matmul_sub": (lambda a, b, c: c - a @ b, (A, B, C)),
    "matmul_mul": (lambda a, b, s: (a @ b) * s, (A, B, np.float32(3.0))),
    "linear_relu": (lambda a, w, v: ng.relu(ng.linear(a, w, v)), (A, WEIGHT, BIAS)),
    "matmul_tanh_add": (lambda a, w, c: ng.tanh(ng.linear(a, w)) + c, (A, WEIGHT, C)),  # without a bias it is a product
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_behind_products_are_one_work(name, record_of):
    f, arrays = CHAINS[name]
    assert works(record_of, f, *arrays) == [name]


@pytest.mark.parametrize("name", CHAINS)
def test_values_are_those_of_numpy(name):
    f, arrays = CHAINS[name]
    wide = [a.astype("float64") for a in arrays]
    got = ng.compile(f)(*map(ng.tensor, arrays)).numpy()
    want = f(*map(ng.tensor, wide)).numpy()
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


REFUSED = {
    "read elsewhere": lambda a, b: (lambda p: [ng.tanh(p), ng.cumsum(p, axis=0)])(a @ b),
    "asked for": lambda a, b: (lambda p: [p, ng.tanh(p)])(a @ b),
    "another dtype": lambda a, b: (a @ b).astype("float64") * 2.0,
    "repeated": lambda a, b: (a @ b).reshape(24, 1, 32) * ng.tensor(np.ones((1, 3, 1), "float32")),
    "turned": lambda a, b: ng.exp(a @ b).T + ng.tensor(np.array(C.T)),
    "reduced": lambda a, b: (a @ b).sum(axis=0),
    "rows of a column": lambda a, b: a @ b * ng.tensor(np.ones((24, 1), "float32")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_in_the_cache_is_left_alone(name, record_of):
    found = works(record_of, REFUSED[name], A, B)
    assert any(w in ("matmul", "matmul_exp") for w in found), found
    assert len(found) > 1
    got, want = ng.compile(REFUSED[name])(ng.tensor(A), ng.tensor(B)), REFUSED[name](ng.tensor(A), ng.tensor(B))
    for a, b in zip(*[v if isinstance(v, list) else [v] for v in (got, want)]):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-4)


def test_few_rows_are_left_alone(record_of):
    assert works(record_of, lambda a, b: ng.tanh(a @ b), A[:1], B) == ["matmul", "tanh"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_is_added_onto_what_is_there(record_of, dtype):
    def f(a, b, c):
        total = ng.tensor(np.zeros((24, 32), dtype)) + c
        total += a @ b
        return total

    arrays = [x.astype(dtype) for x in (A, B, C)]
    assert "matmul_add" in works(record_of, f, *arrays)
    got = ng.compile(f)(*map(ng.tensor, arrays)).numpy()
    np.testing.assert_allclose(got, arrays[2] + arrays[0] @ arrays[1], rtol=1e-5, atol=1e-5)


def test_a_product_of_what_it_is_added_onto(record_of):
    square = RNG.standard_normal((24, 24)).astype("float32")

    def f(a):
        total = a * 1.5
        total += total @ a
        return total

    got = ng.compile(f)(ng.tensor(square)).numpy()
    np.testing.assert_allclose(got, square * 1.5 + (square * 1.5) @ square, rtol=1e-4, atol=1e-4)


def test_products_that_are_read_turned_are_computed_turned(record_of):
    f = lambda a, b: ng.tanh((a @ b).T)
    assert works(record_of, f, A, B) == ["matmul_tanh"]
    np.testing.assert_allclose(ng.compile(f)(ng.tensor(A), ng.tensor(B)).numpy(), np.tanh((A @ B).T), rtol=1e-4, atol=1e-5)


def test_products_that_are_read_both_ways_are_not_turned(record_of):
    f = lambda a, b: (lambda p: ng.tanh(p).sum(axis=0) + ng.exp(p.T * 0.01).sum(axis=1))(a @ b)
    recorder, refs, out = record_of(f, A, B)
    del out
    record = recorder.record(refs)
    before = [c.reads for c in record.calls]
    assert [c.reads for c in turned(record.calls, record.slots, record.results)] == before
    got = ng.compile(f)(ng.tensor(A), ng.tensor(B)).numpy()
    p = A.astype("float64") @ B
    np.testing.assert_allclose(got, np.tanh(p).sum(0) + np.exp(p * 0.01).sum(0), rtol=1e-4, atol=1e-4)


def test_kinds_of_extra_arrays():
    out = packed((4, 6), "float32")
    slots = [Slot(HELD, 96), Slot(CONSTANT, 4, np.array(2.0, "float32"))]
    ref = lambda shape, strides, slot=0: Ref(slot, Layout(shape, strides, "float32"))
    assert kind_of(ref((4, 6), (0, 0), 1), out, slots) == SCALAR
    assert kind_of(ref((4, 6), (6, 1)), out, slots) == MATRIX
    assert kind_of(ref((6,), (1,)), out, slots) == COLUMN
    assert kind_of(ref((6,), (2,)), out, slots) is None
    assert kind_of(ref((4, 6), (1, 4)), out, slots) is None
    assert kind_of(ref((4, 1), (1, 0)), out, slots) is None
