import pickle

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import optim

RNG = np.random.default_rng(6)


def tensors(dtype="float64"):
    return {
        "w": ng.tensor(np.linspace(-1, 1, 6).reshape(2, 3).astype(dtype), requires_grad=True),
        "b": ng.tensor(np.ones(3, dtype), requires_grad=True),
    }


ALL = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: optim.Adam(p, lr=0.1),
    "adamw": lambda p: optim.AdamW(p, lr=0.1),
    "lamb": lambda p: optim.LAMB(p, lr=0.1),
    "rmsprop": lambda p: optim.RMSProp(p, lr=0.1, momentum=0.5, centered=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=optim.exponential(0.1, 0.9)),
}


def random_grads(params):
    return {name: ng.tensor(RNG.normal(size=p.shape).astype(p.dtype)) for name, p in params.items()}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resuming_continues_to_the_bit(name, dtype):
    params = tensors(dtype)
    grads = [random_grads(params) for _ in range(8)]
    opt = ALL[name](params)
    for g in grads[:4]:
        opt.step(g)
    state = pickle.loads(pickle.dumps(opt.state()))
    values = {n: p.numpy().copy() for n, p in params.items()}
    for g in grads[4:]:
        opt.step(g)
    again = {n: ng.tensor(v, requires_grad=True) for n, v in values.items()}
    other = ALL[name](again)
    other.load_state(state)
    assert other.count == 4
    for g in grads[4:]:
        other.step(g)
    for n, p in params.items():
        assert p.dtype == dtype
        np.testing.assert_array_equal(again[n].numpy(), p.numpy())


@pytest.mark.parametrize("name", ALL)
def test_every_optimizer_descends_and_keeps_the_tensors(name):
    params = tensors()
    opt = ALL[name](params)

    def loss(p):
        return ((p["w"] - 0.3) ** 2).sum() + ((p["b"] + 0.3) ** 2).sum()

    before = loss(params).item()
    memory = params["w"].numpy()
    for _ in range(50):
        opt.step(ng.grad(loss)(params))
    assert loss(params).item() < 0.5 * before
    assert params["w"].numpy() is memory
    assert params["w"].requires_grad
    assert params["w"].is_leaf


def test_a_small_network_learns_a_curve(seeded):
    x = np.linspace(-2, 2, 64, dtype="float32")[:, None]
    y = np.sin(2 * x)
    model = ng.nn.Sequential(ng.nn.Linear(1, 24), ng.tanh, ng.nn.Linear(24, 1))
    opt = optim.Adam(model, lr=optim.cosine(0.03, 400, warmup=20))
    for _ in range(400):
        loss = ng.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        optim.clip_by_norm(model, 1.0)
        opt.step()
    assert loss.item() < 2e-3


@pytest.mark.parametrize("groups", [False, True])
def test_a_model_that_was_given_new_tensors_is_told(groups):
    model = ng.nn.Linear(2, 2)
    opt = optim.SGD([{"parameters": {"w": ng.ones(2, requires_grad=True)}}, {"parameters": model}] if groups else model, lr=0.1)
    opt.step()  # no gradients, and nothing wrong
    model(np.ones((3, 2), "float32")).sum().backward()
    model.astype("float64")  # gradients of the old tensors are gone with them
    model(np.ones((3, 2))).sum().backward()
    with pytest.raises(ng.GradientError, match="'(1.)?(weight|bias)' of the model is another tensor") as told:
        opt.step()
    assert "after model.to" in str(told.value)
    optim.SGD(model, lr=0.1).step()


def test_gradients_from_backward_by_name_and_in_order():
    results = []
    for give in ("grad", "dict", "list", "partial"):
        params = tensors()
        opt = optim.SGD(params, lr=1.0)
        if give == "grad":
            (params["w"] * 2.0).sum().backward()
            opt.step()
            opt.zero_grad()
            assert params["w"].grad is None
        elif give == "dict":
            opt.step({"b": None, "w": ng.full((2, 3), 2.0)})
        elif give == "list":
            opt.step([ng.full((2, 3), 2.0), None])
        else:
            opt.step({"w": ng.full((2, 3), 2.0)})
        np.testing.assert_array_equal(params["b"].numpy(), np.ones(3))
        results.append(params["w"].numpy())
    for r in results[1:]:
        np.testing.assert_array_equal(r, results[0])


def test_parameters_may_be_a_module_a_tree_a_tensor_or_a_generator():
    model = ng.nn.Sequential(ng.nn.Linear(2, 3), ng.relu, ng.nn.BatchNorm(3))
    assert list(optim.SGD(model).tensors) == list(model.parameters())
    assert list(optim.SGD({"layers": [tensors(), {"c": tensors()["b"]}]}).tensors) == [
        "layers.0.w",
        "layers.0.b",
        "layers.1.c",
    ]
    assert list(optim.SGD(t for t in tensors().values()).tensors) == ["0", "1"]
    assert list(optim.SGD(tensors()["w"]).tensors) == ["0"]


def test_a_module_of_gradients():
    model = ng.nn.Linear(2, 1, dtype="float64")
    before = model.weight.numpy().copy()
    grads = ng.grad(lambda m, x: m(x).sum())(model, ng.ones((1, 2)))
    optim.SGD(model, lr=0.5).step(grads)
    np.testing.assert_allclose(model.weight.numpy(), before - 0.5)


