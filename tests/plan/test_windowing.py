import pytest

from nbgrad.ops.sliding import positions
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.windowing import Axis, conv_input_grad, conv_output, pool_argmax, remainders


def options(ndim, stride=1, padding=0, dilation=1, groups=1):
    return {
        "stride": (stride,) * ndim,
        "padding": ((padding, padding),) * ndim,
        "dilation": (dilation,) * ndim,
        "groups": groups,
    }


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


@pytest.mark.parametrize("size", [1, 5, 8])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_remainders_name_every_cell_that_meets_a_whole_position(size, stride, window, dilation):
    axis = Axis(size, window, 1, stride, 1, dilation)
    found = {}
    for r in remainders(axis):
        for q in range(r.places):
            cells = [(r.cell + i * r.step, q + r.first - i * r.shift) for i in range(r.cells)]
            found[stride * q + r.remainder] = cells
    expected = {
        p: [(k, (p + 1 - k * dilation) // stride) for k in range(window) if (p + 1 - k * dilation) % stride == 0]
        for p in range(size)
    }
    assert found == expected


def test_a_window_of_any_length_is_a_plan_of_few_words():
    for stride in (1, 3):
        attrs = options(1, stride=stride)
        x, w, y = layouts((1, 1, 5000), (1, 1, 2000), attrs)
        for plan in (conv_output((x, w), attrs, y), conv_input_grad((y, w), attrs, x)):
            assert all(len(s.words) < 100 for s in plan.steps)


def test_nothing_gives_zeros():
    attrs = options(1)
    x, w, y = layouts((0, 2, 5), (3, 2, 2), attrs)
    for plan in (conv_output((x, w), attrs, y), conv_input_grad((y, w), attrs, x)):
        assert plan.steps == ()
        assert plan.zero


def test_pooling_is_shared_over_tiles():
    attrs = {k: v for k, v in options(2, stride=2).items() if k != "groups"}
    plan = pool_argmax(
        (packed((64, 32, 28, 28), "float32"),), {**attrs, "window": (2, 2)}, packed((64, 32, 14, 14), "int64")
    )
    assert plan.steps[0].tiles > 8
