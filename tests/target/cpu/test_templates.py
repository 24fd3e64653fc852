"""The loops: what they compile to, and results that do not depend on the number of threads."""

import math
import re

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ad.scalar import vjp_op
from nbgrad.docs import kernels, rows
from nbgrad.ops.table import table
from nbgrad.plan.mapping import Body
from nbgrad.plan.plan import Kernel
from nbgrad.target.cpu import build, machine_code, run
from nbgrad.target.cpu.kernels import source
from nbgrad.target.cpu.load import assembly, kernel_function
from nbgrad.target.cpu.templates import TURNS, cut, waits

rows()


@pytest.mark.parametrize("name", ["add", "tanh", "where", "sigmoid", "floor", "gelu_tanh"])
def test_a_float32_kernel_holds_no_double(name):
    for kernel in kernels(table[name], "float32").values():
        text = source(kernel)
        assert "float64" not in text[text.index("@kernel") :]
        machine = assembly(text, kernel.name)
        doubles = [line for line in machine.splitlines() if "cvtss2sd" in line or "cvtsd2ss" in line]
        assert not doubles


def llvm(kernel):
    """Return the optimised LLVM text of a kernel."""
    return next(iter(kernel_function(source(kernel), kernel.name).inspect_llvm().values()))


@pytest.fixture
def used(monkeypatch):
    """Return a function that runs `f` and returns the kernels that it asked for."""

    def run_and_list(f):
        asked = []
        monkeypatch.setattr(run.CPU, "known", {})
        monkeypatch.setattr(run, "address", lambda kernel: asked.append(kernel) or address(kernel))
        f()
        return list(dict.fromkeys(asked))

    address = run.address
    return run_and_list


X = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype("float32")
SINGLE = {
    "logaddexp": lambda: ng.logaddexp(ng.abs(X), X),
    "max": lambda: ng.max(X, (0, 1)),
    "argmin": lambda: ng.argmin(X, 1),
    "matmul": lambda: ng.matmul(X, X),
    "max_pool": lambda: ng.max_pool2d(X, 2),
    "cumsum": lambda: ng.cumsum(X, 2),
    "take": lambda: ng.take(X, [1, 0], 2),
    "scatter": lambda: ng.segment_sum(X[0], [0, 1, 0], 2),
    "random": lambda: ng.random.uniform((40,)),
}


@pytest.mark.parametrize("name", SINGLE)
def test_loops_on_float32_hold_no_double(name, used, seeded):
    kernels_used = used(SINGLE[name])
    assert kernels_used
    for kernel in kernels_used:
        assert " double" not in llvm(kernel), kernel.name


def test_inner_loops_are_vectorised():
    for name in ("add", "sqrt", "abs", "maximum"):
        assert re.search(r"<\d+ x float>", llvm(kernels(table[name], "float32")["forward"])), name


def test_kernels_of_float64_compute_in_float64():
    text = source(kernels(table["tanh"], "float64")["backward in x"])
    assert "np.float64(1.0)" in text


@pytest.fixture
def threads():
    before = ng.get_num_threads()
    yield
    ng.set_num_threads(before)


WORK = {
    "map": lambda a: ng.tanh(a) * a,
    "sum of all": lambda a: a.sum(),
    "sum of rows": lambda a: a.sum(1),
    "sum of columns": lambda a: a.sum(0),
    "mean": lambda a: a.mean(),
    "max": lambda a: a.max(0),
    "prod": lambda a: (1.0 + a * 1e-3).prod(),
    "argmax": lambda a: a.argmax(1),
    "matmul": lambda a: a @ a.T,
    "cumsum": lambda a: a.cumsum(0),
    "sort": lambda a: ng.sort(a, 1),
    "scatter": lambda a: ng.scatter_add(ng.zeros((5, a.shape[1]), a.dtype), np.arange(len(a)) % 5, a, 0),
    "softmax": lambda a: ng.softmax(a, axis=0),
    "var": lambda a: a.var(0),
    "any": lambda a: (a > 3.0).any(1),
    "segment sum": lambda a: ng.segment_sum(a, np.arange(len(a)) % 7, 7),
    "take": lambda a: ng.take(a, np.arange(900) % 300, 1),
    "conv": lambda a: ng.conv2d(a[:192].reshape((4, 4, 60, 60)), a[:6, :96].reshape((16, 4, 3, 3)), padding=1),
    "conv gradient": lambda a: ng.grad(lambda w: ng.conv2d(a[:192].reshape((4, 4, 60, 60)), w).sum())(a[:6, :96].reshape((16, 4, 3, 3))),
    "pooling gradient": lambda a: ng.grad(lambda a: (ng.max_pool1d(a[None], 3) ** 2).sum())(a),
    "recurrence": lambda a: ng.linear_recurrence(ng.tanh(a), a, axis=1),
    "transposed copy": lambda a: a.T.copy(),
    "gradient": lambda a: ng.grad(lambda a: (ng.softmax(a @ a.T) ** 2).sum())(a),
}


@pytest.mark.parametrize("name", WORK)
def test_results_are_the_same_bits_for_any_number_of_threads(name, dtype, threads, rng):
    a = ng.tensor(rng.standard_normal((700, 300)).astype(dtype))
    results = []
    for n in (1, min(2, ng.get_num_threads())):
        ng.set_num_threads(n)
        results.append(WORK[name](a).numpy().tobytes())
    assert results[0] == results[1]


