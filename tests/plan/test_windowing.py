import numpy as np
import pytest

from nbgrad.ops.sliding import positions
from nbgrad.plan.host import get_host
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.windowing import Axis, Walk, conv_input_grad, conv_output, evenly, own_copies, remainders, rows_for


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


def in_place(plan):
    return plan.steps[-1].words[10 - 3] == 1


def test_an_input_without_padding_and_windows_of_one_cell_is_read_where_it_is():
    attrs = options(2)
    x, w, y = layouts((8, 3, 28, 28), (16, 3, 1, 1), attrs)
    plan = conv_output((x, w), attrs, y)
    assert loops(plan) == ["conv_weights", "conv_product"]
    assert in_place(plan)


def test_padding_strides_and_gaps_are_copied():
    for attrs in (options(2, padding=1), options(2, stride=2)):
        x, w, y = layouts((8, 3, 28, 28), (16, 3, 1, 1), attrs)
        assert not in_place(conv_output((x, w), attrs, y))
    attrs = options(2)
    x, w, y = layouts((8, 3, 28, 28), (16, 3, 1, 1), attrs)
    x = Layout(x.shape, (x.strides[0], 1, 84, 3), x.dtype)
    assert not in_place(conv_output((x, w), attrs, y))


def test_the_bias_is_a_pointer_of_the_packed_weights():
    attrs = options(2, padding=1)
    x, w, y = layouts((8, 3, 28, 28), (16, 3, 3, 3), attrs)
    plan = conv_output((x, w, packed((16,), "float32")), attrs, y)
    assert plan.steps[0].pointers == (1, 2, 4)
    assert plan.steps[1].pointers == (4, 0, 3)


def test_the_input_gradient_packs_weights_once_per_remainder_and_copies_the_rows_once():
    for stride, count in ((1, 1), (2, 4), (3, 9)):
        attrs = options(2, stride=stride, padding=1)
        x, w, y = layouts((2, 3, 28, 28), (16, 3, 3, 3), attrs)
        assert loops(conv_input_grad((y, w), attrs, x)) == ["conv_weights"] * count + ["conv_product"]


def test_remainders_that_no_cell_meets_stay_zero():
    attrs = options(2, stride=2)
    x, w, y = layouts((2, 3, 28, 28), (16, 3, 1, 1), attrs)
    plan = conv_input_grad((y, w), attrs, x)
    assert loops(plan) == ["conv_weights", "conv_product"]
    assert plan.zero


@pytest.mark.parametrize("size", [1, 5, 8])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_remainders_name_every_cell_that_meets_a_whole_position(size, stride, window, dilation):
    axis = Axis(size, window, 1, stride, 1, dilation)
    found = {}
    for a in remainders(axis):
        for q in range(a.positions):
            cells = [(a.cell + i * a.cell_step, a.first + q * a.step + i * a.apart) for i in range(a.cells)]
            found[a.start + q * a.pace] = cells
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
            assert all(len(s.words) < 200 for s in plan.steps)


def test_many_remainders_are_several_products():
    attrs = options(2, stride=8)
    x, w, y = layouts((1, 2, 64, 64), (3, 2, 8, 8), attrs)
    plan = conv_input_grad((y, w), attrs, x)
    assert loops(plan).count("conv_weights") == 64
    assert loops(plan).count("conv_product") == 3
    assert all(len(s.words) + len(s.pointers) <= 480 for s in plan.steps)


def test_scratch_of_very_large_windows_is_not_on_the_stack():
    for window, behind in ((3, False), (200_000, True)):
        attrs = options(1)
        x, w, y = layouts((1, 1, 300_000), (1, 1, window), attrs)
        plan = conv_output((x, w), attrs, y)
        assert (plan.steps[-1].words[28 - 3] > 0) == behind
        assert plan.scratch[0][0][0] > window
        assert plan.steps[-1].tiles <= 4 or not behind


def test_nothing_gives_zeros():
    attrs = options(1)
    x, w, y = layouts((0, 2, 5), (3, 2, 2), attrs)
    for plan in (conv_output((x, w), attrs, y), conv_input_grad((y, w), attrs, x)):
        assert plan.steps == ()
        assert plan.zero


def test_work_is_cut_for_many_threads_by_size_alone():
    attrs = options(2, padding=1)
    for shape in ((64, 32, 14, 14), (1, 64, 56, 56), (16, 64, 56, 56)):
        x, w, y = layouts(shape, (64, shape[1], 3, 3), attrs)
        assert conv_output((x, w), attrs, y).steps[-1].tiles >= 14


def test_panels_fit_the_number_of_rows():
    assert [rows_for(m) for m in (1, 2, 3, 4, 6, 8, 16, 64, 256)] == [1, 2, 3, 4, 6, 8, 8, 8, 8]
    assert all(-(-m // rows_for(m)) * rows_for(m) <= m + 7 for m in range(1, 300))


def test_cells_get_copies_of_their_own_where_the_ends_of_rows_would_cost_more():
    narrow, wide = (Walk(n, 3, -1, 1, 1, n) for n in (14, 1000))
    assert own_copies(64, narrow, narrow)
    assert not own_copies(64, wide, wide)
    assert not own_copies(1, narrow, narrow)


def test_blocks_are_even():
    assert [evenly(n, 10) for n in (1, 9, 10, 11, 25)] == [1, 9, 10, 6, 9]
    assert evenly(100, 40, 8) == 40


def test_copies_begin_with_a_vector_so_that_none_overwrites_another():
    for size, dtype in (((4, 4), "float32"), ((3, 3), "float64"), ((5, 7), "int8")):
        attrs = options(2, padding=1)
        x, w, y = (a._replace(dtype=dtype) for a in layouts((8, 16, *size), (32, 16, 3, 3), attrs))
        words = conv_output((x, w), attrs, y).steps[-1].words
        row, _, copy, plane, channel = words[49 - 3 : 54 - 3]
        lanes = get_host().vector_bytes // np.dtype(dtype).itemsize
        assert row == size[1]
        assert copy % lanes == 0 <= copy - (size[0] + 2) * row < lanes
        assert channel == plane == 3 * copy
