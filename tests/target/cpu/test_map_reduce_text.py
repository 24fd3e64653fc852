"""Elementwise rows and reductions in one pass: against NumPy in every form, with NaN, and whatever the number of threads."""

import math
import re

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cpu.kernels import source
from nbgrad.target.cpu.load import kernel_function

SHAPES = [((5,), (0,)), ((33000,), (0,)), ((3, 40), (1,)), ((9, 40), (0,)), ((7, 1029), (1,)), ((21, 5000), (0,)), ((21, 300), (0,)),
          ((700, 33), (0,)), ((5, 6, 70), (0, 2)), ((40, 6, 50), (0, 2)), ((4, 40, 50), (1,)), ((2000, 90), (0, 1))]  # fmt: skip


def fused(f, *arrays):
    """Return the results of a compiled function as arrays, and the kernels that fold values."""
    compiled = ng.compile(f)
    out = compiled(*map(ng.tensor, arrays))
    found = re.findall(r"^  (k\d+) +map_reduce", str(compiled.show(*map(ng.tensor, arrays))), re.MULTILINE)
    return [t.numpy() for t in (out if isinstance(out, (tuple, list)) else [out])], [compiled.source(k[1:]) for k in found]


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
def test_every_form(shape, axes, dtype, rng):
    x = rng.standard_normal(shape).astype(dtype)
    b = rng.standard_normal(shape[-1]).astype(dtype)

    def f(x, b):
        y = x * 0.5 - b
        return y.sum(axes), y, y.max(axes), ng.mean(y, axes)

    got, kernels = fused(f, x, b)
    y = (x * x.dtype.type(0.5) - b).astype("float64")
    assert len(kernels) == 1
    size = np.abs(y).sum(axes)
    eps = np.finfo(dtype).eps
    assert (np.abs(got[0] - y.sum(axes)) <= 40 * 2.0**-53 * size + 2 * eps * (size + 1)).all()
    np.testing.assert_allclose(got[1], y, rtol=4 * eps, atol=2 * eps)
    np.testing.assert_array_equal(got[2], got[1].max(axes))
    np.testing.assert_allclose(got[3] * np.prod([shape[a] for a in axes]), got[0], rtol=8 * eps, atol=1e-30)


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
def test_calls_behind_reductions_in_every_form(shape, axes, dtype, rng):
    x = rng.standard_normal(shape).astype(dtype)
    kept = [n for i, n in enumerate(shape) if i not in axes]
    w, scale = rng.standard_normal(kept).astype(dtype), rng.standard_normal(1).astype(dtype)

    def f(x, w, scale):
        s, m = (x * x).sum(axes), (x * x).max(axes)
        return ng.sqrt(s + m) * w + scale.reshape(()), m * 0.5, s

    got, kernels = fused(f, x, w, scale)
    y = (x * x).astype("float64")
    s, m = y.sum(axes), y.max(axes)
    assert len(kernels) == 1 and ("def after" in kernels[0].path.read_text()) == (y.size < 1 << 14 or len(kept) > 0)
    tight = {"rtol": 30 * np.finfo(dtype).eps, "atol": 30 * np.finfo(dtype).eps}
    np.testing.assert_allclose(got[0], np.sqrt(s + m) * w + scale[0], **tight)
    np.testing.assert_allclose(got[1], m * 0.5, **tight)
    np.testing.assert_allclose(got[2], s, **tight)


@pytest.mark.parametrize("axes", [0, 1])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "prod"])
def test_calls_behind_a_reduction_alone(name, axes, dtype, rng):
    x = rng.uniform(0.5, 1.5, (40, 50)).astype(dtype)
    (got,), kernels = fused(lambda x: ng.log(getattr(ng, name)(x, axes)) * 2.0, x)
    assert kernels
    np.testing.assert_allclose(got, np.log(getattr(np, name)(x.astype("float64"), axes)) * 2.0, rtol=2e-6, atol=2e-6)


def test_calls_behind_reductions_of_two_dtypes(rng):
    x = rng.standard_normal((40, 50)).astype("float32")
    (got,), kernels = fused(lambda x: ng.sin((x * 2.0).sum(1).astype("float64")) * 3.0, x)
    assert kernels and got.dtype == np.float64
    np.testing.assert_allclose(got, np.sin((x.astype("float64") * 2).sum(1)) * 3, rtol=0, atol=2e-5)


