import numpy as np
import pytest

import nbgrad as ng
from nbgrad import nn


def test_linear_equals_numpy():
    layer = nn.Linear(3, 2, dtype="float64")
    x = np.random.default_rng(0).normal(size=(4, 5, 3))
    expected = x @ layer.weight.numpy().T + layer.bias.numpy()
    np.testing.assert_allclose(layer(ng.tensor(x)).detach().numpy(), expected, rtol=1e-13)
    ng.gradcheck(lambda p, x: layer.apply(p, x), layer.parameters(), x)


def test_linear_without_bias_and_with_other_values():
    layer = nn.Linear(3, 2, bias=False, init=nn.init.orthogonal)
    assert list(layer.parameters()) == ["weight"]
    np.testing.assert_allclose(layer.weight.numpy() @ layer.weight.numpy().T, np.eye(2), atol=1e-6)
    assert layer.weight.dtype == np.float32


def test_linear_keeps_float32():
    assert nn.Linear(3, 2)(ng.ones((1, 3), dtype="float32")).dtype == np.float32


def test_linear_of_a_wrong_width_names_the_shapes():
    with pytest.raises(ng.ShapeError, match=r"\(4, 5\)"):
        nn.Linear(3, 2)(ng.ones((4, 5), dtype="float32"))


def test_xor_is_learned(seeded):
    x = ng.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype="float32")
    y = ng.tensor([[0], [1], [1], [0]], dtype="float32")
    hidden, out = nn.Linear(2, 8), nn.Linear(8, 1)
    rate = 0.5
    for _ in range(500):
        loss = ng.binary_cross_entropy_with_logits(out(ng.tanh(hidden(x))), y)
        loss.backward()
        with ng.no_grad():
            for layer in (hidden, out):
                for p in layer.parameters().values():
                    p -= rate * p.grad
                layer.zero_grad()
    assert loss.item() < 0.05


@pytest.mark.parametrize(("args", "text"), [(("a", 2), "n_in must be an integer"), ((2, 1.5), "n_out must be"), ((2, -1), "n_out=-1")])
def test_features_that_are_no_count_are_refused(args, text):
    for layer in (nn.Linear, lambda a, b: nn.Conv1d(a, b, 3)):
        with pytest.raises(ng.ArgumentError, match=text + ".*\n.*test_linear.*\n  try"):
            layer(*args)
