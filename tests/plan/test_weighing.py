from nbgrad.ops.sliding import positions
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.weighing import conv_weight_grad


def options(ndim, padding=0, groups=1):
    return {"stride": (1,) * ndim, "padding": ((padding, padding),) * ndim, "dilation": (1,) * ndim, "groups": groups}


def layouts(x, w, attrs):
    out = positions(x[2:], w[2:], attrs["stride"], attrs["padding"], attrs["dilation"])
    return packed(x, "float32"), packed(w, "float32"), packed((x[0], w[0], *out), "float32")


def loops(plan):
    return [s.kernel.loop for s in plan.steps]


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


def test_no_images_give_zeros():
    attrs = options(1)
    x, w, y = layouts((0, 2, 5), (3, 2, 2), attrs)
    plan = conv_weight_grad((x, y), {**attrs, "window": (2,)}, w)
    assert plan.steps == ()
    assert plan.zero
