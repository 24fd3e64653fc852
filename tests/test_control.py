"""Control flow on values: what loops compute, their gradients, what checkpoints keep, and every error."""

import gc
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, DtypeError, GradientError, ShapeError

BOTH = pytest.mark.parametrize("checkpoint", [False, True])


def cell(h, x, w):
    return ng.tanh(h * w + x * h) + 0.5 * h


def numpy_cell(h, x, w):
    return np.tanh(h * w + x * h) + 0.5 * h


def chain(xs, w, h, **options):
    """A recurrence whose carry is a result as well, and which reads `w` from outside."""

    def step(h, x):
        h = cell(h, x, w)
        return h, h

    return ng.scan(step, h, xs, **options)


@pytest.fixture
def given(rng):
    return rng.standard_normal((7, 3)), rng.standard_normal(3), rng.standard_normal(3)


# -- scan


@BOTH
@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_is_the_loop(given, reverse, checkpoint):
    xs, w, h = given
    last, ys = chain(*map(ng.tensor, given), reverse=reverse, checkpoint=checkpoint)
    want = np.zeros_like(xs)
    for i in reversed(range(7)) if reverse else range(7):
        want[i] = h = numpy_cell(h, xs[i], w)
    np.testing.assert_allclose(ys.numpy(), want, rtol=1e-14)
    np.testing.assert_allclose(last.numpy(), h, rtol=1e-14)


@BOTH
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("n", [1, 2, 7])
def test_gradients_of_a_scan_to_the_second_order(given, reverse, checkpoint, n):
    xs, w, h = given
    assert ng.gradcheck(lambda *a: chain(*a, reverse=reverse, checkpoint=checkpoint), xs[:n], w, h, order=2, directions=1)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 13])
def test_checkpoints_change_no_bit(rng, reverse, n):
    xs, w, h = rng.standard_normal((n, 4)), rng.standard_normal(4), rng.standard_normal(4)

    def loss(xs, w, h, checkpoint):
        def step(c, x):
            a, b = c
            a = ng.sin(a * w + x) * a + b
            return (a, b * w + a), {"a": a, "none": None, "x": x * w}

        (a, b), ys = ng.scan(step, (h, 2.0 * h), xs, reverse=reverse, checkpoint=checkpoint)
        return (a * b).sum() + (ys["a"] ** 2 + ys["x"]).mean()

    plain, again = [ng.value_and_grad(lambda *a, c=c: loss(*a, c), (0, 1, 2))(xs, w, h) for c in (False, True)]
    assert plain[0].item() == again[0].item()
    for a, b in zip(plain[1], again[1]):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@BOTH
def test_captured_parameters_get_their_gradients_by_backward(given, checkpoint):
    xs, w, h = given
    w = ng.tensor(w, requires_grad=True)
    twice = w * 2.0
    last, ys = chain(xs, twice, h, checkpoint=checkpoint)
    (ys.sum() + (w * last).sum()).backward()
    want = ng.grad(lambda w: (lambda last, ys: ys.sum() + (w * last).sum())(*chain(xs, 2.0 * w, h)))(w.numpy())
    np.testing.assert_allclose(w.grad.numpy(), want.numpy(), rtol=1e-13)


@BOTH
def test_a_captured_parameter_may_also_be_the_carry(rng, checkpoint):
    def f(h):
        return ng.scan(lambda c, x: (ng.sin(c * h), h), h, None, length=3, checkpoint=checkpoint)

    assert ng.gradcheck(f, rng.standard_normal(3), order=2, directions=1)


