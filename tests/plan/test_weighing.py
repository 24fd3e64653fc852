from nbgrad.ops.sliding import positions
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.weighing import conv_weight_grad, reach
from nbgrad.plan.windowing import Walk


def options(ndim, padding=0, groups=1):
    return {"stride": (1,) * ndim, "padding": ((padding, padding),) * ndim, "dilation": (1,) * ndim, "groups": groups}


def layouts(x, w, attrs):
    out = positions(x[2:], w[2:], attrs["stride"], attrs["padding"], attrs["dilation"])
    return packed(x, "float32"), packed(w, "float32"), packed((x[0], w[0], *out), "float32")


def loops(plan):
    return [s.kernel.loop for s in plan.steps]


def test_the_weight_gradient_adds_chunks_of_images():
    attrs = options(2, padding=1)
    x, w, y = layouts((64, 32, 28, 28), (32, 32, 3, 3), attrs)
    plan = conv_weight_grad((x, y), {**attrs, "window": (3, 3)}, w)
    assert loops(plan) == ["conv_weight_sums", "conv_weight_join"]
    assert plan.steps[-1].words[1] > 1
    assert plan.steps[0].tiles >= 16


def test_few_channels_per_group_are_dot_products():
    attrs = options(1, groups=64)
    x, w, y = layouts((4, 64, 50), (64, 1, 3), attrs)
    assert loops(conv_weight_grad((x, y), {**attrs, "window": (3,)}, w)) == ["conv_weight_dots"]
    attrs = options(1)
    x, w, y = layouts((64, 4, 4096), (2, 4, 3), attrs)
    plan = conv_weight_grad((x, y), {**attrs, "window": (3,)}, w)
    assert loops(plan) == ["conv_weight_dots", "conv_weight_add"]


def test_dot_products_need_positions_side_by_side():
    attrs = options(1, groups=64)
    x, w, y = layouts((4, 64, 50), (64, 1, 3), attrs)
    y = Layout(y.shape, (64 * 48, 1, 64), y.dtype)
    assert loops(conv_weight_grad((x, y), {**attrs, "window": (3,)}, w))[0] == "conv_weight_sums"


def test_no_images_give_zeros():
    attrs = options(1)
    x, w, y = layouts((0, 2, 5), (3, 2, 2), attrs)
    plan = conv_weight_grad((x, y), {**attrs, "window": (2,)}, w)
    assert plan.steps == ()
    assert plan.zero


def test_reach_counts_from_the_first_place_to_the_last():
    assert reach(Walk(20, 3, 0, 2, 3, 5), 4) == 3 * 2 + 2 * 3 + 1
