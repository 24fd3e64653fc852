import numpy as np
import pytest

import nbgrad as ng
from nbgrad import optim

RNG = np.random.default_rng(8)
START = RNG.normal(size=(3, 2))
GRADS = RNG.normal(size=(20, 3, 2))
B1, B2, LR = 0.8, 0.99, 0.05


def directions(eps, decay=0.0):
    """Return a function from (gradient, parameter) to m^ / (sqrt(v^) + eps), step by step as the paper writes it."""
    state = {"m": 0.0, "v": 0.0, "t": 0}

    def direction(g, x):
        g = g + decay * x
        state["t"] += 1
        state["m"] = B1 * state["m"] + (1 - B1) * g
        state["v"] = B2 * state["v"] + (1 - B2) * g**2
        m = state["m"] / (1 - B1 ** state["t"])
        v = state["v"] / (1 - B2 ** state["t"])
        return m / (np.sqrt(v) + eps)

    return direction


def run(opt, p):
    for g in GRADS:
        opt.step([ng.tensor(g)])
    return p.numpy()


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("eps", [1e-8, 0.1])
def test_twenty_steps_of_adam_equal_the_paper(weight_decay, eps):
    p = ng.tensor(START.copy(), requires_grad=True)
    found = run(optim.Adam([p], LR, (B1, B2), eps, weight_decay), p)
    x, direction = START.copy(), directions(eps, weight_decay)
    for g in GRADS:
        x = x - LR * direction(g, x)
    np.testing.assert_allclose(found, x, rtol=1e-10)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_twenty_steps_of_adamw_equal_the_paper(weight_decay):
    p = ng.tensor(START.copy(), requires_grad=True)
    found = run(optim.AdamW([p], LR, (B1, B2), 1e-3, weight_decay), p)
    x, direction = START.copy(), directions(1e-3)
    for g in GRADS:
        x = x * (1 - LR * weight_decay) - LR * direction(g, x)
    np.testing.assert_allclose(found, x, rtol=1e-10)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_twenty_steps_of_lamb_equal_the_paper(weight_decay):
    p = ng.tensor(START.copy(), requires_grad=True)
    found = run(optim.LAMB([p], LR, (B1, B2), 1e-3, weight_decay), p)
    x, direction = START.copy(), directions(1e-3)
    for g in GRADS:
        r = direction(g, x) + weight_decay * x
        x = x - LR * np.linalg.norm(x) / np.linalg.norm(r) * r
    np.testing.assert_allclose(found, x, rtol=1e-10)


def test_lamb_of_zeros_moves_by_the_plain_step():
    p = ng.tensor(np.zeros(2), requires_grad=True)
    optim.LAMB([p], lr=0.1, weight_decay=0.0).step([ng.tensor([1.0, -1.0])])
    np.testing.assert_allclose(p.numpy(), [-0.1, 0.1], rtol=1e-5)
    q = ng.tensor(np.ones(2), requires_grad=True)
    optim.LAMB([q], lr=0.1, weight_decay=0.0).step([ng.zeros(2)])
    np.testing.assert_array_equal(q.numpy(), [1.0, 1.0])


def test_gradients_are_not_changed():
    p = ng.tensor(START.copy(), requires_grad=True)
    g = ng.tensor(GRADS[0].copy())
    for kind in (optim.Adam, optim.AdamW, optim.LAMB):
        kind([p], weight_decay=0.1).step([g])
    np.testing.assert_array_equal(g.numpy(), GRADS[0])


def test_wrong_betas():
    with pytest.raises(ng.ArgumentError, match="AdamW: betas"):
        optim.AdamW([ng.tensor([1.0], requires_grad=True)], betas=(0.9, 1.0))