def test_calls_behind_reductions_write_over_nothing_that_is_read(rng):
    """What follows sums of rows of a square must not take the place of what the other sums are made of."""
    x = rng.standard_normal((64, 64))
    held = ng.tensor(rng.standard_normal(64))
    before = held.numpy().copy()

    @ng.compile
    def f(x):
        held[...] = (x * held).sum(1) * 0.5
        return held + 0.0

    np.testing.assert_allclose(f(ng.tensor(x)).numpy(), (x * before).sum(1) * 0.5, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("turn", [
    lambda x: x[::-1], lambda x: x[:, ::-1], lambda x: np.repeat(x, 2, -1)[:, ::2], lambda x: np.broadcast_to(x[:1], x.shape),
    lambda x: np.broadcast_to(x[:, :1], x.shape), lambda x: np.asfortranarray(x),
])  # fmt: skip
@pytest.mark.parametrize("axes", [None, 0, 1])
def test_operands_of_all_layouts(turn, axes, rng):
    x, y = rng.standard_normal((70, 90)), turn(rng.standard_normal((70, 90)))
    got, kernels = fused(lambda x, y: ((x * y).sum(axes), x * y), x, y)
    assert kernels
    np.testing.assert_allclose(got[0], (x * y).sum(axes), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(got[1], x * y)


@pytest.mark.parametrize("axes", [None, 0, 1])
def test_the_error_of_sums_is_within_the_bound_of_sum(axes, dtype, rng):
    """As in the doc of `sum`: values are rounded as if stored, folded in lanes and chunks of at most as many numbers."""
    a = (rng.standard_normal((300, 700)) * 10.0 ** rng.uniform(-6, 6, (300, 700))).astype(dtype)
    a[::2] -= a[1::2]
    got, kernels = fused(lambda a: (-a).sum(axes), a)
    assert kernels
    lines = [a.ravel()] if axes is None else list(a.T if axes == 0 else a)
    for value, line in zip(np.atleast_1d(got[0]).astype(float), lines):
        true, size = -math.fsum(line.tolist()), math.fsum(np.abs(line).tolist())
        assert abs(value - true) <= 40 * 2.0**-53 * size + abs(true) * np.finfo(dtype).eps


@pytest.mark.parametrize("axes", [None, 0, 1])
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "prod"])
def test_nan_and_infinity_are_those_of_numpy(name, axes, rng):
    for special in ([np.nan], [np.inf], [np.inf, -np.inf], [np.nan, np.inf]):
        x = rng.standard_normal((40, 50))
        x.flat[rng.choice(x.size, len(special), False)] = special
        (got,), kernels = fused(lambda x: getattr(ng, name)(x * 2.0, axes), x)
        assert kernels
        with np.errstate(all="ignore"):
            want = getattr(np, name)(x * 2.0, axis=axes)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_truth_values_and_whole_numbers(rng):
    x = rng.integers(-3, 4, (50, 60))
    got, _ = fused(lambda x: ((x > 2).any(0), (x > -3).all(1), (x * 2).sum(0), ng.count_nonzero(x - 1, 1), (x < 0).sum()), x)
    want = [(x > 2).any(0), (x > -3).all(1), (x * 2).sum(0), np.count_nonzero(x - 1, 1), (x < 0).sum()]
    for g, w in zip(got, want):
        assert g.dtype == w.dtype
        np.testing.assert_array_equal(g, w)


def test_what_is_written_in_place_is_folded_as_written(rng):
    start = rng.standard_normal((50, 60))
    held = ng.tensor(start.copy())

    @ng.compile
    def f(g):
        held[...] = held - 0.5 * g
        return (held * held).sum(0), held.max()

    g = rng.standard_normal((50, 60))
    squares, largest = f(ng.tensor(g))
    np.testing.assert_allclose(held.numpy(), start - 0.5 * g, rtol=1e-15)
    np.testing.assert_allclose(squares.numpy(), ((start - 0.5 * g) ** 2).sum(0), rtol=1e-13)
    assert largest.item() == held.numpy().max()


def test_rare_arguments_are_folded_once(rng):
    """A block with an argument out of the common range is taken twice: its values are not added twice."""
    x = rng.standard_normal((40, 3000))
    x[3, 70], x[20, 2999] = 5000.0, -800.0
    (got,), kernels = fused(lambda x: ng.sin(x).sum(1), x)
    assert kernels
    np.testing.assert_allclose(got, np.sin(x).sum(1), rtol=1e-12, atol=1e-12)


def first(x):
    return x * 2.0


def select(x):
    return x + 1.0


def test_functions_of_the_user_may_have_the_names_of_words(rng):
    @ng.op
    def named(x):
        """Two functions."""
        return first(x) - select(x)

    x = rng.standard_normal((40, 50))
    got, kernels = fused(lambda x: (named(x) * x).sum(0), x)
    assert not kernels
    np.testing.assert_allclose(got[0], ((x - 1.0) * x).sum(0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axes", [None, 0, 1])
def test_results_do_not_depend_on_the_number_of_threads(axes, rng):
    x = ng.tensor(rng.standard_normal((1000, 300)))
    found, before = [], ng.get_num_threads()
    try:
        for threads in {1, before}:
            ng.set_num_threads(threads)
            found.append(ng.compile(lambda x: ng.tanh(x * 3.0).sum(axes))(x).numpy())
    finally:
        ng.set_num_threads(before)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("axes", [0, 1])
def test_rows_with_many_operands_are_vectors(axes, rng):
    """The room says that it lies apart: compared with all operands at run time, it would keep LLVM from making vectors."""
    arrays = [rng.standard_normal((40, 64)).astype("float32") for _ in range(7)]

    def f(*xs):
        total = xs[0]
        for x in xs[1:]:
            total = total * x + x
        return total.sum(axes), total, total + xs[0], total - xs[1]

    _, (found,) = fused(f, *arrays)
    kernel = found.item.kernel
    text = next(iter(kernel_function(source(kernel), kernel.name).inspect_llvm().values()))
    assert re.search(r"fmul (contract )?<\d+ x float>", text)


def test_only_loops_over_all_numbers_take_several_vectors_at_a_time(rng):
    x = rng.standard_normal((70, 90)).astype("float32")
    for axes, turns in ((None, True), (1, False), (0, True)):
        got, (text,) = fused(lambda x, axes=axes: (ng.exp(x) * ng.tanh(x)).sum(axes), x)
        assert ("TURNS = " in text.path.read_text()) == turns
        np.testing.assert_allclose(got[0], (np.exp(x) * np.tanh(x)).sum(axes), rtol=1e-5, atol=1e-5)
