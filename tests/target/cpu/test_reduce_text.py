"""Kernels of reductions: error bounds, NaN in every place, vectors, and formulas that have none."""

import math

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ops.table import Op
from nbgrad.ops.table import table as rows
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.reducing import plan_reduce
from nbgrad.target.cpu.kernels import source
from nbgrad.target.cpu.load import kernel_function
from nbgrad.target.cpu.run import Launch
from nbgrad.target.launch import layout

SHAPES = [((5,), (0,)), ((70,), (0,)), ((300,), (0,)), ((33000,), (0,)), ((3, 40), (1,)), ((3, 40), (0,)), ((7, 1029), (1,)),
          ((9, 5000), (0,)), ((700, 3), (0,)), ((700, 3), (1,)), ((5, 6, 7), (0, 2)), ((40, 6, 50), (0, 2)), ((40, 6, 50), (1,))]  # fmt: skip


def kernels(name, shape, axes, dtype="float32", acc="float64"):
    out = packed([n for i, n in enumerate(shape) if i not in axes], dtype)
    return [s.kernel for s in plan_reduce(rows[name], packed(shape, dtype), axes, out, acc).steps]


def llvm(kernel):
    return next(iter(kernel_function(source(kernel), kernel.name).inspect_llvm().values()))


@pytest.mark.parametrize("axes", [(0,), (1,)])
def test_sums_of_float32_are_vectors_of_doubles(axes):
    assert "fadd <16 x double>" in llvm(kernels("sum", (64, 512), axes)[0]).replace("contract ", "")


@pytest.mark.parametrize("axes", [(0,), (1,)])
def test_extremes_of_float32_hold_no_double(axes):
    assert " double" not in llvm(kernels("max", (64, 512), axes, acc="float32")[0])


@pytest.mark.parametrize("axes", [None, 0, 1])
def test_error_of_sums_is_within_the_bound_of_pairwise_sums(axes, dtype, rng):
    """|error| <= depth * u * sum(|x|): depth 33 + log2(n / 16384) at most, as NumPy's 26 + log2(n / 16384) or so."""
    a = (rng.standard_normal((300, 700)) * 10.0 ** rng.uniform(-6, 6, (300, 700))).astype(dtype)
    a[::2] -= a[1::2]  # sums far smaller than what is summed
    lines = [a.ravel()] if axes is None else list(a.T if axes == 0 else a)
    got = np.atleast_1d(ng.sum(a, axes).numpy()).astype(float)
    for value, line in zip(got, lines):
        true, size = math.fsum(line.tolist()), math.fsum(np.abs(line).tolist())
        rounding = abs(true) * np.finfo(dtype).eps
        assert abs(value - true) <= 40 * 2.0**-53 * size + rounding


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
@pytest.mark.parametrize("name", ["max", "min"])
def test_a_nan_is_found_in_every_place(name, shape, axes, rng):
    a = rng.standard_normal(shape).astype("float32")
    for place in {0, a.size // 3, a.size // 2, a.size - 1, *rng.integers(0, a.size, 6).tolist()}:
        b = a.copy()
        b.flat[place] = -np.nan
        b.flat[(place + 5) % a.size] = np.inf
        b.flat[(place + 9) % a.size] = -np.inf
        np.testing.assert_array_equal(getattr(ng, name)(b, axes).numpy(), getattr(np, name)(b, axes))


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
@pytest.mark.parametrize("name", ["sum", "prod", "max", "any", "count_nonzero"])
def test_every_road_through_a_kernel(name, shape, axes, rng):
    a = rng.integers(-2, 3, shape).astype("float64")
    a = np.where(a > 0, 1.0, -1.0) * (1 + 0.001 * (np.arange(a.size).reshape(shape) % 7 - 3)) if name == "prod" else a
    for b in (a, a[..., ::-1], a.T.copy().T, np.repeat(a, 2, -1)[..., ::2]):
        np.testing.assert_allclose(getattr(ng, name)(b, axes).numpy(), getattr(np, name)(b, axes), rtol=1e-11)


def grown(acc, x):
    """The logarithm of a sum of exponentials: it calls functions."""
    return math.log(math.exp(acc) + math.exp(x))


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
def test_a_formula_that_calls_functions(shape, axes, rng):
    op = Op("grown", "reduction", ("x",), grown, {"axis": None, "keepdims": False})
    a = rng.standard_normal(shape)
    out = packed([n for i, n in enumerate(shape) if i not in axes], "float64")
    for b in (a, np.repeat(a, 2, -1)[..., ::2]):
        got = Launch(plan_reduce(op, layout(b), axes, out, "float64"), 1)((b,))
        np.testing.assert_allclose(got, np.log(np.exp(b).sum(axes)), rtol=1e-12)


def test_a_sum_of_negative_zeros_is_zero():
    for n in (1, 40, 400):
        assert not np.signbit(ng.sum(np.full(n, -0.0)).item())
        assert np.signbit(ng.max(np.full(n, -0.0)).item())


def test_bytes_that_are_true_may_be_any_but_0():
    a = np.frombuffer(bytes([0, 2, 255] * 40), bool)
    assert Layout(a.shape, (1,), "bool") == layout(a)
    assert ng.count_nonzero(a).item() == 80 and ng.any(a).item() and not ng.all(a).item()