def test_random_numbers_are_the_same_for_any_number_of_threads(threads, seeded):
    results = []
    for n in (1, min(2, ng.get_num_threads())):
        ng.set_num_threads(n)
        ng.random.seed(7)
        results.append(ng.random.normal((300, 500)).numpy().tobytes())
    assert results[0] == results[1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rare_argument_changes_nothing_beside_it(rng, dtype):
    x = rng.uniform(-9, 9, 5000).astype(dtype)
    with_rare = x.copy()
    with_rare[[7, 3000]] = 1e20, np.nan
    got, wanted = ng.sin(ng.asarray(with_rare)).numpy(), ng.sin(ng.asarray(x)).numpy()
    np.testing.assert_allclose(got[7], np.sin(np.float64(with_rare[7])), rtol=2e-7)
    assert np.isnan(got[3000])
    kept = np.delete(np.arange(5000), [7, 3000])
    np.testing.assert_array_equal(got[kept], wanted[kept])


def test_a_rare_argument_in_place_and_broadcast():
    x = np.linspace(-3, 3, 2001).reshape(3, 667)
    x[1, 5] = -1e30
    np.testing.assert_allclose(ng.sin(ng.asarray(x).T).numpy(), np.sin(x.T), rtol=1e-15, atol=1e-16)
    x[1, 5], x[:, ::3] = 0.5, x[:, ::3] + 7e-4  # away from the poles, where Python's function refuses
    wanted = np.vectorize(math.lgamma)(x[:, ::3])
    np.testing.assert_allclose(ng.lgamma(ng.asarray(x[:, ::3])).numpy(), wanted, rtol=2e-13, atol=1e-15)


def test_long_chains_are_cut_into_parts_with_a_function_each():
    chain = [[f"t{i + 1} = exp_float32(t{i})"] for i in range(4)]
    after = [["t5 = sin_float32(t4)", "t6 = t5 * c1"], ["put1(p1, o1 + i, T1(t6))"]]
    assert waits(chain) == 4
    assert cut([*chain[:2], ["t9 = t2 + c0"], *chain[2:], *after]) == [
        chain[:1], [chain[1], ["t9 = t2 + c0"]], chain[2:3], chain[3:], after,
    ]  # fmt: skip


def test_functions_that_do_not_wait_for_one_another_stay_together():
    groups = [[f"t{i} = exp_float32(x{i})"] for i in range(9)] + [["t9 = log_float32(t0 + t1)", "t10 = log_float32(t9)"]]
    assert waits(groups) == 3
    assert cut(groups) == [groups]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_of_a_chain_give_what_rows_alone_give(dtype):
    rng = np.random.default_rng(0)
    x, y = (ng.tensor((s * rng.standard_normal(700)).astype(dtype)) for s in (1.0, 1e7))  # sines far out are rare arguments

    def several(x, y):
        a = ng.tanh(ng.exp(ng.sigmoid(ng.sin(y))) * 0.3)
        return a + ng.where(ng.cos(y) > 0.1, ng.log(ng.abs(x) + 1.0), ng.sigmoid(x)), ng.erf(a), a > 0.2

    for eager, compiled in zip(several(x, y), ng.compile(several)(x, y)):
        np.testing.assert_array_equal(compiled.numpy(), eager.numpy())
    before = x.copy()

    @ng.compile
    def written_over():
        x[...] = ng.erf(ng.tanh(ng.exp(ng.sin(x * 1e7)) + x))

    written_over()
    np.testing.assert_array_equal(x.numpy(), ng.erf(ng.tanh(ng.exp(ng.sin(before * 1e7)) + before)).numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_functions_side_by_side_give_what_rows_alone_give(dtype):
    rng = np.random.default_rng(1)
    x, y = (ng.tensor((s * rng.standard_normal(701)).astype(dtype)) for s in (1.0, 1e7))

    def several(x, y):
        return ng.erf(x) * ng.sin(y), ng.exp(x) + ng.tanh(x), ng.log(ng.sigmoid(x))

    for eager, compiled in zip(several(x, y), ng.compile(several)(x, y)):
        np.testing.assert_array_equal(compiled.numpy(), eager.numpy())


def test_the_error_function_and_its_derivative_share_an_exponential():
    erf = table["erf"]
    calls = ((erf, (1,), "float32", "float32"), (vjp_op(erf, 0), (0, 1), "float32", "float32"))
    value = Kernel("map", ("float32",) * 3, Body(calls[:1], (2,)), ("111", False))
    both = Kernel("map", ("float32",) * 4, Body(calls, (2, 3)), ("1111", False))
    steps = []
    for kernel in (value, both):
        text, name = source(kernel).replace(f"TURNS = {TURNS}", ""), kernel.name
        with build.compiling(text, name):
            steps.append(str(machine_code.optimised(build.linked(text, name))).count("@llvm.fma"))
    assert steps[1] <= steps[0] + 2


def test_only_loops_over_all_numbers_take_several_vectors_at_a_time():
    x, b = ng.tensor(X.reshape(-1, 8)), ng.tensor(X[0, 0, 0])
    f = ng.compile(lambda x, b: ng.exp(x) * ng.tanh(x + b))
    for other, turns in ((x, True), (b, False)):
        f(x, other)
        (text,) = {source(item.kernel) for wave in f.latest.program.schedule.waves for item in wave}
        assert (f"TURNS = {TURNS}" in text) == turns
