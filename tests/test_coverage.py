"""Every row of the table, forward and backward, on a device against the CPU; its kernels as PTX; and how that is told."""

import importlib.util

import numpy as np
import pytest

from nbgrad import coverage
from nbgrad.coverage import Answer, answer, asked, coverage_text, difference, kernels, results
from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.samples import samples
from nbgrad.target.cuda.ptx import ARCHITECTURES

EVERY = [op for found in rows().values() for op in found]
ELEMENTWISE = [op.name for op in EVERY if op.kind == "elementwise"]


@pytest.mark.cuda
@pytest.mark.parametrize("op", EVERY, ids=lambda op: op.name)
def test_rows_and_their_gradients_are_the_cpu_s(op):
    assert difference(op, "cuda") == ""


@pytest.mark.slow
@pytest.mark.cuda
@pytest.mark.parametrize("op", EVERY, ids=lambda op: op.name)
def test_rows_and_their_gradients_are_the_cpu_s_in_float64(op):
    assert difference(op, "cuda", "float64") == ""


def compiled(names, dtype="float32", architectures=ARCHITECTURES):
    """Check that the kernels of rows compile to PTX, in a process with a package that compiles."""
    found = list(asked(("ptx",), names, dtype, architectures))
    if found[0].op == "":
        pytest.skip(found[0].why)
    assert found == [Answer("ptx", name) for name in names]


OTHERS = [op.name for op in EVERY if op.kind != "elementwise"]
PIECES = {  # a compilation takes a quarter of a second or more: some rows of each kind here, all of them where all dtypes are
    "elementwise rows for sm_90": (ELEMENTWISE[::2], (9, 0)),
    "other rows for sm_90": (OTHERS[::4], (9, 0)),
    "some of each kind for sm_80": ([*ELEMENTWISE[1::15], "sum", "softmax", "take_rows", "linear", "pool_max"], (8, 0)),
}


@pytest.mark.cuda
@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda")
@pytest.mark.parametrize(("names", "architecture"), PIECES.values(), ids=PIECES)
def test_kernels_compile_for_gpus(names, architecture):
    compiled(names, architectures=(architecture,))


@pytest.mark.slow
@pytest.mark.cuda
@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda")
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_kernels_of_all_dtypes_compile_for_gpus(dtype):
    number = lambda op: set(op.accepts) & {"any", "number", "integer"}
    compiled([op.name for op in EVERY if "float" in dtype or number(op)], dtype)


def test_results_are_outputs_and_gradients():
    (sample,) = samples(table["tanh"], "float64")
    out, grad = results(table["tanh"], sample)
    np.testing.assert_allclose(out, np.tanh(sample.arrays[0]))
    weights = np.arange(1, 36).reshape(5, 7) / 35
    np.testing.assert_allclose(grad, weights * (1 - out**2))
    assert len(results(table["less"], next(samples(table["less"])))) == 1  # no gradient
    assert len(results(table["where"], next(samples(table["where"])))) == 3  # of two of its three
    shapes = [a.shape for a in results(table["channel_sums"], next(samples(table["channel_sums"])))]
    assert shapes == [(4,), (4,), (3, 4, 5), (3, 4, 5), (4,)]  # two results


def test_a_wrong_number_is_noticed(monkeypatch):
    op, told = table["tanh"], coverage.results
    assert difference(op, "cpu") == ""
    for change, message in [
        (lambda a: a + 1e-3, "array 0 differs"), (lambda a: a.astype("float64"), "array 0 is float64"),
        (lambda a: a[:1], r"array 0 is float32[1, 7], not float32[5, 7]"), (lambda a: a * np.nan, "array 0 differs"),
    ]:  # fmt: skip
        wrong = lambda op, s, device="cpu", change=change: [change(a) if device == "cuda" else a for a in told(op, s)]
        monkeypatch.setattr(coverage, "results", wrong)
        assert difference(op, "cuda").startswith(message)


def test_kernels_are_those_of_both_ways():
    assert [(k.loop, k.dtypes) for k in kernels(table["tanh"])] == [("map", ("float32",) * 2), ("map", ("float32",) * 3)]
    assert {"softmax_lines", "softmax_grad_lines"} <= {k.loop for k in kernels(table["softmax"])}


def test_what_is_raised_is_the_answer(monkeypatch):
    monkeypatch.setattr(coverage, "kernels", lambda op, dtype: 1 / 0)
    assert answer(table["tanh"], "ptx") == Answer("ptx", "tanh", "ZeroDivisionError: division by zero")


def test_targets_answer_in_processes_of_their_own():
    found = list(asked(("cpu", "simulator"), ["tanh", "sum"]))
    assert found == [Answer(t, n) for t in ("cpu", "simulator") for n in ("tanh", "sum")]


def test_the_table_says_what_is_missing_and_why(monkeypatch):
    told = [
        Answer("cpu", "tanh"), Answer("cpu", "sum"), Answer("simulator", "tanh"), Answer("simulator", "sum", "KernelError: no loop"),
        Answer("ptx", "tanh"), Answer("ptx", "sum"), Answer("device", "", "there is no NVIDIA driver"),
    ]  # fmt: skip
    monkeypatch.setattr(coverage, "asked", lambda targets, names, dtype: iter(told))
    seen = []
    text = coverage_text(["tanh", "sum"], progress=lambda done, total: seen.append((done, total)))
    assert text.splitlines() == [
        "op    CPU  simulator  PTX  device",
        "tanh  yes  yes        yes  -",
        "sum   yes  no         yes  -",
        "  simulator: KernelError: no loop",
        "",
        "CPU: 2 of 2 rows",
        "simulator: 1 of 2 rows",
        "PTX: 2 of 2 rows",
        "device: not there; there is no NVIDIA driver",
    ]
    assert seen == [*[(i, 8) for i in range(1, 8)], (8, 8)]
