from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.pooling import TILES, pool_max, pool_pick, pool_unpick

ATTRS = {"window": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
X, Y = packed((64, 32, 28, 28), "float32"), packed((64, 32, 14, 14), "float32")


def test_the_work_is_shared_over_tiles():
    for plan in (pool_max((X,), ATTRS, Y), pool_pick((X, X), ATTRS, Y), pool_unpick((Y, X), ATTRS, X)):
        assert 8 < plan.steps[0].tiles <= TILES


def test_a_step_known_to_the_compiler_is_part_of_the_kernel():
    wide = {**ATTRS, "window": (3, 3), "padding": ((1, 0), (1, 0))}
    assert pool_max((X,), wide, Y).steps[0].kernel.static == ("float32", 2)
    x = Layout(X.shape, (*X.strides[:3], 3), "float32")
    assert pool_max((x,), ATTRS, Y).steps[0].kernel.static == ("float32", 0)


def test_windows_that_tile_their_input_have_loops_of_their_own():
    for plan in (pool_max((X,), ATTRS, Y), pool_unpick((Y, X), ATTRS, X)):
        assert plan.steps[0].kernel.loop.endswith("_tiled")
        assert not plan.scratch
    for other in ({**ATTRS, "stride": (1, 1)}, {**ATTRS, "padding": ((1, 1), (1, 1))}):
        assert not pool_max((X,), other, Y).steps[0].kernel.loop.endswith("_tiled")


def test_nothing_gives_zeros():
    x, y = packed((0, 2, 28, 28), "float32"), packed((0, 2, 14, 14), "float32")
    assert pool_unpick((y, x), ATTRS, x).zero
    assert pool_max((x,), ATTRS, y).steps == ()