@BOTH
def test_a_gradient_of_a_gradient_goes_through_a_scan(given, checkpoint):
    xs, w, h = given
    f = lambda w: chain(xs, w, h, checkpoint=checkpoint)[1].sum()
    want = ng.hessian(lambda w: chain(xs, w, h)[1].sum())(w).numpy()
    np.testing.assert_allclose(ng.hessian(f)(w).numpy(), want, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ng.hvp(f, (w,), (h,)).numpy(), want @ h, rtol=1e-12, atol=1e-12)
    third = ng.grad(lambda w: (ng.grad(lambda w: (ng.grad(f)(w) * h).sum())(w) * h).sum())
    plain = ng.grad(lambda w: (ng.grad(lambda w: (ng.grad(lambda w: chain(xs, w, h)[1].sum())(w) * h).sum())(w) * h).sum())
    np.testing.assert_allclose(third(w).numpy(), plain(w).numpy(), rtol=1e-11, atol=1e-12)


@BOTH
@pytest.mark.parametrize("loss", [lambda h, ys: h.sum(), lambda h, ys: ys[2].sum(), lambda h, ys: ys[0, 1] * h[1]])
def test_a_loss_may_use_only_a_part_of_the_results(given, loss, checkpoint):
    assert ng.gradcheck(lambda *a: loss(*chain(*a, checkpoint=checkpoint)), *given, directions=1)


@BOTH
def test_scans_within_scans(rng, checkpoint):
    a = rng.standard_normal((3, 4))

    def f(a, w):
        def row(total, r):
            inner, seen = ng.scan(lambda c, v: (ng.sin(c * v + w), c), total, r, checkpoint=checkpoint)
            return inner * w, seen

        return ng.scan(row, w * 0.5, a, checkpoint=checkpoint)

    c, w, want = 0.35, 0.7, np.zeros_like(a)
    for i in range(3):
        for j in range(4):
            want[i, j], c = c, np.sin(c * a[i, j] + w)
        c *= w
    last, seen = f(ng.tensor(a), ng.tensor(w))
    np.testing.assert_allclose(seen.numpy(), want, rtol=1e-14)
    np.testing.assert_allclose(last.item(), c, rtol=1e-14)
    assert ng.gradcheck(f, a, np.array(w), order=2, directions=1)


class State(NamedTuple):
    h: object
    count: object


@BOTH
def test_structures_of_many_kinds_and_dtypes(rng, checkpoint):
    xs = {"a": rng.standard_normal((4, 2)), "n": [np.arange(4), None]}

    def f(a):
        def step(c, x):
            new = {"total": c["total"] + x["a"] * x["n"][0], "state": State(c["state"].h * x["a"], c["state"].count + 1)}
            return {"state": new["state"], "total": new["total"]}, (None, [x["n"][0] * 2, x["a"]])  # in another order

        init = {"total": np.zeros(2), "state": State(np.ones(2), 0)}
        return ng.scan(step, init, {"a": a, "n": xs["n"]}, checkpoint=checkpoint)

    last, (nothing, (doubled, same)) = f(ng.tensor(xs["a"], requires_grad=True))
    assert nothing is None
    assert list(last) == ["total", "state"]
    assert isinstance(last["state"], State)
    assert last["state"].count.item() == 4
    assert last["state"].count.dtype == doubled.dtype == np.int64
    assert doubled.tolist() == [0, 2, 4, 6]
    np.testing.assert_array_equal(same.detach().numpy(), xs["a"])
    np.testing.assert_allclose(last["total"].detach().numpy(), (xs["a"] * np.arange(4)[:, None]).sum(0), rtol=1e-14)
    assert ng.gradcheck(f, xs["a"], order=2, directions=1)


@BOTH
def test_no_steps(given, checkpoint, seeded):
    xs, w, h = given
    before = ng.random.get_state()
    out = ng.grad(lambda h: chain(np.zeros((0, 3), np.float32), w, h, checkpoint=checkpoint)[0].sum())(h)
    assert out.tolist() == [1, 1, 1]
    last, ys = chain(np.zeros((0, 3), np.float32), w, h, checkpoint=checkpoint)
    assert (ys.shape, ys.dtype) == ((0, 3), np.float64)
    np.testing.assert_array_equal(last.numpy(), h)
    _, ys = ng.scan(lambda c, x: (c, (None, ng.random.uniform(2))), 0.0, None, length=0, checkpoint=checkpoint)
    assert ys[0] is None and ys[1].shape == (0, 2)
    assert ng.random.get_state() == before
    assert ng.fori_loop(3, 1, lambda i, c: c + 1.0, 0.0, checkpoint=checkpoint).item() == 0
    assert ng.grad(lambda x: ng.while_loop(lambda c: False, lambda c: c * c, x, checkpoint=checkpoint))(3.0).item() == 1


