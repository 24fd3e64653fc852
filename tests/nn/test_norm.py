import numpy as np
import pytest

import nbgrad as ng
from nbgrad import nn

RNG = np.random.default_rng(3)
X = RNG.normal(1.0, 2.0, size=(6, 4, 5))


def test_batch_norm_in_training_normalises_by_the_batch():
    layer = nn.BatchNorm(4, dtype="float64")
    out = layer(ng.tensor(X)).detach().numpy()
    mean, var = X.mean((0, 2)), X.var((0, 2))
    np.testing.assert_allclose(out, (X - mean[:, None]) / np.sqrt(var[:, None] + 1e-5), rtol=1e-10)


def test_running_statistics_follow_and_are_used_in_evaluation():
    layer = nn.BatchNorm(4, momentum=0.3, dtype="float64")
    mean, var = np.zeros(4), np.ones(4)
    for i in range(3):
        batch = X + i
        layer(ng.tensor(batch))
        mean = 0.7 * mean + 0.3 * batch.mean((0, 2))
        var = 0.7 * var + 0.3 * batch.var((0, 2), ddof=1)
    np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-12)
    out = layer.eval()(ng.tensor(X)).detach().numpy()
    np.testing.assert_allclose(out, (X - mean[:, None]) / np.sqrt(var[:, None] + 1e-5), rtol=1e-10)
    np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-12)


def test_batch_norm_gradient_flows_through_the_statistics():
    layer = nn.BatchNorm(4, dtype="float64")
    ng.gradcheck(lambda p, x: layer.apply(p, x) ** 3, layer.parameters(), X)
    assert not layer.running_mean.requires_grad


def test_batch_norm_along_the_last_axis():
    layer = nn.BatchNorm(5, axis=-1, dtype="float64")
    expected = (X - X.mean((0, 1))) / np.sqrt(X.var((0, 1)) + 1e-5)
    np.testing.assert_allclose(layer(ng.tensor(X)).detach().numpy(), expected, rtol=1e-10)


def test_batch_norm_of_one_value_per_channel():
    layer = nn.BatchNorm(4)
    with pytest.raises(ng.ShapeError, match="one value per channel"):
        layer(ng.ones((1, 4), dtype="float32"))
    assert layer.eval()(ng.ones((1, 4), dtype="float32")).shape == (1, 4)
    with pytest.raises(ng.ArgumentError, match="momentum"):
        nn.BatchNorm(4, momentum=2.0)


def test_layer_norm_module():
    layer = nn.LayerNorm((4, 5), dtype="float64")
    with ng.no_grad():
        layer.weight *= 3.0
    axes = (1, 2)
    expected = 3.0 * (X - X.mean(axes, keepdims=True)) / np.sqrt(X.var(axes, keepdims=True) + 1e-5)
    np.testing.assert_allclose(layer(ng.tensor(X)).detach().numpy(), expected, rtol=1e-10)
    assert list(nn.LayerNorm(5, bias=False).parameters()) == ["weight"]


def test_rms_norm_module():
    layer = nn.RMSNorm(5, dtype="float64")
    expected = X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(layer(ng.tensor(X)).detach().numpy(), expected, rtol=1e-10)


def test_group_norm_module():
    layer = nn.GroupNorm(2, 4, dtype="float64")
    parts = X.reshape(6, 2, -1)
    parts = (parts - parts.mean(-1, keepdims=True)) / np.sqrt(parts.var(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(layer(ng.tensor(X)).detach().numpy(), parts.reshape(X.shape), rtol=1e-10)
    with pytest.raises(ng.ArgumentError, match="groups=3"):
        nn.GroupNorm(3, 4)


@pytest.mark.parametrize("layer", [nn.BatchNorm(4), nn.LayerNorm((4, 5)), nn.RMSNorm(5), nn.GroupNorm(2, 4)])
def test_float32_stays_float32(layer):
    assert layer(ng.tensor(X.astype("float32"))).dtype == np.float32
    assert {t.dtype.name for _, t in layer.named_tensors()} == {"float32"}
