"""Compiled functions of numbers mapped over arrays of a device: values, gradients to any order, programs, and what is refused."""

import math

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, DeviceError, DtypeError

from .ad.random_programs import function, program, with_checkpoints
from .ad.zoo import CASES

pytestmark = pytest.mark.cuda
NUMBERS = {n: c for n, c in CASES.items() if all(isinstance(a, int | float) for a in c.args)}


@njit
def grown(x, n):
    """A loop whose number of turns differs from element to element, and a branch."""
    s = x
    for _ in range(n):
        if s > 1.0:
            s = s / 2.0
        else:
            s = s * x + 0.1
    return s


@njit
def kept_few(x, n):
    s = x
    for _ in ng.checkpointed(range(n)):
        s = math.sin(s * x)
    return s


@njit
def root(x):
    r = x
    while abs(r * r - x) > 1e-12:
        r = 0.5 * (r + x / r)
    return r


@njit
def polar(x, y):
    return math.hypot(x, y), (math.atan2(y, x), x > y)


@njit
def positive(x):
    if x < 0.0:
        raise ValueError("x is negative")
    return math.sqrt(x) * x


@njit
def weighted(x, by=3.0):
    terms = np.zeros(4)
    for i in range(4):
        terms[i] = by * x**i
    s = 0.0
    for i in range(len(terms)):
        s += terms[i] * terms[i]
    return s


X = np.array([0.3, 0.7, 1.9, 1.2, 0.9])


def on_device(a, **options):
    return ng.tensor(a, device="cuda", **options)


def plain(f, *args):
    """Call a compiled function, or a derivative of one, without compiling it: the text of a derivative is Python."""
    text = f.text_for(tuple(map(f.typeof_pyval, args))) if hasattr(f, "derivative") else f
    return text.py_func(*args)


def each(f, *arrays):
    """Return what a function gives for each place of arrays that broadcast."""
    return np.array([plain(f, *[v.item() for v in values]) for values in np.broadcast(*map(np.asarray, arrays))])


@pytest.mark.parametrize("name", NUMBERS)
def test_every_function_of_numbers_is_mapped_with_its_gradient(name):
    f, args, wrt, _, more = NUMBERS[name]
    given = [args, *more]
    columns = [np.array(column) for column in zip(*given)]
    tensors = [on_device(c, requires_grad=i in wrt) for i, c in enumerate(columns)]
    out = ng.cuda.mapped(f)(*tensors)
    np.testing.assert_allclose(out.numpy(), [plain(f, *a) for a in given], rtol=1e-12)
    out.sum().backward()
    for i in wrt:
        want = [plain(ng.grad(f, i), *a) for a in given]
        np.testing.assert_allclose(tensors[i].grad.numpy(), want, rtol=1e-9, atol=1e-12)


WRAPPED = """

@njit
def f_of_numbers(a, b, n):
    x = np.zeros(4)
    y = np.zeros(4)
    for i in range(4):
        x[i] = 0.3 * a + 0.2 * i
        y[i] = 1.1 - 0.25 * i + 0.1 * b
    return f(x, y, a, b, n)
"""


def test_random_programs_have_the_gradients_of_the_cpu():
    refused, compared, a, b = [], 0, np.array([0.7, 1.3, -0.4]), np.array([0.5, -0.8, 1.2])
    for seed in range(12):
        text = (with_checkpoints(program(seed)) if seed % 3 == 0 else program(seed)) + WRAPPED
        f = function(text, f"mapped_{seed}").py_func.__globals__["f_of_numbers"]
        x, y = on_device(a, requires_grad=True), on_device(b, requires_grad=True)
        with np.errstate(all="ignore"):
            try:
                ng.cuda.mapped(f)(x, y, 3).sum().backward()
            except ArgumentError as error:
                refused.append(str(error))
                continue
            want = [each(ng.grad(f, i), a, b, 3) for i in (0, 1)]
        np.testing.assert_allclose([x.grad.numpy(), y.grad.numpy()], want, rtol=1e-7, atol=1e-9)
        compared += 1
    assert compared > 3 and all("arrays as a whole" in text for text in refused)


