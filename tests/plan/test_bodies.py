"""Calls as one body: what they read, what they keep, what is a number."""

import numpy as np

import nbgrad as ng
from nbgrad.plan.bodies import rows_of
from nbgrad.plan.mapping import Literal
from nbgrad.plan.members import Member
from tests.plan.records import with_constants

X = np.zeros((3, 4))


def rows(record_of, f, elsewhere, *arrays):
    recorder, refs, out = record_of(f, *arrays)
    record, slots = with_constants(recorder, refs)
    calls = list(map(Member.of, record.calls))
    return rows_of(calls, (3, 4), {calls[i].writes[0].slot for i in elsewhere}, slots), calls, out


def test_what_only_they_read_is_no_result(record_of):
    found, calls, _ = rows(record_of, lambda x: ng.exp(x * 2.0) + 1.0, [2], X)
    assert [op.name for op, *_ in found.body.calls] == ["mul", "exp", "add"]
    assert found.body.outs == (3,)
    assert found.reads == calls[0].reads[:1]
    assert [a for a in found.body.calls[0][1] if isinstance(a, Literal)] == [Literal(2.0)]


def test_an_array_read_twice_is_one_input(record_of):
    found, *_ = rows(record_of, lambda x, y: x * y + x, [1], X, X)
    assert len(found.reads) == 2
    assert found.layouts[2].shape == (3, 4)


def test_a_reduction_folds_a_value_of_the_body(record_of):
    found, *_ = rows(record_of, lambda x: ng.exp(x).sum(axis=0), [], X)
    (folded,) = found.body.reduced
    assert (folded.op.name, folded.value, found.body.outs) == ("sum", 1, ())
    alone, *_ = rows(record_of, lambda x: x.sum(axis=0), [], X)
    assert [op.name for op, *_ in alone.body.calls] == ["copy"]