def test_a_long_scan_joins_its_results():
    n = 2000
    xs = ng.tensor(np.arange(1.0 * n), requires_grad=True)
    last, ys = ng.scan(lambda c, x: (c + x, c + x), 0.0, xs)
    np.testing.assert_array_equal(ys.detach().numpy(), np.cumsum(np.arange(n)))
    ys.sum().backward()
    np.testing.assert_array_equal(xs.grad.numpy(), np.arange(n, 0, -1))


@BOTH
def test_random_numbers_are_drawn_once_for_each_step(seeded, checkpoint):
    drawn = []

    def step(c, x):
        noise = ng.random.normal((), dtype="float64")
        drawn.append(noise.item())
        return c * noise, None

    x = ng.tensor(2.0, requires_grad=True)
    last, _ = ng.scan(step, x, None, length=6, checkpoint=checkpoint)
    after = ng.random.get_state()
    last.backward()
    assert ng.random.get_state() == after
    assert len(set(drawn)) == 6
    np.testing.assert_allclose(x.grad.item(), np.prod(drawn[:6]), rtol=1e-13)


# -- fori_loop and while_loop


@BOTH
def test_fori_loop_is_range(rng, checkpoint):
    seen = []

    def body(i, c):
        seen.append((i.dtype, i.shape, i.item()))
        return c * w[i] + i

    w = rng.standard_normal(9)
    w = ng.tensor(w, requires_grad=True)
    out = ng.fori_loop(2, ng.tensor(7), body, 0.5, checkpoint=checkpoint)
    want = 0.5
    for i in range(2, 7):
        want = want * w.detach().numpy()[i] + i
    assert seen == [(np.int64, (), i) for i in range(2, 7)]
    np.testing.assert_allclose(out.item(), want, rtol=1e-14)

    def f(w, c):
        return ng.fori_loop(-2, 4, lambda i, c: {"c": ng.sin(c["c"] * w[i + 2]), "n": c["n"] + i}, {"c": c, "n": 0})["c"]

    assert ng.gradcheck(f, rng.standard_normal(9), np.array(0.3), order=2, directions=1)


def collatz(x):
    n = 0
    while x > 1.05:
        x, n = (x / 2 if n % 2 else 0.9 * x + 0.1), n + 1
    return x, n


@BOTH
def test_a_while_loop_has_gradients(checkpoint):
    def f(x, w):
        def body(c):
            x, n = c
            return ng.where(n % 2 == 1, x / w, 0.9 * x + 0.1), n + 1

        return ng.while_loop(lambda c: c[0] > 1.05, body, (x, 0), checkpoint=checkpoint)

    x, n = f(ng.tensor(30.0), 2.0)
    want, count = collatz(30.0)
    np.testing.assert_allclose(x.item(), want, rtol=1e-14)
    assert n.item() == count > 5
    assert ng.gradcheck(lambda x, w: f(x, w)[0], np.array(30.0), np.array(2.0), order=2, directions=1)


@BOTH
def test_conditions_may_look_at_values(checkpoint):
    f = lambda x: ng.while_loop(lambda c: float(c.sum()) < 50.0, lambda c: c * x, x, checkpoint=checkpoint)
    np.testing.assert_allclose(ng.grad(lambda x: f(x).sum())(np.array([3.0, 2.0])).numpy(), [4 * 27.0, 4 * 8.0])


