"""The loops: what they compile to, and results that do not depend on the number of threads."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.docs import kernels, rows
from nbgrad.ops.table import table
from nbgrad.target.cpu.load import assembly
from nbgrad.target.cpu.run import kernel_name, source

rows()


@pytest.mark.parametrize("name", ["add", "tanh", "where", "sigmoid", "floor", "gelu_tanh"])
def test_a_float32_kernel_holds_no_double(name):
    for kernel in kernels(table[name], "float32").values():
        text = source(kernel)
        assert "float64" not in text[text.index("@kernel") :]
        machine = assembly(text, kernel_name(kernel))
        doubles = [line for line in machine.splitlines() if "cvtss2sd" in line or "cvtsd2ss" in line]
        assert not doubles


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
