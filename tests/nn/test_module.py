import copy
import pickle

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import nn


class Block(nn.Module):
    def __init__(self, width):
        self.linear = nn.Linear(width, width, dtype="float64")
        self.norm = nn.BatchNorm(width, dtype="float64")

    def forward(self, x):
        return self.norm(self.linear(x))


class Net(nn.Module):
    def __init__(self):
        self.blocks = [Block(3), Block(3)]
        self.heads = {"a": nn.Linear(3, 1, dtype="float64"), "b": (nn.Linear(3, 2, dtype="float64"),)}
        self.scale = ng.tensor([2.0], requires_grad=True)
        self.label = "net"

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.heads["a"](x) * self.scale


@pytest.fixture
def net(seeded):
    return Net()


X = np.random.default_rng(0).normal(size=(5, 3))


def test_names_follow_attributes_positions_and_keys(net):
    assert list(net.parameters()) == [
        *(f"blocks.{i}.{n}" for i in (0, 1) for n in ("linear.weight", "linear.bias", "norm.weight", "norm.bias")),
        *(f"heads.{n}" for n in ("a.weight", "a.bias", "b.0.weight", "b.0.bias")),
        "scale",
    ]
    state = [name for name, _ in net.named_tensors() if name not in net.parameters()]
    assert state == [f"blocks.{i}.norm.running_{n}" for i in (0, 1) for n in ("mean", "var")]
    modules = [name for name, _ in net.named_modules()]
    assert modules[:4] == ["", "blocks.0", "blocks.0.linear", "blocks.0.norm"]


def test_a_shared_tensor_has_one_name():
    class Tied(nn.Module):
        def __init__(self):
            self.encode = nn.Linear(2, 2, bias=False)
            self.decode = nn.Linear(2, 2, bias=False)
            self.decode.weight = self.encode.weight
            self.again = self.encode

        def forward(self, x):
            return self.decode(self.encode(x))

    tied = Tied()
    assert list(tied.parameters()) == ["encode.weight"]
    other = copy.deepcopy(tied)
    assert other.decode.weight is other.encode.weight
    grads = ng.grad(lambda p: tied.apply(p, ng.ones((1, 2), dtype="float32")).sum())(tied.parameters())
    w = tied.encode.weight.numpy().astype("float64")
    one = np.ones((1, 2))
    expected = np.ones((2, 1)) @ (one @ w.T) + w.T @ np.ones((2, 1)) @ one
    np.testing.assert_allclose(grads["encode.weight"].detach().numpy(), expected, rtol=1e-5)


def test_state_round_trip(net):
    state = net.state()
    before = net.eval()(X).detach().numpy().copy()
    ng.random.seed(1)
    other = Net()
    other.load_state(state)
    np.testing.assert_array_equal(other.eval()(X).detach().numpy(), before)
    with ng.no_grad():
        net.scale *= 0.0
    assert state["scale"] == 2.0
    other.load_state({name: ng.tensor(a) for name, a in state.items()})


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda s: s.pop("scale"), ng.ArgumentError, r"missing \['scale'\]"),
        (lambda s: s.update(more=np.zeros(1)), ng.ArgumentError, r"unknown \['more'\]"),
        (lambda s: s.update(scale=np.zeros(2)), ng.ShapeError, r"'scale' is \(1,\), the state has \(2,\)"),
        (lambda s: s.update(scale=np.zeros(1, "float32")), ng.DtypeError, "'scale' is float64, the state has float32"),
    ],
)
def test_bad_state_changes_nothing(net, change, error, told):
    state = {name: np.zeros_like(a) for name, a in net.state().items()}
    change(state)
    before = net.state()
    with pytest.raises(error, match=told) as raised:
        net.load_state(state)
    assert len(str(raised.value).splitlines()) == 3
    for name, a in net.state().items():
        np.testing.assert_array_equal(a, before[name])


def test_apply_computes_with_other_parameters(net):
    net.eval()
    zeros = {"scale": ng.zeros(1)}
    np.testing.assert_array_equal(net.apply(zeros, X).detach().numpy(), np.zeros((5, 1)))
    assert net.scale.item() == 2.0
    with pytest.raises(ng.ArgumentError, match="no tensor 'scales'"):
        net.apply({"scales": ng.zeros(1)}, X)
    with pytest.raises(ng.ShapeError, match="'scale'"):
        net.apply({"scale": ng.zeros(2)}, X)


def test_apply_puts_parameters_back_after_an_error(net):
    weight = net.blocks[0].linear.weight
    with pytest.raises(ng.ShapeError):
        net.apply({"blocks.0.linear.weight": ng.zeros((3, 3))}, X[:, :2])
    assert net.blocks[0].linear.weight is weight


def loss(model, x):
    return (model(x) ** 2).mean()


def test_gradients_by_backward_by_apply_and_by_module_are_the_same(net):
    net.eval()
    loss(net, X).backward()
    by_name = ng.grad(lambda p: (net.apply(p, X) ** 2).mean())(net.parameters())
    by_module = ng.grad(loss)(net, X)
    assert isinstance(by_module, Net)
    assert list(by_module.parameters()) == list(net.parameters())
    for name, p in net.named_parameters():
        expected = np.zeros(p.shape) if p.grad is None else p.grad.numpy()
        np.testing.assert_array_equal(by_name[name].detach().numpy(), expected)
        np.testing.assert_array_equal(by_module.parameters()[name].detach().numpy(), expected)


def test_gradients_equal_finite_differences(net):
    params = {name: p for name, p in net.parameters().items() if "a." in name or "0.linear.weight" in name}
    ng.gradcheck(lambda p: net.eval().apply(p, X), params)


def test_train_and_eval_reach_everything(net):
    assert net.training
    assert net.eval() is net
    assert not any(m.training for _, m in net.named_modules())
    net.train()
    assert all(m.training for _, m in net.named_modules())


def test_zero_grad(net):
    net(X).sum().backward()
    assert net.scale.grad is not None
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters().values())


def test_astype_casts_parameters_and_state(net):
    net.astype("float32")
    assert {t.dtype.name for _, t in net.named_tensors()} == {"float32"}
    assert all(p.requires_grad for p in net.parameters().values())
    assert len(net.parameters()) == 13
    assert net(X.astype("float32")).dtype == np.float32


def test_copies_are_independent(net):
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert list(other.parameters()) == list(net.parameters())
        with ng.no_grad():
            other.scale += 1.0
        assert (net.scale.item(), other.scale.item()) == (2.0, 3.0)


def test_a_module_without_forward_says_so():
    with pytest.raises(ng.ArgumentError, match="Module has no forward"):
        nn.Module()(1)
