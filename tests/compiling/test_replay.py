"""Records of compiled functions: training steps that are replayed give what eager steps give, bit for bit or nearly so."""

import contextlib
import gc
import math
import sys
import threading

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.tape.tape import recording


def classifier():
    return ng.nn.Sequential(ng.nn.Linear(5, 7), ng.relu, ng.nn.Dropout(0.3), ng.nn.Linear(7, 3))


def normalized():
    return ng.nn.Sequential(ng.nn.BatchNorm(5), ng.nn.Linear(5, 7), ng.tanh, ng.nn.Linear(7, 3))


def plain(model, optimizer):
    def step(x, y):
        loss = ng.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def train(optimizer_of, between, step_of, model_of, compiled, steps=6):
    """Train from the same start; return losses, states, and the step itself."""
    ng.random.seed(3)
    model = model_of()
    optimizer = optimizer_of(model)
    step = step_of(model, optimizer)
    step = ng.compile(step) if compiled else step
    rng, losses = np.random.default_rng(5), []
    for i in range(steps):
        x, y = rng.standard_normal((8, 5)).astype("float32"), rng.integers(0, 3, 8)
        if between is not None:
            between(i, model, optimizer)
        losses.append(float(step(ng.tensor(x), ng.tensor(y)).item()))
    grads = {n: None if p.grad is None else p.grad.numpy() for n, p in model.parameters().items()}
    return losses, model.state(), optimizer.state(), grads, ng.random.get_state(), step


@pytest.fixture
def compare(seeded):
    """Return a function that trains in both modes, holds the ends against each other, and returns the number of records."""

    def run(optimizer_of, between=None, step_of=plain, model_of=classifier, steps=6):
        eager, replayed = (train(optimizer_of, between, step_of, model_of, c, steps) for c in (False, True))
        near = {"rtol": 2e-5, "atol": 2e-6}
        np.testing.assert_allclose(replayed[0], eager[0], **near)
        for name, a in eager[1].items():
            np.testing.assert_allclose(replayed[1][name], a, err_msg=name, **near)
        assert replayed[2]["scalars"] == eager[2]["scalars"]
        assert replayed[2]["arrays"].keys() == eager[2]["arrays"].keys()
        for name, a in eager[2]["arrays"].items():
            np.testing.assert_allclose(replayed[2]["arrays"][name], a, err_msg=name, **near)
        for name, g in eager[3].items():
            assert (g is None) == (replayed[3][name] is None)
            if g is not None:
                np.testing.assert_allclose(replayed[3][name], g, err_msg=name, **near)
        assert replayed[4] == eager[4]
        return sum(map(len, replayed[5].runs.values()))

    return run


