import numpy as np
import pytest

from nbgrad.base.errors import ArgumentError, ShapeError
from nbgrad.ops.sliding import adjoint_size, as_windows, pairs, positions, same_padding, spread, valid_cells


def test_spread_gives_one_per_axis():
    assert spread(2, 3, "stride", 1) == (2, 2, 2)
    assert spread([1, np.int64(2)], 2, "stride", 1) == (1, 2)


@pytest.mark.parametrize("value", [0, (1,), (1, 0), 1.5, "2"])
def test_spread_refuses(value):
    with pytest.raises(ArgumentError, match="stride"):
        spread(value, 2, "stride", 1)


def test_paddings():
    assert pairs(1, 2) == ((1, 1), (1, 1))
    assert pairs((1, 2), 2) == ((1, 1), (2, 2))
    assert pairs(((1, 2), (0, 3)), 2) == ((1, 2), (0, 3))
    with pytest.raises(ArgumentError, match="a pair per axis"):
        pairs(((1, 2),), 2)


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_gives_the_positions_it_promises(size, window, stride, dilation):
    options = as_windows((window,), stride, dilation, 1)
    ((before, after),) = padding = same_padding("same", (size,), (window,), options)
    assert positions((size,), (window,), (stride,), padding, (dilation,)) == (-(-size // stride),)
    assert after - before in (0, 1)


@pytest.mark.parametrize("padding", [0, 1, ((1, 0),), "same"])
@pytest.mark.parametrize(
    ("window", "stride", "dilation", "extra"), [(3, 1, 1, 0), (3, 2, 1, 1), (2, 3, 1, 2), (1, 3, 1, 0), (3, 2, 2, 0)]
)
def test_adjoint_size_is_a_size_that_gives_the_positions(padding, window, stride, dilation, extra):
    options = as_windows((window,), stride, dilation, 1)
    found, size = adjoint_size(padding, (4,), (window,), options, (extra,))
    assert positions(size, (window,), (stride,), found, (dilation,)) == (4,)
    if padding == "same":
        assert size == (4 * stride,)


def test_adjoint_size_of_nothing():
    with pytest.raises(ShapeError, match="leaves nothing"):
        adjoint_size(3, (2,), (3,), as_windows((3,), 1, 1, 1), (0,))


def test_window_that_does_not_fit():
    with pytest.raises(ShapeError, match="does not fit"):
        positions((2,), (3,), (1,), ((0, 0),), (1,))


def test_more_positions_than_any_memory_holds():
    with pytest.raises(ShapeError, match="have .* positions\n.*\n  try: less padding"):
        positions((4, 4), (2, 2), (1, 1), ((2**62, 2**62),) * 2, (1, 1))


def test_valid_cells_count_what_is_not_padding():
    assert valid_cells(3, 3, 1, (1, 1), 1, count=True).tolist() == [2, 3, 2]
    assert valid_cells(3, 3, 1, (1, 1), 1)
    assert not valid_cells(3, 2, 1, (2, 0), 1)
    assert not valid_cells(1, 2, 1, (1, 1), 2)
