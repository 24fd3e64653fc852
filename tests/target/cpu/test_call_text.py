"""Kernels that call compiled functions: each kind of argument and of result, copies, what the status says."""

import ctypes

import numpy as np
import pytest
from numba import njit

from nbgrad.ad.statements import Array, Group, Scalar
from nbgrad.base.errors import KernelError
from nbgrad.plan.calling import plan_call, room
from nbgrad.plan.plan import packed
from nbgrad.target.cpu.call_text import numba_type, parts
from nbgrad.target.cpu.kernels import address, source
from nbgrad.target.cpu.plain import run_plain
from nbgrad.target.functions.entry import Entry


def kind(a):
    return Array(a.dtype.name, a.ndim) if a.ndim else Scalar(a.dtype.name)


def called(f, given, shapes, changed=()):
    """Run the kernel that calls `f` on arrays (a tuple of them is a tuple); return (status, results)."""
    given = [tuple(map(np.asarray, v)) if isinstance(v, tuple) else np.asarray(v) for v in given]
    kinds = tuple([Group(tuple(map(kind, v))) if isinstance(v, tuple) else kind(v) for v in given])
    arrays = [a for v in given for a in (v if isinstance(v, tuple) else (v,))]
    entry = Entry(f, kinds)
    results = [(shape, k.dtype) for shape, (k, _) in zip(shapes, parts(entry.result, ""), strict=True)]
    plan = plan_call(entry, kinds, changed, [packed(a.shape, a.dtype.name) for a in arrays], results, room(results))
    (step,) = plan.steps
    outs = [np.zeros(shape, dtype) for shape, dtype in zip(plan.shape, plan.dtype)]
    buffers = [*arrays, *outs, *[np.zeros(*s) for s in plan.scratch]]
    block = np.array([*[b.ctypes.data for b in buffers], *map(int, step.words)], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(address(step.kernel))(block.ctypes.data, 0)
    return outs[-1].tolist(), outs[:-1]


@njit
def mixed(m, flag, pair, count):
    m[0, 0] = 7.0
    return m.T, (m * pair[0], pair[1][::2]), flag, count + 1, np.array(m.sum()), m > 1.0


def test_arguments_and_results():
    m, v = np.arange(6.0).reshape(2, 3), np.arange(4, dtype=np.float32)
    status, found = called(mixed, (m, True, (m, v), np.int16(4)), ((3, 2), (2, 3), (2,), (), (), (), (2, 3)), (0,))
    assert status[0] == 0 and m[0, 0] == 0.0
    changed = m.copy()
    changed[0, 0] = 7.0
    for a, b in zip(found, (changed.T, changed * m, v[::2], True, 5, changed.sum(), changed > 1.0), strict=True):
        np.testing.assert_array_equal(a, b)


@njit
def refusing(x, n):
    if n == 1:
        raise ValueError("one")
    return np.zeros((x.size, n)), x


def test_what_the_status_says():
    x = np.ones(2)
    assert called(refusing, (x, 3), ((2, 3), (2,)))[0][0] == 0
    status, _ = called(refusing, (x, 1), ((2, 3), (2,)))
    assert status[0] == 1 and status[1] > 0 and status[2] != 0
    status, found = called(refusing, (x, 4), ((2, 3), (2,)))
    assert status == [2, 2, 4] and not found[0].any()


def test_kernels_have_no_meaning_in_plain_python():
    entry = Entry(refusing, (Array("float64", 1), Scalar("int64")))
    plan = plan_call(entry, (Array("float64", 1), Scalar("int64")), (), (packed((2,), "float64"), packed((), "int64")),
                     [((2, 3), "float64"), ((2,), "float64")], 3)  # fmt: skip
    with pytest.raises(KernelError, match="no meaning in plain Python"):
        run_plain(plan.steps[0].kernel, plan.steps[0].words, 1, [np.zeros(9)] * 5)
    assert "invoke(word(args, 5)" in source(plan.steps[0].kernel)


def test_types_as_text():
    assert numba_type(Scalar("bool")) == "types.boolean"
    assert [t for _, t in parts(Group((Scalar("bool"), Group((Scalar("int8"),)))), "x")] == ["x[0]", "x[1][0]"]
