"""Elementwise rows and reductions of their values in one pass: plans of compiled functions on a device and on the CPU."""

import numpy as np
import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.plan import folding
from nbgrad.plan.cutting import CPU as CPU_CUT
from nbgrad.plan.cutting import DEVICE
from nbgrad.plan.folding import plan_folding
from nbgrad.plan.mapping import After, Body, Literal, Reduced
from nbgrad.plan.plan import Layout, packed
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda.array import empty, from_host, to_host
from nbgrad.target.cuda.run import launches
from nbgrad.target.launch import layout

pytestmark = pytest.mark.cuda
rows()
SHAPES = [((5,), (0,)), ((3, 40), (1,)), ((9, 40), (0,)), ((7, 129), (1,)), ((5, 3, 17), (0, 2)), ((4, 6, 5), (1,)), ((30, 9), (0, 1)), ((2, 3, 2, 3, 2), (0, 2, 4))]


def both(plan, arrays):
    """Return what a plan makes of arrays on a device, and on the CPU; those that it writes over are copied before."""
    want = CPU.several(plan, len(arrays)).run([a.copy() for a in arrays], [np.empty(s, d) for s, d in zip(plan.shape, plan.dtype)])
    outs = [empty(s, d) for s, d in zip(plan.shape, plan.dtype)]
    launches().several(plan, len(arrays)).run([from_host(a) for a in arrays], outs)
    return [to_host(a) for a in outs], want


def close(got, want):
    for g, w in zip(got, want):
        assert g.dtype == w.dtype
        np.testing.assert_allclose(g, w, rtol=8 * np.finfo(w.dtype).eps if w.dtype.kind == "f" else 0, atol=1e-13 if w.dtype == "float64" else 1e-6)


def body(dtype, keeps=True, reductions=("sum", "max", "mean")):
    """Return the rows y = x * 0.5 - b, kept or not, and reductions of y."""
    calls = ((table["mul"], (0, Literal(0.5)), dtype, dtype), (table["sub"], (2, 1), dtype, dtype))
    return Body(calls, (3,) if keeps else (), False, tuple(Reduced(table[r], 3, dtype, dtype if r == "max" else "float64", dtype) for r in reductions))


def repeated(shape, dtype):
    """Return the layout of a row that is repeated over a shape."""
    return Layout(shape, (0,) * (len(shape) - 1) + (1,), dtype)


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
def test_every_form(shape, axes, rng):
    x, b = rng.standard_normal(shape), rng.standard_normal(shape[-1])
    plan = plan_folding(body("float64"), shape, axes, (packed(shape, "float64"), repeated(shape, "float64")), (packed(shape, "float64"),))
    close(*both(plan, (x, b)))


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_chunks_are_joined(axes, rng):
    """As where numbers are many: parts of each result, joined by kernels of their own."""
    cut = CPU_CUT._replace(rows=lambda *_: 256, columns=lambda body, n, m, width: (width, 16 * width))
    x, b = rng.standard_normal((70, 33)), rng.standard_normal(33)
    plan = folding.plan_axes(body("float64"), *folding._axes(x.shape, axes, ((33, 1), (0, 1), (33, 1))), (layout(x), layout(b)), (layout(x),), cut)
    assert len(plan.steps) == (4 if axes != (1,) else 1)
    close(*both(plan, (x, b)))


@pytest.mark.parametrize(("shape", "axes"), [((9000,), (0,)), ((9, 1030), (0, 1)), ((3000, 3), (0,)), ((40, 9), (0,))], ids=str)
def test_plans_cut_for_a_device(shape, axes, rng):
    x, b = rng.standard_normal(shape), rng.standard_normal(shape[-1])
    layouts = (packed(shape, "float64"), repeated(shape, "float64"))
    plan = plan_folding(body("float64", False, ("sum", "max")), shape, axes, layouts, (), DEVICE)
    assert len(plan.steps) == (3 if x.size > 1000 else 1)
    outs = [empty(s, d) for s, d in zip(plan.shape, plan.dtype)]
    launches().several(plan, 2).run([from_host(x), from_host(b)], outs)
    y = x * 0.5 - b
    want = [np.sum(y, axes, "longdouble").astype("float64"), np.max(y, axes)]  # NumPy adds up columns one by one
    close([to_host(a) for a in outs], [np.reshape(w, -1) for w in want])


