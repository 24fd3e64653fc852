import numpy as np
import pytest

import nbgrad as ng
from nbgrad import optim

RNG = np.random.default_rng(7)
START = RNG.normal(size=(3, 2))
GRADS = RNG.normal(size=(20, 3, 2))


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_twenty_steps_equal_the_formula(momentum, nesterov, weight_decay):
    p = ng.tensor(START.copy(), requires_grad=True)
    opt = optim.SGD([p], lr=0.05, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
    x, v = START.copy(), np.zeros_like(START)
    for g in GRADS:
        opt.step([ng.tensor(g)])
        d = g + weight_decay * x
        v = momentum * v + d
        x = x - 0.05 * (d + momentum * v if nesterov else v)
    np.testing.assert_allclose(p.numpy(), x, rtol=1e-12)


def test_gradients_are_not_changed():
    p = ng.tensor(START.copy(), requires_grad=True)
    g = ng.tensor(GRADS[0].copy())
    opt = optim.SGD([p], momentum=0.9, nesterov=True, weight_decay=0.1)
    opt.step([g])
    opt.step([g])
    np.testing.assert_array_equal(g.numpy(), GRADS[0])


def test_wrong_options():
    p = ng.tensor([1.0], requires_grad=True)
    with pytest.raises(ng.ArgumentError, match=r"momentum=1\.0"):
        optim.SGD([p], momentum=1.0)
    with pytest.raises(ng.ArgumentError, match="nesterov"):
        optim.SGD([p], nesterov=True)