@BOTH
def test_newtons_root_by_a_while_loop(checkpoint):
    def root(a):
        body = lambda c: (0.5 * (c[0] + a / c[0]), c[0])
        return ng.while_loop(lambda c: ng.abs(c[0] - c[1]) > 1e-12, body, (a, 0.0 * a), checkpoint=checkpoint)[0]

    np.testing.assert_allclose([root(ng.tensor(2.0)).item(), ng.grad(root)(2.0).item()], [2**0.5, 0.5 / 2**0.5], rtol=1e-12)


@BOTH
def test_loops_in_no_grad_leave_nothing_on_the_tape(given, checkpoint):
    w = ng.tensor(given[1], requires_grad=True)
    with ng.no_grad():
        assert not any(t.requires_grad for t in chain(given[0], w, given[2], checkpoint=checkpoint))
    assert not any(t.requires_grad for t in chain(*given, checkpoint=checkpoint))


# -- cond


@pytest.mark.parametrize("wrap", [bool, np.bool_, np.array, ng.tensor])
def test_cond_runs_one_branch(wrap):
    ran = []
    branch = lambda name, f: lambda x, p: (ran.append(name), {"y": f(x), "p": p[0]})[1]
    for value in (True, False):
        out = ng.cond(wrap(value), branch("yes", ng.exp), branch("no", ng.neg), 2.0, [np.ones(2)])
        assert ran.pop() == ("yes" if value else "no") and not ran
        np.testing.assert_allclose(out["y"].item(), np.exp(2.0) if value else -2.0)
        assert isinstance(out["p"], ng.Tensor)


def test_gradients_through_cond(rng):
    w = rng.standard_normal(3)
    f = lambda x, w: ng.cond(x.sum() > 0, lambda x: x * x * w, lambda x: ng.sin(x) * w * w, x)
    for x in (np.array([1.0, 2.0, -0.5]), np.array([-1.0, -2.0, 0.5])):
        assert ng.gradcheck(f, x, w, order=2, directions=1)


@BOTH
def test_cond_in_a_scan(rng, checkpoint):
    step = lambda c, x: (ng.cond(x > 0, lambda c: c * x, lambda c: ng.sin(c), c), None)
    assert ng.gradcheck(lambda c, xs: ng.scan(step, c, xs, checkpoint=checkpoint)[0], np.array(0.7), rng.standard_normal(6), order=2)


# -- what checkpoints keep and compute


def alive_at_most(n, checkpoint, size=100):
    """Return the greatest number of carries that were alive at once in a loop and its backward, and how many there were."""
    carries, most = [], 0

    def body(i, c):
        nonlocal most
        c = ng.tanh(c * 1.5)
        carries.append(weakref.ref(c.data))
        most = max(most, sum(r() is not None for r in carries))
        return c

    x = ng.tensor(np.linspace(0, 1, size), requires_grad=True)
    gc.disable()  # all of it goes by itself
    try:
        ng.fori_loop(0, n, body, x, checkpoint=checkpoint).sum().backward()
        most = max(most, sum(r() is not None for r in carries))
    finally:
        gc.enable()
    return most, len(carries)


def test_checkpoints_hold_the_logarithm_of_the_carries():
    assert alive_at_most(64, False)[0] >= 64
    for n in (8, 16, 64, 200):
        levels = (n - 1).bit_length()
        most, computed = alive_at_most(n, True)
        assert most <= levels + 2, (n, most)
        assert computed <= n * (levels / 2 + 2)


def test_checkpoints_of_a_while_loop_hold_the_logarithm_too():
    carries, most = [], 0

    def body(c):
        nonlocal most
        c = c * 1.01
        carries.append(weakref.ref(c.data))
        most = max(most, sum(r() is not None for r in carries))
        return c

    x = ng.tensor(np.ones(10), requires_grad=True)
    y = ng.while_loop(lambda c: c[0] < 3.0, body, x, checkpoint=True)
    n = len(carries)
    y.sum().backward()
    assert n == 111 and most <= 9
    np.testing.assert_allclose(x.grad.numpy(), np.full(10, 1.01**111), rtol=1e-12)