def test_groups_have_their_own_options():
    p = tensors()
    opt = optim.SGD([{"parameters": [p["w"]], "lr": 1.0}, {"parameters": [p["b"]]}], lr=0.1)
    opt.step([ng.ones((2, 3)), ng.ones(3)])
    np.testing.assert_allclose(p["w"].numpy(), np.linspace(-1, 1, 6).reshape(2, 3) - 1.0)
    np.testing.assert_allclose(p["b"].numpy(), 0.9)
    opt.groups[1]["lr"] = 0.0
    opt.step([None, ng.ones(3)])
    np.testing.assert_allclose(p["b"].numpy(), 0.9)


def test_a_schedule_is_asked_for_each_step():
    p = ng.tensor([0.0], requires_grad=True)
    asked = []
    opt = optim.SGD([p], lr=lambda step: asked.append(step) or float(step))
    for _ in range(4):
        opt.step([ng.ones(1)])
    assert asked == [0, 1, 2, 3]
    assert p.item() == -6.0


def test_skipped_parameters_keep_their_own_count():
    p, q = tensors(), tensors()
    late, whole = optim.Adam(p, lr=0.1), optim.Adam(q, lr=0.1)
    g = random_grads(p)
    late.step({"w": g["w"]})
    late.step({"w": g["w"]})
    late.step(g)
    whole.step({"b": g["b"]})
    np.testing.assert_array_equal(p["b"].numpy(), q["b"].numpy())
    state = late.state()
    assert state["scalars"] == {"step": 3, "b.step": 1}
    other = optim.Adam(p, lr=0.1)
    other.load_state(state)
    assert other.counts == {"w": 3, "b": 1}


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda s: s["arrays"].pop("w.m"), ng.ArgumentError, r"'w' has \['v'\]"),
        (lambda s: s["arrays"].update({"u.m": np.zeros(1)}), ng.ArgumentError, r"'u\.m' belongs to no parameter"),
        (lambda s: s["arrays"].update({"w.m": np.zeros(1)}), ng.ShapeError, r"'w\.m' is \(1,\)"),
        (lambda s: s["arrays"].update({"w.m": np.zeros((2, 3), "float32")}), ng.DtypeError, "float32"),
        (lambda s: s["scalars"].update(step=-1), ng.ArgumentError, "step=-1"),
        (lambda s: s["scalars"].update(other=1), ng.ArgumentError, "'other'"),
    ],
)
def test_bad_state_changes_nothing(change, error, told):
    params = tensors()
    opt = optim.Adam(params)
    opt.step(random_grads(params))
    state = opt.state()
    change(state)
    before = opt.state()
    with pytest.raises(error, match=told) as raised:
        opt.load_state(state)
    assert len(str(raised.value).splitlines()) == 3
    after = opt.state()
    assert after["scalars"] == before["scalars"]
    for name, a in before["arrays"].items():
        np.testing.assert_array_equal(after["arrays"][name], a)


def test_state_is_a_copy():
    params = tensors()
    opt = optim.SGD(params, momentum=0.9)
    opt.step(random_grads(params))
    state = opt.state()
    kept = state["arrays"]["w.momentum"].copy()
    opt.step(random_grads(params))
    np.testing.assert_array_equal(state["arrays"]["w.momentum"], kept)
    other = optim.SGD(tensors(), momentum=0.9)
    other.load_state(state)
    other.step(random_grads(params))
    np.testing.assert_array_equal(state["arrays"]["w.momentum"], kept)


def test_wrong_arguments():
    params = tensors()
    with pytest.raises(ng.ArgumentError, match="no parameters"):
        optim.SGD([])
    with pytest.raises(ng.ArgumentError, match="does not require a gradient"):
        optim.SGD([ng.ones(2)])
    with pytest.raises(ng.ArgumentError, match="ndarray"):
        optim.SGD({"w": np.ones(2)})
    with pytest.raises(ng.ArgumentError, match="lr=-1"):
        optim.SGD(params, lr=-1)
    with pytest.raises(ng.ArgumentError, match="unknown options"):
        optim.SGD([{"parameters": params, "rate": 1.0}])
    with pytest.raises(ng.ArgumentError, match=r"'1\.w' is given twice"):
        optim.SGD([{"parameters": params}, {"parameters": params}])
    with pytest.raises(ng.ArgumentError, match="'1' is given twice"):
        optim.SGD([params["w"], params["w"]])
    opt = optim.SGD(params)
    with pytest.raises(ng.ArgumentError, match="'z' is no parameter"):
        opt.step({"z": ng.ones(2)})
    with pytest.raises(ng.ShapeError, match=r"'w' is \(2,\)"):
        opt.step({"w": ng.ones(2)})
    with pytest.raises(ng.ArgumentError, match="1 gradients for 2"):
        opt.step([ng.ones(2)])


def test_nan_gradients_are_told_under_detect_anomaly_only():
    params = tensors()
    opt = optim.SGD(params, lr=0.1)
    bad = {"b": ng.tensor([1.0, np.nan, 1.0])}
    before = params["b"].numpy().copy()
    with ng.detect_anomaly(), pytest.raises(ng.AnomalyError, match="'b'"):
        opt.step(bad)
    np.testing.assert_array_equal(params["b"].numpy(), before)
    opt.step(bad)
    assert np.isnan(params["b"].numpy()[1])


def test_the_printout():
    assert repr(optim.SGD(tensors(), lr=0.5)) == (
        "SGD(lr=0.5, momentum=0.0, nesterov=False, weight_decay=0.0): 2 parameters of 9 numbers, step 0"
    )