@pytest.mark.parametrize("axes", [(0,), (1,)])
def test_float32_is_folded_in_float64_and_kept_in_float32(axes, rng):
    shape = (6, 50)
    x, b = rng.standard_normal(shape).astype("float32"), rng.standard_normal(50).astype("float32")
    plan = plan_folding(body("float32"), shape, axes, (packed(shape, "float32"), repeated(shape, "float32")), (packed(shape, "float32"),))
    close(*both(plan, (x, b)))


@pytest.mark.parametrize("axes", [(0,), (1,)])
def test_truth_and_whole_numbers(axes, rng):
    x = rng.integers(-3, 4, (7, 21))
    calls = ((table["greater"], (0, Literal(2)), "int64", "bool"), (table["mul"], (0, Literal(2)), "int64", "int64"))
    reduced = (Reduced(table["any"], 1, "bool", "bool", "bool"), Reduced(table["all"], 0, "int64", "bool", "bool"), Reduced(table["sum"], 2, "int64", "int64", "int64"),
               Reduced(table["count_nonzero"], 1, "bool", "int64", "int64"))  # fmt: skip
    plan = plan_folding(Body(calls, (1,), False, reduced), x.shape, axes, (layout(x),), (packed(x.shape, "bool"),))
    close(*both(plan, (x,)))


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("stored", [(True, False), (False, False)])
def test_calls_behind_reductions(axes, stored, rng):
    """sqrt(sum + max) * w + scale: an array of the results' shape, and one number."""
    shape = (8, 30)
    m = int(np.prod([n for i, n in enumerate(shape) if i not in axes]))
    x, b, w, scale = rng.standard_normal(shape), rng.standard_normal(30), rng.standard_normal(m), rng.standard_normal(1)
    kind = "float64"
    calls = ((table["add"], (0, 1), kind, kind), (table["abs"], (4,), kind, kind), (table["sqrt"], (5,), kind, kind), (table["mul"], (6, 2), kind, kind),
             (table["add"], (7, 3), kind, kind), (table["greater"], (8, 0), kind, "bool"))  # fmt: skip
    after = After(Body(calls, (8, 9)), stored, (kind, kind, kind, "bool"), (False, True, False, False))
    rows = body(kind, False, ("sum", "max"))._replace(after=after)
    plan = plan_folding(rows, shape, axes, (packed(shape, kind), repeated(shape, kind)), ())
    close(*both(plan, (x, b, w, scale)))


@pytest.mark.parametrize("axes", [(0,), (1,)])
@pytest.mark.parametrize("turn", [lambda x: x[::-1], lambda x: x[:, ::-2], lambda x: x.transpose((1, 0))])
def test_operands_of_all_layouts(axes, turn, rng):
    a = rng.standard_normal((12, 24))
    x, y = turn(a), turn(from_host(a))
    calls = ((table["exp"], (0,), "float64", "float64"),)
    rows = Body(calls, (1,), False, (Reduced(table["min"], 1, "float64", "float64", "float64"),))
    plan = plan_folding(rows, x.shape, axes, (layout(x),), (packed(x.shape, "float64"),))
    outs = [empty(s, d) for s, d in zip(plan.shape, plan.dtype)]
    launches().several(plan, 1).run([y], outs)
    close([to_host(a) for a in outs], [np.exp(x), np.exp(x).min(axes)])


def test_what_is_written_in_place_is_written_once(rng):
    """held = held - g * 0.5, and the sum of its rows."""
    held, g = rng.standard_normal((5, 50)), rng.standard_normal((5, 50))
    calls = ((table["mul"], (1, Literal(0.5)), "float64", "float64"), (table["sub"], (0, 2), "float64", "float64"))
    rows = Body(calls, (3,), True, (Reduced(table["sum"], 3, "float64", "float64", "float64"),))
    plan = plan_folding(rows, held.shape, (1,), (layout(held), layout(g)), (layout(held),))
    x, total = from_host(held), empty((5,), "float64")
    launches().several(plan, 2).run([x, from_host(g)], [x, total])
    np.testing.assert_array_equal(to_host(x), held - g * 0.5)
    np.testing.assert_allclose(to_host(total), (held - g * 0.5).sum(1), rtol=1e-13, atol=1e-13)
