"""Every row of the table, forward and backward, on a device against the CPU; its kernels as PTX; and how that is told."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nbgrad import coverage
from nbgrad.base.config import config
from nbgrad.coverage import Answer, answer, asked, coverage_text, difference, kernels, results
from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.plan.mapping import Body
from nbgrad.plan.plan import Kernel
from nbgrad.samples import samples
from nbgrad.target.cuda.kernels import function
from nbgrad.target.cuda.ptx import ptx

ROOT = Path(__file__).parent.parent
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


def compiled(names, dtype="float32"):
    """Check that the kernels of rows compile to PTX, in a process with a package that compiles."""
    found = list(asked(("ptx",), names, dtype))
    if found[0].op == "":
        pytest.skip(found[0].why)
    assert found == [Answer("ptx", name) for name in names]


OTHERS = [op.name for op in EVERY if op.kind != "elementwise"]
NEEDS_COMPILER = pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda")


@pytest.mark.cuda
@NEEDS_COMPILER
def test_the_compiler_answers_row_by_row():
    compiled(["tanh", "softmax"])


def together(found, most=8):
    """Return kernels in which rows on the same operands stand together, as those of a function do: the rest of a kernel takes the
    compiler four times as long as a row."""
    alike, folds, kept = {}, {}, []
    for kernel in found:
        reduced = getattr(kernel.body, "reduced", ())
        if kernel.loop == "map" and len(set(kernel.dtypes[:-1])) == 1 and kernel.static == ("1" * len(kernel.dtypes), False):
            alike.setdefault(kernel.dtypes, []).append(kernel.body)
        elif len(reduced) == 1 and len(kernel.dtypes) == 2 and kernel.body == Body((), (), reduced=reduced):
            folds.setdefault((kernel.loop, kernel.dtypes[0], kernel.static), []).append(reduced[0])
        else:
            kept.append(kernel)
    for (*inputs, out), ops in alike.items():
        n = len(inputs)
        for some in pieces(ops, most):
            body = Body(tuple([(op, tuple(range(n)), inputs[0], out) for op in some]), tuple(range(n, n + len(some))))
            kept.append(Kernel("map", (*inputs, *[out] * len(some)), body, ("1" * (n + len(some)), False)))
    for (loop, dtype, static), every in folds.items():
        for some in pieces(every, most // 2):
            kept.append(Kernel(loop, (dtype, *[r.out for r in some]), Body((), (), reduced=tuple(some)), static))
    return kept


def pieces(items, most):
    return [items[i : i + most] for i in range(0, len(items), most)]


def rows_in(found):
    """Return the rows that kernels call or fold."""
    calls = lambda body: [*body.calls, *body.reduced] if isinstance(body, Body) else [[body]]
    return {call[0] for kernel in found for call in calls(kernel.body)}


def compile_rows(names):
    """Compile the kernels of rows, forward and backward: in a process with a package that compiles.

    What numba-cuda makes of a kernel, nine tenths of its time, is the same for every architecture: LLVM's text, of which NVVM
    makes PTX for the second one too.
    """
    from numba.cuda.codegen import CUDACodeLibrary

    found = dict.fromkeys(kernel for name in names for kernel in kernels(table[name]))
    assert rows_in(together(found)) == rows_in(found)
    made, first = [], CUDACodeLibrary.get_asm_strs
    CUDACodeLibrary.get_asm_strs = lambda self, cc=None: made.append(self) or first(self, cc)
    for i, kernel in enumerate(together(found)):
        assert ".visible .entry" in ptx(kernel, (9, 0)), kernel.name
        older = made.pop().get_asm_str((8, 0))
        assert ".target sm_80" in older and ".visible .entry" in older, kernel.name
        if i % 30 == 0:
            function.cache_clear()
            assert unnamed(ptx(kernel, (8, 0))) == unnamed(older), kernel.name
    print(f"{len(found)} kernels")


def unnamed(text):
    """Return PTX without names, which Numba numbers, and comments."""
    return re.sub(r"\b_\w+|//.*", "", text)


@pytest.mark.cuda
@NEEDS_COMPILER
@pytest.mark.parametrize("kind", ["elementwise", "others"])
def test_kernels_of_all_rows_compile_for_gpus(kind):
    command = f"from tests.test_coverage import *; compile_rows({'ELEMENTWISE' if kind == 'elementwise' else 'OTHERS'})"
    done = subprocess.run([sys.executable, "-c", command], cwd=ROOT, env=config.environ(NUMBA_ENABLE_CUDASIM="0"), capture_output=True, text=True, check=False)
    assert done.stdout.strip().endswith("kernels"), done.stderr


@pytest.mark.slow
@pytest.mark.cuda
@NEEDS_COMPILER
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
