"""Checks that do not make the host wait: a run that fails one does nothing behind it, nor do those that were queued meanwhile."""

import sys
import threading

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.calls import Stop
from nbgrad.target.cuda import watch as module
from nbgrad.target.cuda.space import Bound
from nbgrad.target.cuda.watch import Watch

pytestmark = pytest.mark.cuda
X = np.random.default_rng(0).standard_normal((4, 3)) - 0.1
GOOD, BAD = np.array([0, 1, 1, 0]), np.array([0, 1, 7, 0])


class Event:
    """What says that the device has not come so far, until somebody waits for it."""

    made: list = []

    def __init__(self):
        self.over = False
        self.made.append(self)

    def query(self):
        return self.over

    def synchronize(self):
        for event in self.made[: self.made.index(self) + 1]:
            event.over = True


@pytest.fixture
def behind(monkeypatch):
    """A device that is behind the host."""
    Event.made = []
    monkeypatch.setattr(Watch, "_event", lambda self: Event())
    return Event


def training(device):
    """Return (a compiled step, the weight, the optimizer)."""
    w = ng.tensor(np.eye(3)[:, :2].copy(), device=device, requires_grad=True)
    optimizer = ng.optim.Adam({"w": w}, lr=lambda k: 0.1 / (1 + k))

    @ng.compile
    def step(x, labels):
        loss = ng.cross_entropy(ng.matmul(x, w), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, w, optimizer


def on_cpu():
    step, w, _ = training("cpu")
    step(X, GOOD)
    with pytest.raises(ng.IndexRangeError) as error:
        step(X, BAD)
    first = w.numpy().copy()
    step(X, GOOD)
    return first, w.numpy(), str(error.value)


@pytest.mark.parametrize("more", [0, 1, 3])
def test_a_step_that_fails_leaves_all_as_it_was(more, behind):
    first, second, text = on_cpu()
    step, w, _ = training("cuda")
    x, good, bad = (ng.tensor(a, device="cuda") for a in (X, GOOD, BAD))
    loss = step(x, good)
    assert np.isfinite(loss.item())  # waits, and all is well
    step(x, bad)
    for _ in range(more):
        step(x, good)  # does nothing: it is queued behind what has failed
    with pytest.raises(ng.IndexRangeError) as error:
        w.numpy()
    said, want = str(error.value).splitlines(), text.splitlines()
    assert (said[0], said[2]) == (want[0], want[2])
    assert "test_watch.py" in said[1]
    np.testing.assert_allclose(w.numpy(), first, atol=1e-9)
    step(x, good)
    np.testing.assert_allclose(w.numpy(), second, atol=1e-9)  # with the learning rate of a second step


def test_the_next_call_raises_where_the_device_is_not_behind():
    first, second, text = on_cpu()
    step, w, _ = training("cuda")
    step(X, GOOD)
    step(X, BAD)
    with pytest.raises(ng.IndexRangeError, match="labels.2. is 7"):
        step(X, GOOD)
    np.testing.assert_allclose(w.numpy(), first, atol=1e-9)
    step(X, GOOD)
    np.testing.assert_allclose(w.numpy(), second, atol=1e-9)


def test_the_host_waits_when_too_many_are_in_flight(behind, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    f, x = ng.compile(lambda x, i: ng.take(x, i, 0)), ng.tensor(X, device="cuda")
    good, bad = ng.tensor([0, 1], device="cuda"), ng.tensor([0, 9], device="cuda")
    for i in (good, good, bad):
        f(x, i)
    assert [e.over for e in behind.made] == [False] * 3
    with pytest.raises(ng.IndexRangeError, match="index 9"):
        f(x, good)
    assert f(x, good).tolist() == X[:2].tolist()


def test_a_run_that_is_interrupted_is_counted_as_the_device_did(behind, monkeypatch):
    f, x = ng.compile(lambda x, i: ng.take(x, i, 0)), ng.tensor(X, device="cuda")
    good, bad = ng.tensor([0, 1], device="cuda"), ng.tensor([0, 9], device="cuda")
    f(x, good)
    for before in (True, False):  # the launches
        with monkeypatch.context() as patch:

            def interrupted(self, now, run=Bound.run, before=before):
                if not before:
                    run(self, now)
                raise KeyboardInterrupt

            patch.setattr(Bound, "run", interrupted)
            for i in (good, bad):
                with pytest.raises(KeyboardInterrupt):
                    f(x, i)
        assert f(x, good).tolist() == X[:2].tolist()
        f(x, bad)
        with pytest.raises(ng.IndexRangeError, match="index 9"):
            f(x, good).tolist()


LATER = {
    "an op": lambda x, y: y * 2.0,
    "its number": lambda x, y: y.tolist(),
    "a program without checks": lambda x, y: ng.compile(lambda x: x * 2.0)(x),
    "another with checks": lambda x, y: ng.compile(lambda x: ng.take(x, ng.tensor([1], device="cuda"), 0))(x).numpy(),
    "a while": lambda x, y: ng.compile(lambda x: ng.while_loop(lambda c: c.sum() < 3.0, lambda c: c + 1.0, x))(x),
    "all of the device": lambda x, y: ng.cuda.synchronize(),
    "other libraries": lambda x, y: y.__dlpack__(),
    "others of Numba": lambda x, y: y.__cuda_array_interface__,
    "its profile": lambda x, y: ng.profile(ng.compile(lambda x: x * 2.0), x, repeats=1),
}


@pytest.mark.parametrize("later", LATER)
def test_who_needs_the_device_hears_of_it(later, behind):
    x = ng.tensor(X, device="cuda")
    y = ng.compile(lambda x, i: ng.take(x, i, 0) * 2.0)(x, ng.tensor([0, 9], device="cuda"))
    with pytest.raises(ng.IndexRangeError, match=r"index 9 \(at 1\) is out of range"):
        LATER[later](x, y)
    assert ng.compile(lambda x, i: ng.take(x, i, 0))(x, ng.tensor([3], device="cuda")).tolist() == X[3:].tolist()


def test_checks_in_loops(behind):
    x, i = ng.tensor(X, device="cuda"), ng.tensor([[0, 1], [2, 3], [1, 4], [0, 9]], device="cuda")
    scanned = ng.compile(lambda x, i: ng.scan(lambda c, row: (c + ng.take(x, row, 0).sum(), c), 0.0, i))
    assert scanned(x, i[:2])[0].item() == pytest.approx(X.sum())
    last, _ = scanned(x, i)
    with pytest.raises(ng.IndexRangeError, match=r"index 4 \(at 1\) is out of range"):  # of the first turn that fails
        last.item()
    walked = ng.compile(lambda x, i: ng.while_loop(lambda c: c < 9, lambda c: c + ng.take(i, c, 0)[0] + 2, i[0, 0]))
    with pytest.raises(ng.IndexRangeError, match="index 5 is out of range"):
        walked(x, i)
    branch = ng.compile(lambda x, i: ng.cond(x[0, 0] > 0.0, lambda i: ng.take(x, i, 0), lambda i: ng.take(x, i * 0, 0), i))
    with pytest.raises(ng.IndexRangeError, match="index 4"):
        branch(x, i[2]).numpy()
    assert branch(-x, i[2]).shape == (2, 3)


def test_a_backward_of_its_own_is_halted_too(behind):
    x = ng.tensor(X, device="cuda", requires_grad=True)
    y = ng.compile(lambda x, i: ng.take(x, i, 0) * 2.0)(x, ng.tensor([0, 9], device="cuda"))
    with pytest.raises(ng.IndexRangeError, match="index 9"):
        y.backward(ng.ones((2, 3), device="cuda"))
    assert x.grad is None


def test_what_libraries_write_for_others_waits_for_checks(rng, pretended_cublas):
    a, b = rng.standard_normal((5, 19)), rng.standard_normal((19, 19))
    held, x, w = (ng.tensor(v, device="cuda") for v in (np.zeros((5, 19)), a, b))

    def f(i):
        rows = ng.take(x, i, 0)
        held[...] = rows @ w
        return rows

    f = ng.compile(f)
    with pytest.raises(ng.IndexRangeError, match="9"):
        f(ng.tensor([0, 1, 2, 3, 9], device="cuda")).numpy()
    assert not held.numpy().any()
    f(ng.tensor([0, 1, 2, 3, 4], device="cuda"))
    np.testing.assert_allclose(held.numpy(), a @ b, rtol=1e-12)
    text = str(f.show(ng.tensor([0, 1, 2, 3, 4], device="cuda")))
    assert "[a call of a library]" in text
    assert any(isinstance(step, Stop) for step in f.latest.program.space.steps) == ("copy" not in text)


def test_another_thread_that_needs_the_device_hears_of_it(behind):
    x, heard = ng.tensor(X, device="cuda"), []
    y = ng.compile(lambda x, i: ng.take(x, i, 0))(x, ng.tensor([0, 9], device="cuda"))

    def work():
        try:
            y.numpy()
        except IndexError as error:
            heard.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "index 9" in heard[0]


def test_threads_hear_of_their_own_checks():
    x, good, bad = (ng.tensor(a, device="cuda") for a in (np.arange(4.0), np.array([1, 2]), np.array([1, 9])))
    shared, failed = ng.compile(lambda x, i: x[i] * 3.0), []

    def work(k):
        try:
            f = ng.compile(lambda x, i: x[i] * k)
            for n in range(12):
                for g, by in ((f, k), (shared, 3.0)):
                    if n % 4 == 1:
                        with pytest.raises(IndexError, match="index 9"):
                            g(x, bad)
                    np.testing.assert_array_equal(g(x, good).numpy(), [by, 2.0 * by])
        except BaseException as error:
            failed.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=work, args=(k,)) for k in (1.0, 2.0)]
    try:
        for t in threads:
            t.start()
        for _ in range(12):
            np.testing.assert_array_equal(shared(x, good).numpy(), [3.0, 6.0])
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(before)
    assert not failed