def test_constants_of_steps_are_let_go():
    constants = []

    def body(i, c):
        k = ng.exp(ng.ones(50) * i * 0.01)
        constants.append(weakref.ref(k.data))
        return c * k

    x = ng.tensor(np.ones(50), requires_grad=True)
    y = ng.fori_loop(0, 20, body, x, checkpoint=True)
    assert not any(r() is not None for r in constants)
    y.sum().backward()
    inside = ng.checkpoint(lambda c: ng.fori_loop(0, 20, body, c, checkpoint=True))
    assert not any(r() is not None for r in constants)
    np.testing.assert_array_equal(ng.grad(lambda c: inside(c).sum())(np.ones(50)).numpy(), x.grad.numpy())


def test_a_tape_lists_a_checkpointed_loop_and_not_its_steps():
    with ng.Tape() as tape:
        v = tape.watch([1.0, 2.0], "v")
        last, ys = ng.scan(lambda c, x: (c * x, c), 1.0, v, checkpoint=True)
        y = last + ys.sum()
    assert [n.op.name for n in tape.nodes if n.op is not None] == ["loop", "item", "item", "sum", "add"]
    assert tape.gradient(y, v).tolist() == [3, 1]


def test_a_checkpointed_loop_can_be_walked_again():
    x = ng.tensor(0.5, requires_grad=True)
    y = ng.fori_loop(0, 5, lambda i, c: ng.sin(c), x, checkpoint=True)
    y.backward(keep=True)
    once = x.grad.item()
    y.backward()
    np.testing.assert_allclose(x.grad.item(), 2 * once, rtol=1e-15)
    with pytest.raises(GradientError, match="freed"):
        y.backward()


@pytest.mark.parametrize("what", ["init", "xs", "captured", "constant", "nested"])
def test_writes_before_the_backward_are_noticed(what):
    init, xs, w, k = [ng.tensor(np.ones(4), requires_grad=True) * 1.0 for _ in range(3)] + [ng.ones(4)]
    loop = lambda: ng.scan(lambda c, x: (c * w * k * x, None), init, xs, checkpoint=True)[0].sum()
    y = ng.checkpoint(loop)() if what == "nested" else loop()
    {"init": init, "xs": xs, "captured": w, "constant": k, "nested": w}[what][...] = 2.0
    with pytest.raises(GradientError, match="its backward reads an argument of shape"):
        y.backward()


# -- errors


def raises(kind, call, *texts):
    with pytest.raises(kind) as caught:
        call()
    what, where, fix = str(caught.value).splitlines()
    assert where.startswith("  at test_control.py:") and fix.startswith("  try: ")
    for text in texts:
        assert text in what


@BOTH
def test_errors_of_a_carry_that_changes(checkpoint):
    x = ng.tensor(np.ones(3), requires_grad=True)
    scan = lambda f, init: lambda: ng.scan(f, init, None, length=2, checkpoint=checkpoint)
    raises(ShapeError, scan(lambda c, _: ({"a": c["a"], "h": [c["h"][0][:2]]}, None), {"a": 0.0, "h": [x]}),
           "scan: the shape of carry.h.0 changes: float64(3,) before, float64(2,) after")
    raises(DtypeError, scan(lambda c, _: (c + 0.5, None), 0), "scan: the dtype of carry changes: int64() before, float64() after")
    raises(ArgumentError, scan(lambda c, _: ((c[0],), None), (x, x)), "the structure of carry changes: tuple(*, *) before, tuple(*) after")
    raises(ArgumentError, scan(lambda c, _: ({"h": {"k": c["h"]}}, None), {"h": x}), "the structure of carry.h changes: an array before")
    raises(ArgumentError, scan(lambda c, _: (None, None), x), "carry", "None after")


