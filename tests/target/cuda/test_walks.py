"""Loops inside of compiled functions on a device, against the same op by op on the CPU."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cuda import space, walks
from nbgrad.target.cuda.part import Part
from nbgrad.target.cuda.site import Store
from nbgrad.target.cuda.walks import Back, Repeat, Turns, Walking

pytestmark = pytest.mark.cuda


def step(w):
    return lambda c, r: (ng.tanh(c * w + r), c * c)


def power(c, w):
    return ng.while_loop(lambda c: (c < 9.0).all(), lambda c: c * w * 0.1 + c * 1.7 + 1.0, c)


def total(f):
    return lambda x, w: sum([t.sum() for t in f(x, w)])


def both(f):
    return lambda x, w: ng.grad(f, (0, 1))(x, w)


LOOPS = {
    "scan": lambda x, w: ng.scan(step(w), x[0], x),
    "scan in reverse": lambda x, w: ng.scan(step(w), x[0], x, reverse=True),
    "gradient of scan": both(total(lambda x, w: ng.scan(step(w), x[0], x, reverse=True))),
    "checkpointed scan": both(total(lambda x, w: ng.scan(step(w), x[0], x, checkpoint=True))),
    "checkpointed scan in reverse": both(total(lambda x, w: ng.scan(step(w), x[0], x, reverse=True, checkpoint=True))),
    "turns by number": both(lambda x, w: ng.fori_loop(0, 4, lambda i, c: ng.sin(c * i) + x[i] * w, x[0]).sum()),
    "while": lambda x, w: power(x, w),
    "gradient of while": both(lambda x, w: power(x, w).sum()),
    "checkpointed while": both(lambda x, w: ng.while_loop(lambda c: (c < 9.0).all(), lambda c: c * 1.7 + w, x, checkpoint=True).sum()),
    "a branch": both(lambda x, w: ng.cond(x.sum() > 1e3, ng.sqrt, lambda y: y * w, x).sum()),
    "the other branch": both(lambda x, w: ng.cond(x.sum() < 1e3, lambda y: y * w, ng.sqrt, x).sum()),
    "a loop in a scan": both(
        lambda x, w: ng.scan(lambda c, r: (ng.fori_loop(0, 3, lambda i, d: ng.tanh(d * w + r), c), None), x[0], x)[0].sum()
    ),
    "a while in a scan": both(lambda x, w: ng.scan(lambda c, r: (power(c, r) * 0.1, None), w, x)[0].sum()),
    "a scan in a while": both(
        lambda x, w: ng.while_loop(lambda d: (d * d).sum() < 500.0, lambda d: ng.scan(lambda c, r: (c * 1.1 + r, None), d, x)[0] * 2.0, w).sum()
    ),
    "a branch in a scan": both(
        lambda x, w: ng.scan(lambda c, r: (ng.cond(r.sum() > 0.0, lambda c: c * r, lambda c: c + w, c), None), x[0], x)[0].sum()
    ),
    "gradient of a gradient": lambda x, w: ng.grad(lambda y: (ng.grad(lambda v: power(v, w).sum())(y) ** 2.0).sum())(x),
}  # fmt: skip


@pytest.fixture(params=["in one graph", "turn by turn", "three turns at once"])
def most(request, monkeypatch):
    """Loops that are part of the graph around them, and such that are not."""
    if request.param != "in one graph":
        monkeypatch.setattr(space, "MOST", 0)
        monkeypatch.setattr(walks, "TURNS", 3 if "three" in request.param else 1)


@pytest.mark.parametrize("name", LOOPS)
def test_loops_are_the_cpu_s(name, most, rng):
    a, b = rng.standard_normal((4, 3)), rng.standard_normal(3)
    f = ng.compile(LOOPS[name])
    for k in range(2):
        got, want = f(ng.tensor(a + k, device="cuda"), ng.tensor(b, device="cuda")), LOOPS[name](ng.tensor(a + k), ng.tensor(b))
        for u, v in zip(flat(got), flat(want), strict=True):
            assert u.device == "cuda:0"
            np.testing.assert_allclose(u.numpy(), v.numpy(), rtol=1e-11, atol=1e-11)


def flat(results):
    return [t for r in results for t in flat(r)] if isinstance(results, tuple) else [results]


def test_the_gradient_of_a_branch_that_is_not_taken_is_zero():
    f = ng.compile(ng.grad(lambda x: ng.cond(x > 0.0, ng.sqrt, ng.zeros_like, x)))
    assert f(ng.tensor(-4.0, device="cuda")).item() == 0.0  # both computed and one chosen would be NaN
    assert f(ng.tensor(4.0, device="cuda")).item() == 0.25


def test_gradients_through_a_call_from_outside(rng):
    a = rng.standard_normal((4, 3))
    f = ng.compile(lambda x: power(ng.scan(step(x[1]), x[0], x)[0], x[2]))
    x = ng.tensor(a, device="cuda", requires_grad=True)
    f(x).sum().backward()
    y = ng.tensor(a, requires_grad=True)
    f(y).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-11)


def spaces(f, *args):
    """Return the space of the program of a compiled function."""
    f(*args)
    return f.record(*args).program.space


def test_a_loop_of_few_launches_is_part_of_the_graph_around_it(rng, driver):
    x = ng.tensor(rng.standard_normal((5, 3)), device="cuda")
    f = ng.compile(lambda x: ng.scan(step(x[1]), x[0], x)[0] * 2.0)
    found = spaces(f, x)
    (launches,) = found.steps
    (walk,) = found.walks()
    assert type(walk) is Turns
    assert walk.size == 5 * 2
    assert found.size == walk.size + len(launches) - 1
    f(x)
    f(x)
    assert driver.asked.count("cuStreamBeginCapture") == 1
    assert driver.asked.count("cuGraphLaunch") == 2


@pytest.mark.parametrize(("turns", "graphs"), [(1, 7), (3, 1 + 1), (100, 7)])
def test_a_long_loop_has_a_graph_of_some_turns(turns, graphs, rng, driver, monkeypatch):
    monkeypatch.setattr(space, "MOST", 7)
    monkeypatch.setattr(walks, "TURNS", turns)
    x = ng.tensor(rng.standard_normal((8, 6)), device="cuda")
    f = ng.compile(lambda x: ng.scan(lambda c, r: (ng.flip(ng.tanh(c + r), 0), None), x[0], x)[0])
    found = spaces(f, x)
    walk = next(step for step in found.steps if isinstance(step, Turns))
    assert walk.size == 8 * 3
    assert driver.asked.count("cuStreamBeginCapture") == 1 + (turns == 3)
    assert driver.asked.count("cuGraphLaunch") == graphs  # eight turns: what is run first loads the kernels


def test_what_is_looked_at_is_in_no_graph(rng, monkeypatch):
    x = ng.tensor(rng.standard_normal((3, 3)), device="cuda")
    found = spaces(ng.compile(lambda x: power(x, x[0])), x)
    assert [type(walk) for walk in found.walks()] == [Repeat]
    assert found.size is None
    found = spaces(ng.compile(LOOPS["checkpointed scan"]), x, x[0].copy())
    assert Back in [type(walk) for walk in found.walks()]
    assert found.size is not None


def test_stores_grow_as_loops_go_on(rng, monkeypatch):
    monkeypatch.setattr(Store, "LEAST", 64)
    a = np.abs(rng.standard_normal((2, 3))) + 0.5
    loop = lambda x: ng.while_loop(lambda c: c.sum() < 1e4, lambda c: c * 1.05 + ng.tanh(c), x)
    f = ng.compile(lambda x: ng.grad(lambda y: loop(y).sum())(x))
    x = ng.tensor(a, device="cuda")
    for scale in (4e3, 1.0, 0.5):
        got, want = f(x * scale), ng.grad(lambda y: loop(y).sum())(ng.tensor(a * scale))
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-9)
    (store,) = set(f.record(x).program.space.stores)
    assert store.array.nbytes > 64


def test_what_fails_as_memory_grows_is_made_again(rng, monkeypatch):
    monkeypatch.setattr(Store, "LEAST", 64)
    a = np.abs(rng.standard_normal((2, 3))) + 0.5
    loss = lambda y: ng.while_loop(lambda c: c.sum() < 1e3, lambda c: c * 1.5 + ng.tanh(c), y).sum()
    f, x = ng.compile(ng.grad(loss)), ng.tensor(a * 1e3, device="cuda")
    f(x)
    (store,) = set(f.record(x).program.space.stores)
    first, feeds = store.array, space.Feeds
    x[...] = a

    def failing(*args):
        if store.array is not first:
            raise MemoryError
        return feeds(*args)

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(space, "Feeds", failing)
        f(x)
    np.testing.assert_allclose(f(x).numpy(), ng.grad(loss)(ng.tensor(a)).numpy(), rtol=1e-9)


@pytest.mark.parametrize("most", [0, 4096])
def test_libraries_work_where_a_turn_is(most, rng, monkeypatch, pretended_cublas):
    monkeypatch.setattr(space, "MOST", most)
    a, b = rng.standard_normal((4, 2, 17)), rng.standard_normal((17, 17))
    loop = lambda x, w: ng.scan(lambda c, r: (ng.tanh(c @ w + r @ w), None), x[0], x)[0].sum()
    f = ng.compile(ng.grad(loop, (0, 1)))
    for _ in range(2):
        got = f(ng.tensor(a, device="cuda"), ng.tensor(b, device="cuda"))
    assert len([c for c in pretended_cublas.called if c[0] == "product"]) >= 2 * 4 * 2
    for u, v in zip(got, ng.grad(loop, (0, 1))(ng.tensor(a), ng.tensor(b))):
        np.testing.assert_allclose(u.numpy(), v.numpy(), rtol=1e-9, atol=1e-12)
    bodies = [s for walk in f.record(ng.tensor(a, device="cuda"), ng.tensor(b, device="cuda")).program.space.walks() for s in walk.spaces]
    assert any(body.moved_by for body in bodies)


def test_a_part_that_calls_a_library_elsewhere_at_each_turn_is_no_graph(rng, monkeypatch, pretended_cublas):
    monkeypatch.setattr(space, "MOST", 0)
    x = ng.tensor(rng.standard_normal((4, 5, 18)), device="cuda")
    w = ng.tensor(rng.standard_normal((18, 18)), device="cuda")
    f = ng.compile(lambda x: ng.scan(lambda c, r: (c + r @ w, None), x[0], x)[0])
    f(x)
    (bound,) = f.record(x).program._bound.values()
    (walking,) = [s for s in bound.steps if isinstance(s, Walking)]
    assert [part.fixed for body in walking.bodies for part in body.steps if type(part) is Part] == [False]


def test_a_stop_in_a_loop_says_what_it_saw(rng):
    a = np.stack([np.eye(3)] * 4)
    f = ng.compile(lambda x: ng.scan(lambda c, r: (c + r[0], ng.take(r, c[0].astype("int64"), 0)), ng.zeros(3, device=x.device), x)[1])
    want = f(ng.tensor(a[:2]))
    np.testing.assert_array_equal(f(ng.tensor(a[:2], device="cuda")).numpy(), want.numpy())
    for device in ("cpu", "cuda"):
        with pytest.raises(IndexError, match="3"):
            f(ng.tensor(a, device=device)).numpy()


def test_arrays_that_were_no_tensors_go_where_the_loop_computes(rng):
    a = rng.standard_normal((3, 2))
    x = ng.tensor(a, device="cuda")
    run = lambda f: ng.compile(f)(x).numpy()
    np.testing.assert_allclose(run(lambda x: ng.fori_loop(0, 3, lambda i, c: c + x[i].sum(), 0.0)), a.sum())
    np.testing.assert_allclose(run(lambda x: ng.scan(lambda c, r: (r.sum() + c, None), 0.0, x)[0]), a.sum())
    np.testing.assert_allclose(run(lambda x: ng.scan(lambda c, i: (x[0] * i, None), np.zeros(2), np.arange(3.0))[0]), 2.0 * a[0])
    np.testing.assert_allclose(run(lambda x: ng.while_loop(lambda c: (c < 5.0).all(), lambda c: c + abs(x[0]), np.zeros(2))), walked(a[0]))
    np.testing.assert_allclose(run(lambda x: ng.cond(x.sum() > 1e3, lambda: 1.0, lambda: 0.0)), 0.0)
    np.testing.assert_allclose(run(lambda x: ng.scan(lambda c, r: (0.0, c), r0(x), x)[1]), [a[0, 0], 0.0, 0.0])
    with pytest.raises(ng.DeviceError, match="on cpu"):
        ng.compile(lambda x, y: ng.scan(lambda c, r: (c + r, None), y, x)[0])(x, ng.ones(2))
    with pytest.raises(ng.DeviceError, match="a carry .* of a loop is on one device"):
        ng.compile(lambda x, y: ng.scan(lambda c, _: (x[0] * 1.0, None), y, None, 3)[0])(x, ng.ones(2))


def r0(x):
    return x[0, 0]


def walked(v):
    c = np.zeros(2)
    while (c < 5.0).all():
        c = c + abs(v)
    return c


def test_numbers_that_change_reach_the_turns(rng):
    a = rng.standard_normal(4)
    results = {}
    for device in ("cpu", "cuda"):
        optimizer = ng.optim.SGD({"w": ng.tensor(a.copy(), device=device, requires_grad=True)}, lr=lambda k: (0.1, 0.2, 0.05)[k])

        def train(g, optimizer=optimizer):
            g = ng.fori_loop(0, 3, lambda i, c: c * 0.9, g)
            optimizer.step({"w": g})

        train = ng.compile(train)
        for _ in range(3):
            train(ng.ones(4, device=device))
        results[device] = optimizer.tensors["w"].numpy()
    np.testing.assert_allclose(results["cuda"], results["cpu"], rtol=1e-12)


def test_a_profile_counts_a_loop_as_one(rng):
    x = ng.tensor(rng.standard_normal((3, 3)), device="cuda")
    found = ng.profile(ng.compile(lambda x: power(ng.scan(step(x[0]), x[0], x)[0], x[0]) * 2.0), x, repeats=2)
    names = [row.name for row in found.rows]
    assert "scan" in names
    assert "while_loop" in names
