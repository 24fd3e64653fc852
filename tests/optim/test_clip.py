import numpy as np
import pytest

import nbgrad as ng
from nbgrad import optim

RNG = np.random.default_rng(10)


def grads(dtype="float64"):
    return {
        "a": ng.tensor(RNG.normal(size=(3, 2)).astype(dtype)),
        "b": [ng.tensor(RNG.normal(size=4).astype(dtype)), None],
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clip_by_norm_scales_all_by_one_number(dtype):
    tree = grads(dtype)
    before = [tree["a"].numpy().copy(), tree["b"][0].numpy().copy()]
    length = np.sqrt(sum((g.astype("float64") ** 2).sum() for g in before))
    found = optim.clip_by_norm(tree, 0.5)
    assert found.item() == pytest.approx(length, rel=1e-6)
    for now, was in zip((tree["a"], tree["b"][0]), before):
        np.testing.assert_allclose(now.numpy(), was * 0.5 / length, rtol=1e-6)
        assert now.dtype == dtype


def test_short_gradients_stay_to_the_bit():
    tree = grads()
    before = tree["a"].numpy().copy()
    optim.clip_by_norm(tree, 1e3)
    np.testing.assert_array_equal(tree["a"].numpy(), before)


def test_gradients_of_a_module():
    model = ng.nn.Linear(3, 2, dtype="float64")
    weight = model.weight.numpy().copy()
    (model(ng.ones((4, 3))) * 10.0).sum().backward()
    length = optim.clip_by_norm(model, 1.0).item()
    assert length == pytest.approx(40 * np.sqrt(8))
    total = sum((p.grad.numpy() ** 2).sum() for p in model.parameters().values())
    assert total == pytest.approx(1.0)
    np.testing.assert_array_equal(model.weight.numpy(), weight)
    optim.clip_by_value(model.parameters(), 0.1)
    assert max(abs(p.grad.numpy()).max() for p in model.parameters().values()) == 0.1


def test_nothing_to_clip():
    assert optim.clip_by_norm([ng.tensor([1.0], requires_grad=True)], 1.0).item() == 0.0


def test_zero_and_nan_gradients():
    zero = ng.zeros(3)
    assert optim.clip_by_norm([zero], 1.0).item() == 0.0
    np.testing.assert_array_equal(zero.numpy(), np.zeros(3))
    bad = [ng.tensor([np.nan]), ng.ones(2)]
    assert np.isnan(optim.clip_by_norm(bad, 1.0).item())
    assert np.isnan(bad[1].numpy()).all()


def test_clip_by_value_holds_each_number():
    tree = grads()
    before = tree["a"].numpy().copy()
    optim.clip_by_value(tree, 0.3)
    np.testing.assert_array_equal(tree["a"].numpy(), np.clip(before, -0.3, 0.3))


@pytest.mark.parametrize("clip", [optim.clip_by_norm, optim.clip_by_value])
def test_the_limit_must_be_positive(clip):
    with pytest.raises(ng.ArgumentError, match="limit=0"):
        clip(grads(), 0)
