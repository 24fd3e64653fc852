import pytest

from nbgrad.ops.sliding import positions
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.windowing import conv_input_grad, conv_output, conv_weight_grad, pool_argmax, remainders


def options(ndim, stride=1, padding=0, dilation=1, groups=1):
    return {"stride": (stride,) * ndim, "padding": ((padding, padding),) * ndim, "dilation": (dilation,) * ndim, "groups": groups}


def layouts(x, w, attrs):
    out = positions(x[2:], w[2:], attrs["stride"], attrs["padding"], attrs["dilation"])
    return packed(x, "float32"), packed(w, "float32"), packed((x[0], w[0], *out), "float32")


def loops(plan):
    return [s.kernel.loop for s in plan.steps]


def test_an_input_without_padding_is_read_where_it_is():
    attrs = options(2)
    x, w, y = layouts((8, 3, 28, 28), (16, 3, 3, 3), attrs)
    plan = conv_output((x, w), attrs, y)
    assert loops(plan) == ["window_product"]
    assert plan.steps[0].pointers[:3] == (1, 0, 2)


def test_padding_strides_and_gaps_need_a_padded_copy():
    for attrs in (options(2, padding=1), options(2, stride=2)):
        x, w, y = layouts((8, 3, 28, 28), (16, 3, 3, 3), attrs)
        assert loops(conv_output((x, w), attrs, y)) == ["window_pad", "window_product"]
    attrs = options(2)
    x, w, y = layouts((8, 3, 28, 28), (16, 3, 3, 3), attrs)
    x = Layout(x.shape, (x.strides[0], 1, 84, 3), x.dtype)
    assert loops(conv_output((x, w), attrs, y)) == ["window_pad", "window_product"]


def test_the_input_gradient_has_one_product_per_remainder():
    for stride, count in ((1, 1), (2, 4), (3, 9)):
        attrs = options(2, stride=stride, padding=1)
        x, w, y = layouts((2, 3, 28, 28), (16, 3, 3, 3), attrs)
        assert loops(conv_input_grad((y, w), attrs, x)).count("window_product") == count


def test_the_weight_gradient_adds_chunks_of_images():
    attrs = options(2, padding=1)
    x, w, y = layouts((64, 1, 28, 28), (32, 1, 3, 3), attrs)
    plan = conv_weight_grad((x, y), {**attrs, "window": (3, 3)}, w)
    assert loops(plan) == ["window_pad", "window_transpose", "window_weight_product", "window_join"]
    assert plan.steps[-1].words[0] > 1
    assert plan.steps[2].tiles >= 4


def test_gradients_with_channels_last_are_not_turned():
    attrs = options(2)
    x, w, y = layouts((4, 8, 10, 10), (16, 8, 3, 3), attrs)
    y = Layout(y.shape, (16 * 64, 1, 128, 16), y.dtype)
    assert loops(conv_weight_grad((x, y), {**attrs, "window": (3, 3)}, w)) == ["window_weight_product", "window_join"]


def test_many_small_groups_are_multiplied_side_by_side():
    attrs = options(1, groups=32)
    x, w, y = layouts((4, 32, 50), (32, 1, 3), attrs)
    assert "window_weight_groups" in loops(conv_weight_grad((x, y), {**attrs, "window": (3,)}, w))


@pytest.mark.parametrize("size", [1, 5, 8])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [1, 3])
def test_remainders_cover_every_place_and_cell_once(size, stride, window):
    found = remainders(size, window, stride, 1, 2)
    assert sum(count for _, count, _ in found) == size
    cells = sorted(k for _, _, own in found for k, _ in own)
    assert set(cells) <= set(range(window))
    for r, _, own in found:
        assert all((r + 1 - 2 * k) == stride * shift for k, shift in own)


def test_nothing_gives_zeros():
    attrs = options(1)
    x, w, y = layouts((0, 2, 5), (3, 2, 2), attrs)
    for plan in (conv_output((x, w), attrs, y), conv_input_grad((y, w), attrs, x), conv_weight_grad((x, y), {**attrs, "window": (2,)}, w)):
        assert plan.steps == ()
        assert plan.zero


def test_pooling_is_shared_over_tiles():
    attrs = {k: v for k, v in options(2, stride=2).items() if k != "groups"}
    plan = pool_argmax((packed((64, 32, 28, 28), "float32"),), {**attrs, "window": (2, 2)}, packed((64, 32, 14, 14), "int64"))
    assert plan.steps[0].tiles > 8
