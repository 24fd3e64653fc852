"""Groups found once hold for all records of a pattern: those of another size are the ones that would be found anew."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.plan import grouping
from nbgrad.plan.members import Member
from tests.plan.records import recorded, with_constants

STEPS = {
    "mlp": lambda x, w, v: ng.grad(lambda w, v: (ng.tanh(x @ w) @ v).mean(), argnums=(0, 1))(w, v),
    "norms": lambda x, w, v: ((x - x.mean(axis=1, keepdims=True)) / ng.sqrt((x * x).mean(axis=1, keepdims=True) + 1.0), ng.softmax(x @ w)),
    "gelu": lambda x, w, v: ng.grad(lambda w: (ng.gelu(x @ w) ** 2.0).sum())(w),
    "both ways": lambda x, w, v: (x @ w).T * 2.0 + ng.exp((x @ w).T),
    "folds": lambda x, w, v: (ng.exp(x).sum(axis=0) * v[:, 0].sum(), ng.exp(x).max(axis=0), (x * x).sum()),
    "columns": lambda x, w, v: x * w.sum(axis=1) + x[:, ::-1].mean(),
}


@given(name=st.sampled_from(sorted(STEPS)), sizes=st.tuples(*[st.integers(33, 63)] * 3), others=st.tuples(*[st.integers(33, 63)] * 3))
def test_remembered_groups_are_those_found_anew(name, sizes, others):
    for n, k, m in (sizes, others):
        arrays = [np.zeros(s) for s in ((n, k), (k, m), (m, 3))]
        recorder, refs, _ = recorded(STEPS[name], *arrays)
        record, slots = with_constants(recorder, refs)
        calls, kept = list(map(Member.of, record.calls)), {r.slot for r in record.results}
        assert grouping.groups_of(calls, slots, kept) == grouping._found(calls, slots, kept, True)


def test_groups_of_a_pattern_are_found_once(record_of, monkeypatch):
    found, found_anew = [], grouping._found
    monkeypatch.setattr(grouping, "_known", {})
    monkeypatch.setattr(grouping, "_found", lambda *args: found.append(1) or found_anew(*args))
    for rows in (64, 65, 100, 300):
        recorder, refs, _ = record_of(lambda x: ng.exp(x * 2.0), np.zeros((rows, 50)))
        record, slots = with_constants(recorder, refs)
        grouping.groups_of(list(map(Member.of, record.calls)), slots, {r.slot for r in record.results})
    assert len(found) == 2


def test_no_more_patterns_are_remembered_than_kept(record_of, monkeypatch):
    monkeypatch.setattr(grouping, "_known", {})
    monkeypatch.setattr(grouping, "KEPT", 2)
    for n in range(2, 8):
        recorder, refs, _ = record_of(lambda x: ng.exp(x * 2.0), np.zeros((n, 50)))
        record, slots = with_constants(recorder, refs)
        grouping.groups_of(list(map(Member.of, record.calls)), slots, {r.slot for r in record.results})
    assert len(grouping._known) == 2
