import math

import numpy as np
import pytest
import scipy.stats as stats

import nbgrad as ng
from nbgrad.nn import init

pytestmark = pytest.mark.usefixtures("seeded")

SHAPE = (200, 100)
FAN_IN, FAN_OUT = 100, 200
UNIFORM = {
    "xavier_uniform": math.sqrt(6 / (FAN_IN + FAN_OUT)),
    "kaiming_uniform": math.sqrt(6 / FAN_IN),
    "fan_in_uniform": math.sqrt(1 / FAN_IN),
}
NORMAL = {"xavier_normal": math.sqrt(2 / (FAN_IN + FAN_OUT)), "kaiming_normal": math.sqrt(2 / FAN_IN), "normal": 1.0}


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_ones_fill_their_bounds(name):
    values = getattr(init, name)(SHAPE, dtype="float64").numpy().ravel()
    bound = UNIFORM[name]
    assert stats.kstest(values, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-3
    assert abs(values).max() <= bound


@pytest.mark.parametrize("name", NORMAL)
def test_normal_ones_have_their_spread(name):
    values = getattr(init, name)(SHAPE, dtype="float64").numpy().ravel()
    assert stats.kstest(values, stats.norm(0, NORMAL[name]).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (0.5, 9.0), (-40.0, -30.0), (30.0, 40.0)])
def test_truncated_normal_is_truncated(low, high):
    values = init.truncated_normal(5000, 0.0, 1.0, low, high, "float64").numpy()
    assert values.min() >= low
    assert values.max() <= high
    assert stats.kstest(values, stats.truncnorm(low, high).cdf).pvalue > 1e-3


def test_truncated_normal_with_mean_and_spread():
    values = init.truncated_normal(5000, 3.0, 0.5, 2.0, 4.5, "float64").numpy()
    assert stats.kstest(values, stats.truncnorm(-2.0, 3.0, 3.0, 0.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 2, 3), (5, 5)])
def test_orthogonal_is_orthonormal(shape):
    q = init.orthogonal(shape, gain=2.0, dtype="float64").numpy().reshape(shape[0], -1) / 2.0
    q = q if q.shape[0] <= q.shape[1] else q.T
    np.testing.assert_allclose(q @ q.T, np.eye(len(q)), atol=1e-13)


def test_constants():
    np.testing.assert_array_equal(init.zeros((2, 1)).numpy(), np.zeros((2, 1), "float32"))
    np.testing.assert_array_equal(init.ones(3, "float64").numpy(), np.ones(3))
    assert init.constant((), 0.5).item() == 0.5


def test_gains():
    slope = 0.5
    bound = math.sqrt(2 / 1.25) * math.sqrt(3 / FAN_IN)
    values = init.kaiming_uniform(SHAPE, slope).numpy()
    assert 0.99 * bound < abs(values).max() <= np.float32(bound)
    assert init.fans((16, 3, 5, 5)) == (75, 400)


@pytest.mark.parametrize("name", [*UNIFORM, *NORMAL, "orthogonal", "truncated_normal", "uniform"])
def test_a_seed_repeats_the_values_and_float32_is_usual(name):
    ng.random.seed(3)
    first = getattr(init, name)((3, 4))
    second = getattr(init, name)((3, 4))
    ng.random.seed(3)
    np.testing.assert_array_equal(getattr(init, name)((3, 4)).numpy(), first.numpy())
    assert (first.numpy() != second.numpy()).any()
    assert first.dtype == np.float32
    assert not first.requires_grad


def test_bad_arguments():
    with pytest.raises(ng.ShapeError, match="two axes"):
        init.xavier_uniform((3,))
    with pytest.raises(ng.ArgumentError, match="low < high"):
        init.truncated_normal(3, low=2.0, high=1.0)