@BOTH
@pytest.mark.parametrize("kind", ["fori_loop", "while_loop"])
def test_errors_of_a_carry_that_changes_in_loops_without_results(kind, checkpoint):
    x = ng.tensor(np.ones(3), requires_grad=True)

    def loop(f):
        if kind == "fori_loop":
            return lambda: ng.fori_loop(0, 2, lambda i, c: f(c), x, checkpoint=checkpoint)
        return lambda: ng.while_loop(lambda c: True, f, x, checkpoint=checkpoint)

    raises(ShapeError, loop(lambda c: c[:, None]), f"{kind}: the shape of carry changes: float64(3,) before, float64(3, 1) after")
    raises(DtypeError, loop(lambda c: c.astype("float32")), "float32(3,) after")
    raises(ArgumentError, loop(lambda c: [c]), "list(*) after")


@BOTH
def test_errors_of_results_that_change(checkpoint):
    scan = lambda f: lambda: ng.scan(lambda c, _: (c + 1, f(c.item())), 0, None, length=3, checkpoint=checkpoint)
    raises(ShapeError, scan(lambda i: {"k": np.ones(i)}), "scan: the shape of y.k changes: float64(0,) before, float64(1,) after")
    raises(DtypeError, scan(lambda i: 1 if i else 1.0), "the dtype of y changes")
    raises(ArgumentError, scan(lambda i: 1 if i else None), "the structure of y changes: None before, an array after")


def test_errors_of_what_a_scan_goes_along():
    f = lambda c, x: (c, None)
    raises(ShapeError, lambda: ng.scan(f, 0.0, {"a": np.ones(3), "b": [np.ones((4, 2))]}), "different lengths: xs.a 3, xs.b.0 4")
    raises(ShapeError, lambda: ng.scan(f, 0.0, np.ones(3), length=4), "length=4, and xs has length 3")
    raises(ShapeError, lambda: ng.scan(f, 0.0, (np.ones(3), 1.0)), "xs.1 is 0-d")
    raises(ArgumentError, lambda: ng.scan(f, 0.0, None), "no length is given")
    raises(ArgumentError, lambda: ng.scan(f, 0.0, None, length=-1), "length=-1 is not 0 or more")
    raises(ArgumentError, lambda: ng.scan(f, 0.0, None, length=1.5), "length must be an integer")
    raises(ArgumentError, lambda: ng.scan(f, 0.0, None, length=1, reverse="no"), "reverse is 'no'")
    raises(ArgumentError, lambda: ng.scan(f, 0.0, None, length=1, checkpoint=3), "checkpoint is 3")
    raises(ArgumentError, lambda: ng.scan(lambda c, x: c, 0.0, None, length=1), "f returned Tensor, not a pair")
    raises(ArgumentError, lambda: ng.scan(lambda c, x: (c, x, x), 0.0, None, length=1), "f returned tuple of 3, not a pair")
    raises(ArgumentError, lambda: ng.fori_loop(0.5, 2, lambda i, c: c, 0.0), "lower must be an integer")
    raises(ArgumentError, lambda: ng.fori_loop(0, None, lambda i, c: c, 0.0), "upper must be an integer")


def test_errors_of_what_is_no_bool():
    loop = lambda value: lambda: ng.while_loop(lambda c: value, lambda c: c, 0.0)
    raises(ArgumentError, loop(ng.ones(3) > 0), "while_loop: the condition returned bool(3,), not one bool")
    raises(ArgumentError, loop(ng.tensor(1.0)), "float64()")
    raises(ArgumentError, loop(1), "int, not one bool")
    raises(ArgumentError, loop(None), "NoneType")
    choose = lambda value: lambda: ng.cond(value, lambda: 0.0, lambda: 1.0)
    raises(ArgumentError, choose(np.ones(1) > 0), "cond: the predicate is bool(1,), not one bool")
    raises(ArgumentError, choose(1), "the predicate is int")


