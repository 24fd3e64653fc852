import math
import pickle

import pytest

import nbgrad as ng
from nbgrad import optim

POINTS = {
    "constant": (optim.constant(0.3), {0: 0.3, 10**6: 0.3}),
    "step_decay": (optim.step_decay(1.0, 30, 0.5), {0: 1.0, 29: 1.0, 30: 0.5, 59: 0.5, 90: 0.125}),
    "exponential": (optim.exponential(2.0, 0.25, every=4), {0: 2.0, 2: 1.0, 4: 0.5, 8: 0.125}),
    "cosine": (optim.cosine(1.0, 80, end=0.2), {0: 1.0, 20: 0.6 + 0.4 * math.sqrt(0.5), 40: 0.6, 80: 0.2, 500: 0.2}),
    "cosine_warmup": (optim.cosine(1.0, 50, warmup=10), {0: 0.1, 4: 0.5, 9: 1.0, 10: 1.0, 30: 0.5, 50: 0.0}),
    "linear_warmup": (
        optim.linear_warmup(optim.step_decay(1.0, 10, 0.5), 4),
        {0: 0.25, 3: 1.0, 4: 1.0, 13: 1.0, 14: 0.5},
    ),
    "piecewise": (optim.piecewise([2, 5], [3.0, 2.0, 1.0]), {0: 3.0, 1: 3.0, 2: 2.0, 4: 2.0, 5: 1.0, 99: 1.0}),
    "one_cycle": (
        optim.one_cycle(1.0, 101, rise=0.2, start=10.0, end=100.0),
        {0: 0.1, 10: 0.55, 20: 1.0, 60: 0.5005, 100: 1e-3, 200: 1e-3},
    ),
}


@pytest.mark.parametrize("name", POINTS)
def test_known_points(name):
    schedule, points = POINTS[name]
    for step, rate in points.items():
        assert schedule(step) == pytest.approx(rate, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", POINTS)
def test_schedules_can_be_pickled(name):
    schedule, _ = POINTS[name]
    again = pickle.loads(pickle.dumps(schedule))
    assert [again(s) for s in range(60)] == [schedule(s) for s in range(60)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: optim.step_decay(1.0, 0),
        lambda: optim.exponential(1.0, 0.5, every=0),
        lambda: optim.cosine(1.0, 10, warmup=10),
        lambda: optim.cosine(1.0, 0),
        lambda: optim.linear_warmup(1.0, 0),
        lambda: optim.piecewise([2, 2], [1.0, 1.0, 1.0]),
        lambda: optim.piecewise([2], [1.0]),
        lambda: optim.one_cycle(1.0, 1),
        lambda: optim.one_cycle(1.0, 10, rise=1.0),
    ],
)
def test_wrong_arguments(make):
    with pytest.raises(ng.ArgumentError) as error:
        make()
    assert len(str(error.value).splitlines()) == 3
