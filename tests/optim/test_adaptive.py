import numpy as np
import pytest

import nbgrad as ng
from nbgrad import optim

RNG = np.random.default_rng(9)
START = RNG.normal(size=(3, 2))
GRADS = RNG.normal(size=(20, 3, 2))
LR, EPS = 0.05, 1e-3


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_twenty_steps_of_rmsprop_equal_the_formula(momentum, centered, weight_decay):
    p = ng.tensor(START.copy(), requires_grad=True)
    opt = optim.RMSProp([p], LR, 0.9, EPS, momentum, centered, weight_decay)
    x, v, mean, u = START.copy(), 0.0, 0.0, 0.0
    for g in GRADS:
        opt.step([ng.tensor(g)])
        d = g + weight_decay * x
        v = 0.9 * v + 0.1 * d**2
        mean = 0.9 * mean + 0.1 * d
        spread = v - mean**2 if centered else v
        u = momentum * u + d / (np.sqrt(spread) + EPS)
        x = x - LR * u
    np.testing.assert_allclose(p.numpy(), x, rtol=1e-10)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("lr_decay", [0.0, 0.2])
def test_twenty_steps_of_adagrad_equal_the_formula(lr_decay, weight_decay):
    p = ng.tensor(START.copy(), requires_grad=True)
    opt = optim.Adagrad([p], LR, lr_decay, EPS, weight_decay)
    x, s = START.copy(), 0.0
    for t, g in enumerate(GRADS):
        opt.step([ng.tensor(g)])
        d = g + weight_decay * x
        s = s + d**2
        x = x - LR / (1 + t * lr_decay) * d / (np.sqrt(s) + EPS)
    np.testing.assert_allclose(p.numpy(), x, rtol=1e-10)


def test_a_constant_gradient_has_no_negative_variance():
    p = ng.tensor(np.ones(4, "float32"), requires_grad=True)
    opt = optim.RMSProp([p], alpha=0.5, centered=True)
    g = ng.tensor(np.float32([0.1, 0.3, 1e-3, 7.7]))
    for _ in range(200):
        opt.step([g])
    assert np.isfinite(p.numpy()).all()


def test_wrong_options():
    p = ng.tensor([1.0], requires_grad=True)
    with pytest.raises(ng.ArgumentError, match="alpha"):
        optim.RMSProp([p], alpha=1.0)
    with pytest.raises(ng.ArgumentError, match="momentum"):
        optim.RMSProp([p], momentum=-0.1)
