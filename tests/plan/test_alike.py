"""Records of one pattern are the same but for the lengths of axes; all else that decides keeps them apart."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.alike import pattern_of
from nbgrad.plan.members import Member
from tests.plan.records import with_constants


def pattern(record_of, f, *shapes, dtype="float32"):
    recorder, refs, _ = record_of(f, *[np.zeros(s, dtype) for s in shapes])
    record, slots = with_constants(recorder, refs)
    return pattern_of(list(map(Member.of, record.calls)), slots, {r.slot for r in record.results})


def layer(x, w):
    return ng.relu(x @ w).sum(axis=0) * 0.5


WHOLE = ((100, 64), (64, 48))


@pytest.mark.parametrize("rows", [101, 90, 127])
def test_another_length_is_the_same_pattern(rows, record_of):
    assert pattern(record_of, layer, *WHOLE) == pattern(record_of, layer, (rows, 64), (64, 48))


OTHERS = {
    "more than its power of two": ((128, 64), (64, 48)),
    "equal to another length": ((64, 64), (64, 48)),
    "one": ((1, 64), (64, 48)),
    "few": ((5, 64), (64, 48)),
    "in another order": ((100, 40), (40, 64)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_lengths_that_may_decide_are_other_patterns(name, record_of):
    assert pattern(record_of, layer, *WHOLE) != pattern(record_of, layer, *OTHERS[name])


def test_numbers_dtypes_axes_and_rows_are_part_of_it(record_of):
    shape, base = (100, 50), lambda x: ng.exp(x).sum(axis=0)
    found = [pattern(record_of, base, shape), pattern(record_of, base, shape, dtype="float64")]
    found += [pattern(record_of, f, shape) for f in (lambda x: ng.exp(x).sum(axis=1), lambda x: ng.sin(x).sum(axis=0))]
    found += [pattern(record_of, f, shape) for f in (lambda x: x * 2.0, lambda x: x * x, lambda x: x.T * 2.0, lambda x: x * x[:1])]
    assert None not in found
    assert len(set(found)) == len(found)


def test_parts_of_memory_have_none(record_of):
    assert pattern(record_of, lambda x: x[1:] * 2.0, (100, 50)) is None


def test_loops_have_none(record_of):
    assert pattern(record_of, lambda x: ng.scan(lambda c, v: (c + v, c), x[0] * 0.0, x * 2.0)[0], (5, 40)) is None
