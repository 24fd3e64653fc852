"""The backward: sums over uses, un-broadcasting, dtypes, in-place writes that it must notice."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError


def test_a_value_used_twice_gets_both_gradients():
    x = ng.tensor(3.0, requires_grad=True)
    (x * x + x).backward()
    assert x.grad.item() == 7.0


def test_gradients_add_up_over_backwards():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    (x * 2.0).sum().backward()
    (x * 3.0).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [5.0, 5.0])


def test_two_leaves_never_share_the_memory_of_a_gradient():
    x, y = ng.tensor([1.0], requires_grad=True), ng.tensor([1.0], requires_grad=True)
    (x + y).sum().backward()
    assert not np.shares_memory(x.grad.numpy(), y.grad.numpy())


@pytest.mark.parametrize(("a", "b"), [((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 1, 3), (5, 1))])
def test_broadcasting_is_undone(a, b, rng):
    ng.gradcheck(lambda x, y: x * y, rng.standard_normal(a), rng.standard_normal(b), order=2, directions=1)


def test_a_gradient_has_the_dtype_of_its_leaf():
    x = ng.tensor(np.ones(2, "float32"), requires_grad=True)
    y = ng.tensor(np.ones(2, "float64"), requires_grad=True)
    z = x * y
    assert z.dtype == "float64"
    z.sum().backward()
    assert x.grad.dtype == "float32"
    assert y.grad.dtype == "float64"


def test_integers_carry_no_gradient():
    with pytest.raises(ng.DtypeError, match="cannot have a gradient"):
        ng.tensor([1, 2], requires_grad=True)
    with pytest.raises(ng.DtypeError, match="gradients are of floats"):
        ng.grad(lambda x: x * x)(2)


def test_backward_from_an_array_needs_a_gradient():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(GradientError, match="a gradient is of a scalar"):
        (x * 2.0).backward()
    (x * 2.0).backward(ng.tensor([1.0, 10.0]))
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 20.0])


def test_backward_from_a_constant_says_so():
    with pytest.raises(GradientError, match="nothing that requires a gradient"):
        ng.tensor(1.0).backward()


def test_a_write_to_what_the_backward_reads_is_noticed():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2.0
    z = (y * y).sum()
    y += 1.0
    with pytest.raises(GradientError, match="written in place"):
        z.backward()


def test_a_write_to_what_nobody_reads_is_fine():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2.0
    z = (y + 1.0).sum()
    y += 1.0
    z.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 2.0])


def test_a_write_through_a_numpy_view_of_a_detached_tensor_is_the_users_own():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2.0
    z = (y * y).sum()
    y.detach()[0] = 5.0
    with pytest.raises(GradientError, match="written in place"):
        z.backward()


def test_where_stops_the_gradient_of_the_dead_side():
    x = np.array([-1.0, 0.0, 4.0])
    g = ng.grad(lambda x: ng.where(x > 0, ng.sqrt(x), 0.0).sum())(x)
    np.testing.assert_array_equal(g.numpy(), [0.0, 0.0, 0.25])


def test_second_derivative_at_a_zero_gradient():
    h = ng.grad(ng.grad(lambda x: (x - 3.0) ** 2))(3.0)
    assert h.item() == 2.0
