"""Plans of batch normalisation: chunks that fit into the cache, whatever the shape."""

import pytest

from nbgrad.plan.channels import CHUNK, CHUNKS, chunks_of, view_of
from nbgrad.plan.plan import packed, planners

SHAPES = [(64, 32, 784), (64, 128, 1), (100000, 8, 1), (1, 3, 1 << 20), (3, 5000, 1), (2, 100, 50000), (0, 4, 5)]


def test_views():
    assert view_of((2, 3, 4, 5), 1) == (2, 3, 20)
    assert view_of((2, 3, 4, 5), 3) == (24, 5, 1)


@pytest.mark.parametrize("view", SHAPES)
def test_chunks_cover_and_stay_few(view):
    outer, channels, inner = view
    per, chunks, block, blocks = chunks_of(*view)
    assert (chunks - 1) * per < max(1, outer) <= max(1, chunks) * per
    assert (blocks - 1) * block < channels <= blocks * block
    assert chunks <= CHUNKS
    assert inner == 1 or block == 1 or per * block * inner <= 2 * CHUNK or chunks == CHUNKS


def test_training_is_sums_a_join_and_one_pass():
    x, line, stats = packed((64, 32, 28, 28), "float32"), packed((32,), "float32"), packed((32,), "float64")
    attrs = {"axis": 1, "eps": 1e-5}
    plan = planners["batch_standardize"][0]((x, line, line), attrs, (x, stats, stats, stats))
    assert [s.kernel.loop for s in plan.steps] == ["channel_moments", "join_moments", "channel_scale"]
    plan = planners["batch_standardize_grad"][0]((x, x, line, stats, stats), attrs, (x, line, line))
    assert [s.kernel.loop for s in plan.steps] == ["channel_products", "join_products", "channel_grad"]
    assert plan.steps[0].tiles > 1


def test_evaluation_is_one_pass():
    x, line = packed((64, 32, 28, 28), "float32"), packed((32,), "float32")
    plan = planners["batch_rescale"][0]((x, line, line, line, line), {"axis": 1, "eps": 1e-5}, x)
    assert [s.kernel.loop for s in plan.steps] == ["channel_factors", "channel_scale"]


def test_sums_of_nothing_are_written():
    x, line = packed((0, 3), "float32"), packed((3,), "float32")
    plan = planners["channel_sums"][0]((x, x, line), {"axis": 1}, (line, line))
    assert [s.kernel.loop for s in plan.steps] == ["join_sums"]