def test_arrays_broadcast_and_may_lie_anyhow():
    x, y = np.arange(12.0).reshape(3, 4) + 0.1, np.arange(3.0).reshape(3, 1)
    near, (far, larger) = ng.cuda.mapped(polar)(on_device(x)[:, ::-1], on_device(y))
    np.testing.assert_allclose(near.numpy(), np.hypot(x[:, ::-1], y))
    np.testing.assert_allclose(far.numpy(), np.arctan2(y, x[:, ::-1]))
    np.testing.assert_array_equal(larger.numpy(), x[:, ::-1] > y)
    t = on_device(x.T.copy())
    assert ng.cuda.mapped(polar)(t.T, 2.0)[0].shape == (3, 4)
    assert ng.cuda.mapped(root)(on_device(np.zeros((0, 3)))).shape == (0, 3)
    assert ng.cuda.mapped(root)(on_device(4.0)).item() == pytest.approx(2.0)


def test_gradients_of_broadcast_arguments_are_summed_and_agree_with_finite_differences():
    x, y = on_device(X.reshape(5, 1), requires_grad=True), on_device(np.array([0.5, 1.1]), requires_grad=True)

    def f(x, y):
        near, (far, _) = ng.cuda.mapped(polar)(x, y)
        return (near * far).sum()

    f(x, y).backward()
    for t, other in ((x, y), (y, x)):
        for i in np.ndindex(t.shape):
            step = np.zeros(t.shape)
            step[i] = 1e-6
            ends = [f(*((t.detach() + s * step, other.detach()) if t is x else (other.detach(), t.detach() + s * step))) for s in (1, -1)]
            assert t.grad.numpy()[i] == pytest.approx((ends[0] - ends[1]).item() / 2e-6, rel=1e-6)


def test_a_derivative_is_mapped_as_the_function_is():
    for f, args in ((grown, (7,)), (kept_few, (9,)), (root, ())):
        got = ng.cuda.mapped(ng.grad(f))(on_device(X), *args)
        np.testing.assert_allclose(got.numpy(), each(ng.grad(f), X, *args), rtol=1e-12)
    value, (g_x, g_y) = ng.cuda.mapped(ng.value_and_grad(_near, (0, 1)))(on_device(X), 0.5)
    np.testing.assert_allclose(value.numpy(), np.hypot(X, 0.5))
    np.testing.assert_allclose(g_x.numpy(), X / np.hypot(X, 0.5))
    np.testing.assert_allclose(g_y.numpy(), 0.5 / np.hypot(X, 0.5))


@njit
def _near(x, y):
    return math.hypot(x, y)


def test_second_derivatives():
    for f, args in ((root, ()), (grown, (3,)), (weighted, (3.0,))):
        twice = ng.grad(lambda x, f=f, args=args: ng.grad(lambda x: ng.cuda.mapped(f)(x, *args).sum())(x).sum())
        want = each(ng.grad(ng.grad(f)), X, *args)
        np.testing.assert_allclose(twice(on_device(X)).numpy(), want, rtol=1e-9, atol=1e-12)


def test_second_derivatives_in_programs_and_few_launches_are_remembered(monkeypatch):
    f = ng.cuda.mapped(weighted)
    twice = ng.grad(lambda x: ng.grad(lambda x: (f(x, 2.0) * x).sum())(x).sum())
    np.testing.assert_allclose(ng.compile(twice)(on_device(X)).numpy(), twice(on_device(X)).numpy(), rtol=1e-12)
    monkeypatch.setattr("nbgrad.mapped.MOST", 3)
    for n in range(1, 8):
        assert f(on_device(np.ones(n))).shape == (n,)
    assert len(f.op.pull.__self__.launches) <= 3


def test_numbers_are_as_wide_as_the_tensors_and_defaults_are_known():
    x = on_device(X.astype(np.float32))
    near = ng.cuda.mapped(polar)(x, 2.0)[0]
    assert near.dtype == np.float32
    np.testing.assert_allclose(ng.cuda.mapped(weighted)(on_device(X)).numpy(), each(weighted, X, 3.0))
    np.testing.assert_allclose(ng.cuda.mapped(weighted)(on_device(X), np.float64(0.5)).numpy(), each(weighted, X, 0.5))


def test_turns_that_differ_between_elements():
    n = np.array([0, 3, 7, 1, 12])
    x = on_device(X, requires_grad=True)
    out = ng.cuda.mapped(grown)(x, on_device(n))
    np.testing.assert_allclose(out.numpy(), each(grown, X, n))
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), each(ng.grad(grown), X, n))


