"""Neighbours become one kernel where they can, and only there."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.calls import Stop
from nbgrad.plan.fuse import fuse
from tests.plan.records import with_constants


def works(record_of, f, *arrays):
    """Return the names of the rows of each work."""
    record, slots = with_constants(*record_of(f, *arrays)[:2])
    found = fuse(record.calls, slots, record.results)
    return [("stop",) if isinstance(w, Stop) else tuple(op.name for op in w.ops) for w in found]


X = np.arange(16.0).reshape(4, 4)
CASES = {
    "chain": (lambda x: ng.exp(x * 2.0) + 1.0, [("mul", "exp", "add")]),
    "two readers": (lambda x: (ng.exp(x), ng.sin(x)), [("exp", "sin")]),
    "strangers": (lambda x, y: (ng.exp(x), ng.sin(y)), [("exp",), ("sin",)]),
    "flat": (lambda x: ng.exp(x).reshape(16) * 2.0, [("exp", "mul")]),
    "turned": (lambda x: ng.exp(x).T * x, [("exp",), ("mul",)]),
    "shifted": (lambda x: ng.exp(x)[1:] * 2.0, [("exp",), ("mul",)]),
    "reduced": (lambda x: ng.exp(x).sum(axis=0) * 2.0, [("exp",), ("sum",), ("mul",)]),
    "around a reduction": (lambda x: ng.exp(x) / (ng.exp(x) * 2.0).sum(), [("exp", "exp", "mul", "sum"), ("div",)]),
}


@pytest.mark.parametrize("name", CASES)
def test_works(name, record_of):
    f, want = CASES[name]
    assert sorted(works(record_of, f, *[X] * f.__code__.co_argcount)) == sorted(want)


WIDE = np.linspace(-1.0, 1.0, 2000).reshape(40, 50)
REDUCED = {
    "rows before": (lambda x: (ng.exp(x) * 2.0).mean(), [("exp", "mul", "mean")]),
    "stored and folded": (lambda x: (ng.exp(x), ng.exp(x).sum(axis=0)), [("exp", "exp", "sum")]),
    "several of one value": (lambda x: (ng.exp(x).sum(axis=1), ng.exp(x).max(axis=1)), [("exp", "sum", "exp", "max")]),
    "of other axes": (lambda x: (ng.exp(x).sum(axis=1), ng.exp(x).max(axis=0)), [("exp", "sum", "exp"), ("max",)]),
    "of what is read": (lambda x: (x.sum(axis=1), ng.exp(x).max(axis=1)), [("sum", "exp", "max")]),
    "alone": (lambda x: (x.sum(axis=1), x.max(axis=1)), [("sum",), ("max",)]),
    "read again": (lambda x: ng.exp(x) / ng.exp(x).sum(axis=1, keepdims=True), [("exp", "exp", "sum"), ("div",)]),
    "turned": (lambda x: ng.exp(x).T.sum(axis=0), [("exp",), ("sum",)]),
    "a part": (lambda x: ng.exp(x)[1:].sum(axis=0), [("exp",), ("sum",)]),
    "flat": (lambda x: ng.exp(x).reshape(-1).sum(), [("exp", "sum")]),
    "of a reduction": (lambda x: ng.exp(ng.exp(x).sum(axis=1)).sum(), [("exp", "sum"), ("exp", "sum")]),
}


FOLLOWING = {
    "root of squares": (lambda x: ng.sqrt((x * x).sum(axis=1)) * 0.5, [("mul", "sum", "sqrt", "mul")]),
    "of two results": (lambda x: ng.exp(x).sum(axis=1) / ng.exp(x).max(axis=1), [("exp", "sum", "exp", "max", "div")]),
    "with numbers": (lambda x: ng.exp(x).mean(axis=0) * x[0, 0], [("exp", "mean", "mul")]),
    "with an array": (lambda x: ng.exp(x).mean(axis=1) * x[:, 0], [("exp", "mean"), ("mul",)]),  # not in one piece
    "read again": (lambda x: x / ng.sqrt((x * x).mean(axis=1, keepdims=True)), [("mul", "mean", "sqrt"), ("div",)]),
    "not of floats": (lambda x: ng.exp(x).sum(axis=1) > 1.0, [("exp", "sum"), ("greater",)]),
    "alone": (lambda x: ng.sqrt(x.sum(axis=1)), [("sum", "sqrt")]),
    "alone and turned": (lambda x: ng.sqrt(x.T.max(axis=1)), [("max", "sqrt")]),
    "two behind": (lambda x: (ng.exp(x).sum(axis=1) * 2.0, ng.exp(x).sum(axis=1) + 1.0), [("exp", "sum", "exp", "sum", "mul", "add")]),
    "onto what was folded": (lambda x: ng.exp(x).sum(axis=1)[::-1] * 2.0, [("exp", "sum"), ("mul",)]),
}


@pytest.mark.parametrize("name", FOLLOWING)
def test_a_few_calls_follow_reductions_in_their_kernel(name, record_of):
    f, want = FOLLOWING[name]
    assert sorted(map(sorted, works(record_of, f, WIDE))) == sorted(map(sorted, want))


def test_many_calls_do_not_follow(record_of):
    def f(x):
        y = ng.exp(x).sum(axis=1)
        for i in range(12):
            y = y * 1.5 + float(i)
        return y

    assert len(works(record_of, f, WIDE)) == 2


@pytest.mark.parametrize("name", REDUCED)
def test_reductions_join_the_rows_before_them(name, record_of):
    f, want = REDUCED[name]
    assert sorted(map(sorted, works(record_of, f, WIDE))) == sorted(map(sorted, want))


def test_what_only_a_reduction_reads_is_not_stored(record_of):
    record, slots = with_constants(*record_of(lambda x: ((x * 2.0).sum(), ng.exp(x)), WIDE)[:2])
    (work,) = fuse(record.calls, slots, record.results)
    assert sorted(w.layout.size for w in work.writes) == [1, WIDE.size]


def test_what_is_written_over_is_read_before(record_of):
    held = ng.tensor(X.copy())

    def f(x):
        before = held * 2.0
        held[...] = x + 1.0
        return before + held

    names = works(record_of, f, X)
    assert names == [("mul", "add", "copy", "add")] or [n for w in names for n in w].index("mul") < [n for w in names for n in w].index("copy")


def test_long_chains_are_cut(record_of):
    def f(x):
        for i in range(400):
            x = x * 1.5 + float(i)
        return x

    found = works(record_of, f, X)
    assert len(found) > 1
    assert max(map(len, found)) <= 160
