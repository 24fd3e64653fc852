"""How sums over channels are cut into what blocks of threads take."""

import pytest

from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.plans_norm import applied, columns_of, joined, sums

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("view", [(1, 1, 1), (100000, 64, 1), (32, 64, 49), (2, 3, 100000), (0, 3, 1), (3, 0, 1)])
def test_chunks_cover_the_outer_axis(view):
    step, (shape, dtype) = sums("channel_moments", ("float32",), (0,), 1, view)
    units, outer, channels, inner, per, blocks = step.words
    assert (outer, channels, inner) == view
    assert units == blocks * step.tiles
    assert step.tiles * per >= outer > (step.tiles - 1) * per or not channels
    assert (shape, dtype) == ((2 * max(1, step.tiles) * channels,), "float64")
    join = joined("join_sums", ("float64",) * 3, (1, 2, 3), step, view)
    assert join.words[1:] == (channels, step.tiles, max(1, channels), outer, inner)


@pytest.mark.parametrize("channels", [1, 3, 32, 1000])
def test_channels_that_lie_side_by_side_share_a_block(channels):
    together, blocks = columns_of(channels)
    side = package().threads // together
    assert side * blocks >= channels > side * (blocks - 1)


@pytest.mark.parametrize("view", [(100, 5, 1), (4, 5, 7)])
def test_a_pass_covers_everything(view):
    step = applied("channel_scale", "float32", (0, 1, 2), view)
    units, outer, channels, inner, per, blocks = step.words
    together = step.kernel.static[0]
    if inner == 1:
        assert units == blocks * -(-outer // per)
    else:
        assert units * (package().threads // together) >= outer * channels