OPTIMIZERS = {
    "SGD": lambda m: ng.optim.SGD(m, lr=0.1),
    "momentum": lambda m: ng.optim.SGD(m, lr=0.1, momentum=0.9),
    "nesterov": lambda m: ng.optim.SGD(m, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda m: ng.optim.Adam(m, lr=0.01),
    "Adam with decay": lambda m: ng.optim.Adam(m, lr=0.01, weight_decay=0.1),
    "AdamW": lambda m: ng.optim.AdamW(m, lr=0.01, weight_decay=0.1),
    "LAMB": lambda m: ng.optim.LAMB(m, lr=0.01),
    "RMSProp": lambda m: ng.optim.RMSProp(m, lr=0.01),
    "Adagrad": lambda m: ng.optim.Adagrad(m, lr=0.01, weight_decay=0.1),
}
SCHEDULES = {
    "cosine": ng.optim.cosine(0.1, 6),
    "power": lambda s: 0.1 / (1 + s),
    "math": lambda s: 0.1 * math.cos(s),
    "float64": lambda s: np.exp(-s) * 0.1,
    "float32": lambda s: np.float32(0.1) / np.float32(1 + s),
    "int": lambda s: 1 if s < 3 else 0,
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer(name, compare):
    assert compare(OPTIMIZERS[name]) == 2  # without a gradient at first, then with one


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", [ng.optim.SGD, ng.optim.Adam])
def test_schedules(name, kind, compare):
    assert compare(lambda m: kind(m, lr=SCHEDULES[name])) == 2


def changed(key, value):
    return lambda i, model, optimizer: i == 3 and optimizer.groups[0].__setitem__(key, value)


@pytest.mark.parametrize(("key", "value"), [("lr", 0.1), ("lr", lambda s: 0.1 / s), ("betas", (0.5, 0.5)), ("weight_decay", 0.1), ("eps", 0.1), ("lr", 1)])
def test_options_changed_between_steps(key, value, compare):
    compare(lambda m: ng.optim.Adam(m, lr=0.01), changed(key, value))


def test_groups(compare):
    groups = lambda m: [{"parameters": m[0], "lr": 0.1}, {"parameters": m[3], "weight_decay": 0.0}]
    assert compare(lambda m: ng.optim.AdamW(groups(m), lr=0.01)) == 2
    assert compare(lambda m: ng.optim.AdamW(m[3], lr=0.01)) == 2


def test_parameters_that_miss_steps(compare):
    def some(at, which):
        def between(i, model, optimizer):
            if i == at:
                optimizer.step([ng.ones_like(p) if which(j) else None for j, p in enumerate(optimizer.tensors.values())])

        return between

    compare(lambda m: ng.optim.Adam(m, lr=0.01), some(3, lambda j: j == 0))
    first, then = some(0, lambda j: j == 0), some(3, lambda j: j != 0)
    compare(lambda m: ng.optim.Adam(m, lr=0.01), lambda *args: (first(*args), then(*args)))


def test_state_loaded_between_steps(compare):
    compare(lambda m: ng.optim.Adam(m, lr=0.01), lambda i, m, o: i == 3 and o.load_state(o.state()))
    halved = lambda m: m.load_state({k: np.asarray(v) * 0.5 for k, v in m.state().items()})
    compare(lambda m: ng.optim.Adam(m, lr=0.01), lambda i, m, o: i == 3 and halved(m))


def test_modes_changed_between_steps(compare):
    compare(OPTIMIZERS["SGD"], lambda i, m, o: m.eval() if i % 2 else m.train())
    compare(OPTIMIZERS["SGD"], lambda i, m, o: i == 3 and m.eval())
    compare(OPTIMIZERS["SGD"], lambda i, m, o: i == 3 and m.eval(), model_of=normalized)


def test_running_statistics(compare):
    assert compare(OPTIMIZERS["SGD"], model_of=normalized) == 2


def accumulated(model, optimizer):
    def step(x, y):
        loss = ng.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def in_parts(model, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        for k in (0, 4):
            loss = ng.cross_entropy(model(x[k : k + 4]), y[k : k + 4]) * 0.5
            loss.backward()
        optimizer.step()
        return loss

    return step


def by_values(model, optimizer):
    def step(x, y):
        loss, grads = ng.value_and_grad(lambda m: ng.cross_entropy(m(x), y))(model)
        optimizer.step(grads.parameters())
        return loss

    return step


def clipped(model, optimizer):
    def step(x, y):
        loss = ng.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        ng.optim.clip_by_norm(model, 0.1)
        ng.optim.clip_by_value(model, 0.05)
        optimizer.step()
        return loss

    return step


def twice(model, optimizer):
    step = plain(model, optimizer)
    return lambda x, y: step(x, y) + step(x * 0.5, y)


@pytest.mark.parametrize("step_of", [accumulated, in_parts, by_values, clipped, twice])
def test_other_steps(step_of, compare):
    assert compare(lambda m: ng.optim.Adam(m, lr=lambda s: 0.01 / (1 + s)), step_of=step_of) <= 2


def test_gradients_that_are_set_and_forgotten_between_steps(compare):
    def between(i, model, optimizer):
        if i == 2:
            optimizer.zero_grad()
        if i == 4:
            model[0].weight.grad = ng.ones_like(model[0].weight)
        if i == 5:
            model[0].weight.grad = ng.ones((5, 7), dtype="float32").T

    compare(OPTIMIZERS["SGD"], between, accumulated)


def test_a_loss_with_history_whose_parameters_were_written(compare):
    compare(OPTIMIZERS["SGD"], step_of=by_values, model_of=normalized)


# -- gradients


def test_a_gradient_that_nobody_computed_is_used():
    w, v = ng.tensor([1.0, 2.0], requires_grad=True), ng.tensor([1.0, 2.0], requires_grad=True)
    optimizer = ng.optim.SGD([w, v], lr=0.1)

    @ng.compile
    def step(x):
        (w * x).sum().backward()
        optimizer.step()

    step(ng.ones(2))
    w.grad, v.grad = None, ng.ones(2)
    step(ng.ones(2))
    np.testing.assert_allclose(w.numpy(), [0.8, 1.8])
    np.testing.assert_allclose(v.numpy(), [0.9, 1.9])


def test_gradients_are_forgotten_first():
    w, v = ng.tensor([1.0, 2.0], requires_grad=True), ng.tensor([1.0, 2.0], requires_grad=True)
    optimizer = ng.optim.SGD([w, v], lr=0.1)

    @ng.compile
    def step(x):
        optimizer.zero_grad()
        (w * x).sum().backward()
        optimizer.step()

    for _ in range(4):
        step(ng.ones(2))
    assert sum(map(len, step.runs.values())) == 2
    v.grad = ng.ones(2)
    step(ng.ones(2))
    assert v.grad is None
    assert v.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(w.numpy(), [0.5, 1.5])


def test_a_leaf_that_is_read_without_its_history_first():
    w = ng.tensor([1.0, 2.0], requires_grad=True)

    @ng.compile
    def step(x):
        ((w.detach() ** 2.0).sum() * 2.0 + (w * x).sum()).backward()

    for _ in range(2):
        w.grad = None
        step(ng.tensor([3.0, 4.0]))
        assert w.grad.tolist() == [3.0, 4.0]


def test_the_next_gradient_has_memory_of_its_own():
    w = ng.tensor([1.0, 2.0], requires_grad=True)

    @ng.compile
    def step(x):
        w.zero_grad()
        (w * x).sum().backward()

    step(ng.tensor([3.0, 4.0]))
    first = w.grad
    step(ng.tensor([5.0, 6.0]))
    step(ng.tensor([7.0, 8.0]))
    assert first.tolist() == [3.0, 4.0]
    assert w.grad.tolist() == [7.0, 8.0]


# -- stops and exceptions


def stopped():
    w = ng.tensor(np.ones((3, 4), "float32"), requires_grad=True)
    optimizer = ng.optim.Adam([w], lr=0.1)
    return w, optimizer, ng.compile(plain(lambda x: x @ w, optimizer)), ng.ones((2, 3), dtype="float32")


@pytest.mark.parametrize("first", [True, False])
def test_labels_out_of_range_change_no_parameter(first):
    w, _, step, x = stopped()
    if not first:
        step(x, ng.tensor([0, 1]))
    before = w.numpy().copy()
    with pytest.raises(ng.IndexRangeError, match=r"labels\[1\] is 9; classes are 0 to 3"):
        step(x, ng.tensor([0, 9]))
    np.testing.assert_array_equal(w.numpy(), before)
    step(x, ng.tensor([0, 1]))
    assert not np.array_equal(w.numpy(), before)


def test_what_stands_behind_a_stop_is_not_written_before_it():
    held, table = ng.zeros(4), ng.tensor([1.0, 2.0])

    @ng.compile
    def step(x, i):
        before = x * 2.0
        picked = ng.take(table, i, axis=0)
        held[...] = x + 1.0  # neighbour of what is computed before the stop
        return before, picked

    step(ng.ones(4), ng.tensor([0]))
    assert held.tolist() == [2.0] * 4
    with pytest.raises(ng.IndexRangeError):
        step(ng.ones(4) * 5.0, ng.tensor([7]))
    assert held.tolist() == [2.0] * 4


def test_a_step_that_was_stopped_is_not_counted():
    _, optimizer, step, x = stopped()
    step(x, ng.tensor([0, 1]))
    with pytest.raises(ng.IndexRangeError):
        step(x, ng.tensor([0, 9]))
    assert optimizer.count == 1


def test_an_exception_leaves_gradients_and_counts():
    w = ng.tensor([1.0, 2.0], requires_grad=True)
    optimizer = ng.optim.Adam([w], lr=0.1)

    @ng.compile
    def step(x):
        (w * x).sum().backward()
        optimizer.step()
        raise KeyError

    with pytest.raises(KeyError):
        step(ng.ones(2))
    assert recording.recorder is None
    assert w.tolist() == [1.0, 2.0]
    assert w.grad is None
    assert optimizer.count == 0


def test_anomalies_are_detected():
    compiled = ng.compile(lambda x: ng.log(x))
    compiled(ng.ones(2))
    with ng.detect_anomaly(), pytest.raises(ng.AnomalyError):
        compiled(ng.tensor([-1.0, 1.0]))


def test_a_penalty_on_a_gradient():
    w = ng.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def step(x):
        g = ng.grad(lambda x: ng.tanh(x * w).sum())(x)
        (g * g).mean().backward()

    compiled = ng.compile(step)
    for _ in range(2):
        w.grad = None
        step(ng.ones((5, 3)))
        want, w.grad = w.grad, None
        compiled(ng.ones((5, 3)))
        np.testing.assert_allclose(w.grad.numpy(), want.numpy(), rtol=1e-14)


def test_arrays_of_numpy_that_are_read_by_python_are_looked_at_again():
    scale = np.array([1.0])
    compiled = ng.compile(lambda x: x * float(scale[0]))
    assert compiled(ng.ones(1)).item() == 1.0
    scale[0] = 2.0
    assert compiled(ng.ones(1)).item() == 2.0


class Attention(ng.nn.Module):
    """Two heads over six tokens, masked."""

    def __init__(self):
        self.table, self.norm, self.out = ng.nn.Embedding(11, 8), ng.nn.RMSNorm(8), ng.nn.Linear(8, 5)
        self.q, self.k, self.v = (ng.nn.Linear(8, 8) for _ in range(3))
        self.mask = ng.tensor(np.tril(np.ones((6, 6), bool)))

    def forward(self, x):
        e = self.norm(self.table(x))
        q, k, v = (f(e).reshape(x.shape[0], 6, 2, 4).transpose(0, 2, 1, 3) for f in (self.q, self.k, self.v))
        weights = ng.softmax(ng.where(self.mask, q @ k.transpose(0, 1, 3, 2) * 0.5, -1e9))
        return self.out((e + (weights @ v).transpose(0, 2, 1, 3).reshape(x.shape[0], 6, 8)).mean(axis=1))


class Recurrent(ng.nn.Module):
    """A plain recurrence over six tokens, whose table is used twice."""

    def __init__(self):
        self.table, self.inner, self.outer = ng.nn.Embedding(5, 8), ng.nn.Linear(8, 8), ng.nn.Linear(8, 8)

    def forward(self, x):
        h = ng.zeros((x.shape[0], 8), dtype="float32")
        for t in range(x.shape[1]):
            h = ng.tanh(self.inner(self.table(x[:, t] % 5)) + self.outer(h))
        return h @ self.table.weight.T


class Images(ng.nn.Module):
    """Convolutions, norms and pooling over rows of six tokens, repeated to images."""

    def __init__(self):
        self.first, self.norm, self.second = ng.nn.Conv2d(1, 4, 3), ng.nn.BatchNorm(4), ng.nn.Conv2d(4, 6, 3, padding=1)
        self.group, self.out = ng.nn.GroupNorm(2, 6), ng.nn.Linear(6, 5)

    def forward(self, x):
        x = ng.broadcast_to(x.astype("float32").reshape(-1, 1, 6, 1) - 5.0, (x.shape[0], 1, 6, 6))
        x = ng.max_pool2d(ng.relu(self.norm(self.first(x))), 2)
        return self.out(ng.gelu(self.group(self.second(x))).mean(axis=(2, 3)))


@pytest.mark.parametrize("model_of", [Attention, Recurrent, Images])
def test_other_models(model_of, seeded):
    found = []
    for make in (lambda step: step, ng.compile):
        ng.random.seed(1)
        model = model_of()
        step, rng = make(plain(model, ng.optim.SGD(model, lr=0.1))), np.random.default_rng(0)
        losses = [step(ng.tensor(rng.integers(0, 11, (4, 6))), ng.tensor(rng.integers(0, 5, 4))).item() for _ in range(4)]
        found.append((losses, model.state()))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5)
    for name, a in found[0][1].items():
        np.testing.assert_allclose(found[1][1][name], a, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_gradient_of_an_argument_is_no_result_yet():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ng.ArgumentError, match="leaves a gradient on an argument"):
        ng.compile(lambda x: (x * x).sum().backward())(x)
    assert x.grad is None


def test_threads_never_share_a_key():
    draw = ng.compile(lambda x: x + ng.random.uniform(3))
    x, found = ng.zeros(3, dtype="float32"), []
    draw(x)

    def work():
        found.extend(tuple(draw(x).tolist()) for _ in range(300))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(before)
    assert len(set(found)) == len(found) == 900


@contextlib.contextmanager
def collections_seen():
    """Note in a list when Python looks for cycles."""
    seen = []
    note = lambda phase, info: seen.append(phase)
    gc.callbacks.append(note)
    try:
        yield seen
    finally:
        gc.callbacks.remove(note)


def test_what_a_record_is_made_of_is_not_looked_through_for_cycles():
    def several(x):
        for i in range(60):
            x = ng.tanh(x) + i
        return x

    step = ng.compile(several)
    step(ng.ones(3))  # all that is imported and compiled on the way
    with collections_seen() as seen:
        step(ng.ones(4))
    assert seen == []
    gc.freeze()
    kept = gc.get_freeze_count()
    try:
        step(ng.ones(5))
        assert gc.get_freeze_count() == pytest.approx(kept, rel=0.1)
    finally:
        gc.unfreeze()


def test_what_python_read_may_be_nan():
    a = np.array([1.0, np.nan])
    f, x = ng.compile(lambda x: x * float(ng.tensor(a).numpy()[0])), ng.ones(2)
    f(x)
    before = f.record(x)
    f(x)
    assert f.record(x) is before
    a[0] = 3.0
    assert f(x).tolist() == [3.0, 3.0]