def test_a_thread_that_has_no_room_says_so():
    x = on_device(X, requires_grad=True)
    short = ng.cuda.mapped(grown, room=4)
    short(x, 4).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), each(ng.grad(grown), X, 4))
    out = short(x, 5).sum()
    with pytest.raises(ArgumentError, match=r"(?s)more turns than there is room to keep numbers of: 4\n.*test_mapped.*\n.*checkpointed"):
        out.backward()
    long = ng.cuda.mapped(kept_few, room=12)  # room for the logarithm of the turns
    y = on_device(X[:2], requires_grad=True)
    long(y, 100).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), each(ng.grad(kept_few), X[:2], 100), rtol=1e-9)


def test_a_function_that_raises_is_an_error():
    f = ng.cuda.mapped(positive)
    np.testing.assert_allclose(f(on_device(X)).numpy(), X**1.5)
    with pytest.raises(ArgumentError, match=r"mapped positive: for some element, ValueError\('x is negative'\)"):
        f(on_device(-X))
    assert f(on_device(np.zeros(0))).shape == (0,)


def test_programs_call_it_forward_and_backward():
    def step(x, n):
        return (ng.cuda.mapped(grown)(x * 2.0, n) * ng.cuda.mapped(positive)(x)).sum()

    n = on_device(np.array([0, 3, 7, 1, 12]))
    compiled = ng.compile(ng.value_and_grad(step))
    for scale in (1.0, 0.5):
        x = on_device(X * scale)
        got, want = compiled(x, n), ng.value_and_grad(step)(x, n)
        np.testing.assert_allclose(got[0].numpy(), want[0].numpy())
        np.testing.assert_allclose(got[1].numpy(), want[1].numpy())
    with pytest.raises(ArgumentError, match=r"(?s)x is negative.*\n.*test_mapped"):
        compiled(on_device(-X), n)[0].numpy()
    full = ng.compile(ng.grad(lambda x: ng.cuda.mapped(grown, room=2)(x, 7).sum()))
    with pytest.raises(ArgumentError, match="room to keep numbers of: 2"):
        full(on_device(X)).numpy()


@njit
def _element(a):
    return a[0]


@njit
def _text(x):
    return str(x)


@njit
def _itself(x):
    return x if x < 1.0 else _itself(x / 2.0)


@njit
def _cut(x):
    a = np.zeros(4)
    a[:2] = x
    return a.sum()


@njit
def _array(x):
    a = np.zeros(2)
    a[0] = x
    return a


@njit
def _nothing(x):
    x = x + 1.0


@njit
def _large(x):
    s = x
    for _ in range(10_000):
        s = math.sin(s * x)
    return s


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (_element, "has no elements"), (_text, "str is not supported"), (_itself, "needs to call itself"), (_cut, "arrays as a whole"),
        (_array, "to return an array"), (_nothing, "returns None"),
    ],
)  # fmt: skip
def test_what_a_thread_cannot_do_is_refused(f, says):
    with pytest.raises((ArgumentError, DtypeError), match=says) as caught:
        ng.cuda.mapped(f)(on_device(X))
    assert len(str(caught.value).splitlines()) == 3


def test_what_a_gradient_keeps_must_fit():
    x = on_device(X[:1], requires_grad=True)
    f = ng.cuda.mapped(_large)
    out = f(on_device(X[:1]))
    np.testing.assert_allclose(out.numpy(), each(_large, X[:1]))
    with pytest.raises(ArgumentError, match="keeps more than 65536 bytes"):
        ng.grad(lambda x: f(x).sum())(x)


def test_bad_arguments():
    f, x = ng.cuda.mapped(polar), on_device(X)
    with pytest.raises(DeviceError, match="x on cpu, y on cpu; it is mapped over tensors of one device"):
        f(ng.tensor(X), ng.tensor(X))
    with pytest.raises(DeviceError, match="x on cuda:0, y on cpu"):
        f(x, ng.tensor(X))
    with pytest.raises(DeviceError, match="numbers alone"):
        f(1.0, 2.0)
    with pytest.raises(DtypeError, match="y is str"):
        f(x, "a")
    with pytest.raises(DtypeError, match="y is dict"):
        f(x, {})
    with pytest.raises(ArgumentError, match="1 arguments given"):
        f(x)
    with pytest.raises(ArgumentError, match="it is no function of Numba's"):
        ng.cuda.mapped(lambda x: x)
    with pytest.raises(ArgumentError, match="room=0"):
        ng.cuda.mapped(polar, room=0)
    assert ng.cuda.mapped(polar) is ng.cuda.mapped(polar)
