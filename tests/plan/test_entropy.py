"""Plans of cross entropy: rows or columns, and a join that also counts."""

from math import prod

import pytest

from nbgrad.plan.plan import packed, planners

ATTRS = {"axis": 1, "spread": 0.0, "ignored": None, "reduction": "mean", "logs": False}


def planned(shape, **attrs):
    attrs = {**ATTRS, **attrs}
    x, weight = packed(shape, "float32"), packed((shape[attrs["axis"]],), "float32")
    samples = tuple(n for i, n in enumerate(shape) if i != attrs["axis"])
    labels, stats = packed(samples, "int64"), packed((prod(samples) + 2,), "float64")
    loss = packed(samples if attrs["reduction"] == "none" else (), "float32")
    return planners["class_entropy"][0]((x, labels, weight), attrs, (loss, stats))


def test_a_small_batch_is_one_tile_and_a_join():
    first, join = planned((64, 10)).steps
    assert (first.kernel.loop, first.tiles) == ("entropy_rows", 1)
    assert (join.kernel.loop, join.words) == ("entropy_join", (1, 64))


def test_images_go_by_columns():
    plan = planned((16, 21, 64, 64))
    assert plan.steps[0].kernel.loop == "entropy_columns"
    assert plan.scratch[3][0][0] == plan.steps[0].tiles * 3 * plan.steps[0].words[7]


@pytest.mark.parametrize(("reduction", "static"), [("mean", (True, True)), ("sum", (False, True)), ("none", (False, False))])
def test_reductions(reduction, static):
    first, join = planned((512, 100), reduction=reduction).steps
    assert join.kernel.static == static
    assert (first.pointers[3] == 3) == (reduction == "none")


def test_options_are_words_where_no_text_changes():
    plain, ignoring = planned((64, 10)), planned((64, 10), ignored=-100)
    assert plain.steps[0].kernel == ignoring.steps[0].kernel
    assert ignoring.steps[0].words[3:5] == (-100, 1)
    assert planned((64, 10), spread=0.1).steps[0].kernel != plain.steps[0].kernel


def test_no_samples_leave_the_join():
    assert [s.kernel.loop for s in planned((0, 10)).steps] == ["entropy_join"]
