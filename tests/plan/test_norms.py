"""Plans of normalisations: rows, chunks of rows with sums of their own, and how those are joined."""

import pytest

from nbgrad.plan.norms import CHUNKS, rows_of, word_of
from nbgrad.plan.plan import packed, planners

ATTRS = {"axis": 1, "groups": 0, "eps": 1e-5, "centered": True}


def gradients(shape, pairs, **attrs):
    x, w = packed(shape, "float32"), packed((pairs,), "float32")
    return planners["standardize_scaled_grad"][0]((x, x, w), {**ATTRS, **attrs}, (x, w, w))


def test_a_word_holds_a_float():
    assert word_of(0.0) == 0
    assert word_of(1.0) == 0x3FF0000000000000
    assert word_of(-0.0) == -(2**63)


def test_rows_and_groups():
    assert rows_of((4, 6, 5), ATTRS) == (4, 30, 1, 30)
    assert rows_of((4, 6, 5), {**ATTRS, "axis": 2}) == (24, 5, 1, 5)
    assert rows_of((4, 6, 5), {**ATTRS, "groups": 2}) == (8, 15, 2, 3)


def test_sums_are_split_by_size_alone_and_into_few_chunks():
    first, last = gradients((64, 1024), 1024).steps
    assert first.tiles == 4
    assert last.words[:2] == (4, 1024)
    assert gradients((1 << 20, 8), 8).steps[0].tiles <= CHUNKS


def test_pairs_of_runs_need_sums_in_float64_only():
    plan = gradients((8, 32, 28, 28), 32, groups=8)
    assert [dtype for _, dtype in plan.scratch] == ["float64", "float64"]
    assert plan.steps[0].kernel.static == (True, 2)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_gradients_of_nothing_are_still_written(shape):
    plan = gradients(shape, shape[1])
    assert plan.steps[-1].kernel.loop == "join_sums"
    assert plan.steps[-1].words[0] == 0