def test_errors_of_what_is_no_function():
    f = lambda *a: a
    raises(ArgumentError, lambda: ng.scan(1, 0.0, None, length=1), "scan: f is int, not a function")
    raises(ArgumentError, lambda: ng.fori_loop(0, 1, None, 0.0), "fori_loop: body is NoneType")
    raises(ArgumentError, lambda: ng.while_loop(True, f, 0.0), "while_loop: condition is bool")
    raises(ArgumentError, lambda: ng.while_loop(f, 2.0, 0.0), "while_loop: body is float")
    raises(ArgumentError, lambda: ng.cond(True, 1.0, f), "cond: true is float")
    raises(ArgumentError, lambda: ng.cond(True, f, 1.0), "cond: false is float")


def test_an_error_in_the_backward_gives_the_random_state_back(seeded):
    runs = []

    def body(i, c):
        runs.append(ng.random.uniform(2))
        if len(runs) > 4:
            raise ZeroDivisionError
        return c * c

    y = ng.fori_loop(0, 4, body, ng.tensor(1.0, requires_grad=True), checkpoint=True)
    after = ng.random.get_state()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert ng.random.get_state() == after


@pytest.mark.cuda
@pytest.mark.parametrize("compiled", [False, True])
def test_loops_on_a_device_are_the_cpu_s(compiled, rng):
    a, w = rng.standard_normal((5, 4)), rng.standard_normal(4)

    def f(xs, w):
        carry, ys = ng.scan(lambda c, x: (ng.tanh(c * w + x), c * 2.0), xs[0], xs)
        last = ng.fori_loop(0, 3, lambda i, c: c * w + i, carry)
        return ng.cond(last[0] > 0.5, lambda v: v * 2.0, lambda v: v - 1.0, last) + ys[2]

    f = ng.compile(f) if compiled else f
    got, want = (f(ng.tensor(a, device=d), ng.tensor(w, device=d)) for d in ("cuda", "cpu"))
    assert got.device == "cuda:0"
    np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-13)


@pytest.mark.cuda
@BOTH
@pytest.mark.parametrize("compiled", [False, True])
def test_arrays_that_were_no_tensors_go_to_the_device_of_the_others(compiled, checkpoint, rng):
    a = rng.standard_normal((3, 2))

    def f(x):
        summed = ng.fori_loop(0, 3, lambda i, c: c + x[i].sum(), 0.0, checkpoint=checkpoint)
        halves = lambda c: (ng.where(c[1] % 2 == 0, c[0] * 0.5, c[0]), c[1] + 1)
        last, count = ng.while_loop(lambda c: (abs(c[0]) > 0.01).any(), halves, (x, 0), checkpoint=checkpoint)
        return summed, last, count

    f = ng.compile(f) if compiled else f
    for got, want in zip(f(ng.tensor(a, device="cuda")), f(ng.tensor(a))):
        assert got.device == "cuda:0"
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-13)


@pytest.mark.cuda
@pytest.mark.parametrize("body", [lambda i, c, m: ng.sin(c * i.astype("float64")), lambda i, c, m: ng.sin(c + m[i + 1])])
def test_the_number_of_a_turn_is_where_the_carry_is(body, rng):
    a, m = rng.standard_normal(3), rng.standard_normal((4, 3))
    loop = lambda x, m: ng.fori_loop(0, 3, lambda i, c: body(i, c, m), x)
    second = lambda x, m: ng.grad(lambda x: (ng.grad(lambda x: loop(x, m).sum())(x) ** 2.0).sum())(x)
    for f in (loop, ng.compile(second)):
        got = f(ng.tensor(a, device="cuda"), ng.tensor(m, device="cuda"))
        assert got.device == "cuda:0"
        np.testing.assert_allclose(got.numpy(), f(ng.tensor(a), ng.tensor(m)).numpy(), rtol=1e-11)
