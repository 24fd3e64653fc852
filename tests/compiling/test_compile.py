"""Compiled functions do what the functions do: every row, random programs, training, arguments of all kinds, errors."""

import dataclasses
import pickle
import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.tape.tape import recording
from tests.ops.test_table import samples

RTOL = {"float32": 2e-6, "float64": 1e-14}


def values(tree):
    """Return the arrays of a result, nested in lists."""
    if isinstance(tree, (list, tuple)):
        return [values(v) for v in tree]
    return np.array(tree.numpy()) if isinstance(tree, ng.Tensor) else tree


def flat(tree):
    return [a for v in tree for a in flat(v)] if isinstance(tree, list) else [tree]


def same(got, want, rtol=0.0, atol=0.0):
    got, want = flat(values(got)), flat(values(want))
    assert len(got) == len(want)
    for a, b in zip(got, want):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, equal_nan=True)


def check(f, *calls, rtol=0.0, atol=0.0):
    """Hold a compiled function against the function itself, on each of several lists of arguments, twice."""
    compiled = ng.compile(f)
    for args in calls:
        for _ in range(2):
            same(compiled(*args), f(*args), rtol, atol)
    return compiled


def count(compiled):
    return sum(map(len, compiled.runs.values()))


# -- rows


def test_rows_are_those_of_eager_mode(op, dtype):
    args = [ng.tensor(a) for a in samples(op, dtype)]
    others = [ng.tensor(a) for a in samples(op, dtype, seed=1)]
    compiled = check(lambda *args: op(*args), args, others)
    assert count(compiled) == 1
    if op.ref is not None:
        with np.errstate(all="ignore"):
            want = np.asarray(op.ref(*[a.numpy() for a in args]), float)
        np.testing.assert_allclose(compiled(*args).numpy().astype(float), want, rtol={"float32": 3e-5, "float64": 1e-12}[dtype], atol=3e-5)


@pytest.mark.parametrize("name", [op.name for op in rows()["reduction"]])
@pytest.mark.parametrize("axis", [None, 0, (1, 2)])
def test_reductions_are_those_of_eager_mode(name, axis, rng):
    x = rng.standard_normal((3, 4, 5)).astype("float32")
    if table[name].accepts[0] == "bool":
        x = x > 0
    check(lambda x: (table[name](x, axis=axis, keepdims=False), table[name](x[:, ::-1].T, axis=axis, keepdims=True)), [ng.tensor(x)], [ng.tensor(x * 2)])


WHOLE = {
    "matmul": lambda x, y: (x @ y, y.T @ x.T, x[0] @ y, x.reshape(2, 2, 4) @ y),
    "softmax": lambda x, y: (ng.softmax(x), ng.log_softmax(y, axis=0), ng.logsumexp(x, axis=(0, 1))),
    "cumsum": lambda x, y: (ng.cumsum(x, axis=0), ng.cumprod(y, axis=1), ng.cummax(x, axis=1)),
    "sort": lambda x, y: (ng.sort(x), ng.argsort(y, axis=0), ng.argmax(x), ng.argmin(y, axis=1)),
    "joining": lambda x, y: (ng.concatenate([x, y.T * 2.0]), ng.stack([x, x]), ng.concatenate([x[1:], x[:1]]), ng.split(x, 2, axis=1)),
    "take": lambda x, y: (ng.take(x, [2, 0, -1], axis=0), x[ng.tensor([0, 1]), ng.tensor([1, 3])], ng.take_along_axis(x, ng.argsort(x), axis=-1)),
    "einsum": lambda x, y: (ng.einsum("ij,jk->ik", x, y), ng.einsum("ij->j", x), ng.einsum("ij,ij->", x, x)),
    "norms": lambda x, y: (ng.layer_norm(x), ng.norm(y), ng.var(x, axis=0), ng.std(y)),
    "losses": lambda x, y: (ng.mse_loss(x, y.T), ng.cross_entropy(x, ng.tensor([0, 1, 3, 2])), ng.softplus(x).mean()),
    "views": lambda x, y: (x.T, x[::2, 1:], x.reshape(-1), ng.broadcast_to(x, (2, 4, 4)), x[None, :, None], x[0, 0]),
    "where": lambda x, y: (ng.where(x > 0, x, y.T), x.clip(-0.5, 0.5), ng.maximum(x, 0.0), (x > y.T).astype("int32")),
    "numpy": lambda x, y: (np.sin(x), np.concatenate([x, x]), np.sum(y, axis=0)),
    "written": lambda x, y: written(x * 1.0, y),
}


def written(z, y):
    z[1] = y[0]
    z[:, 2] += 1.0
    z[...] = z * z
    return z


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WHOLE)
def test_whole_rows_are_those_of_eager_mode(name, dtype, rng):
    make = lambda: [ng.tensor(rng.standard_normal((4, 4)).astype(dtype)) for _ in range(2)]
    check(WHOLE[name], make(), make(), rtol=RTOL[dtype], atol=RTOL[dtype])


def test_windows_are_those_of_eager_mode(rng):
    x, w = rng.standard_normal((2, 3, 8, 8)).astype("float32"), rng.standard_normal((4, 3, 3, 3)).astype("float32")
    f = lambda x, w: (ng.conv2d(x, w, padding=1), ng.max_pool2d(ng.relu(ng.conv2d(x, w)), 2), ng.avg_pool2d(x, 2))
    check(f, [ng.tensor(x), ng.tensor(w)], [ng.tensor(x * 2.0), ng.tensor(w)], rtol=2e-6, atol=2e-6)


# -- shapes that neighbours are fused over

SHAPED = {
    "flat": lambda x, y: (x + y).reshape(16) * 2.0,
    "cut": lambda x, y: (x + y).reshape(2, 8) * 2.0,
    "turned": lambda x, y: (x + y).T * 2.0 + x,
    "led": lambda x, y: (x + y)[None] * 2.0 + x,
}
GROWN = {
    "behind": lambda x, y: (x + y).reshape(4, 4, 1) * 2.0,
    "between": lambda x, y: (x + y).reshape(4, 1, 4) * 2.0,
    "both": lambda x, y: (x + y)[:, None, :, None] * 2.0 + x.reshape(4, 1, 4, 1),
}


@pytest.mark.parametrize("shape", [(4, 4), (4, 1), (4,), (1, 4), ()])
@pytest.mark.parametrize("name", SHAPED)
def test_neighbours_of_other_shapes(name, shape, rng):
    make = lambda: [ng.tensor(rng.standard_normal((4, 4))), ng.tensor(rng.standard_normal(shape))]
    check(SHAPED[name], make(), make())


@pytest.mark.parametrize("shape", [(4, 4), ()])
@pytest.mark.parametrize("name", GROWN)
def test_neighbours_with_axes_of_length_1(name, shape, rng):
    make = lambda: [ng.tensor(rng.standard_normal((4, 4))), ng.tensor(rng.standard_normal(shape))]
    check(GROWN[name], make(), make())


@pytest.mark.parametrize("shape", [(4, 1), (4,), (1, 4)])
@pytest.mark.parametrize("name", GROWN)
def test_neighbours_that_repeat_with_axes_of_length_1(name, shape, rng):
    make = lambda: [ng.tensor(rng.standard_normal((4, 4))), ng.tensor(rng.standard_normal(shape))]
    check(GROWN[name], make(), make())


# -- random programs

ONE = {
    "tanh": ng.tanh, "neg": lambda x: -x, "square": lambda x: x * x, "relu": ng.relu, "abs": ng.abs, "copy": lambda x: x * 1.0,
    "half": lambda x: x * 0.5 + 0.0, "turned": lambda x: x.T, "flat": lambda x: x.reshape(-1), "pairs": lambda x: x.reshape(-1, 2),
    "row": lambda x: x.reshape(1, -1), "first": lambda x: x[0], "rest": lambda x: x[1:], "reversed": lambda x: x[::-1],
    "every other": lambda x: x[..., ::2], "sum": lambda x: x.sum(axis=0), "mean": lambda x: x.mean(axis=-1, keepdims=True),
    "max": lambda x: x.max(), "detached": lambda x: x.detach(),
}  # fmt: skip
TWO = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y, "maximum": ng.maximum, "matmul": lambda x, y: x @ y,
    "concatenate": lambda x, y: ng.concatenate([x, y]), "where": lambda x, y: ng.where(x > y, x, 0.5),
}  # fmt: skip
WRITES = {
    "set": lambda t, x: t.__setitem__(..., x), "add": lambda t, x: t.__iadd__(x * 0.5), "row": lambda t, x: t.__setitem__(0, x),
    "column": lambda t, x: t.T.__setitem__(0, x), "rest": lambda t, x: t[1:].__imul__(x),
}  # fmt: skip
SHAPES = [((4, 4), (4, 4)), ((4, 4), (4, 1)), ((4, 4), (4,)), ((1, 4), (4, 1)), ((2, 3, 4), (3, 4)), ((16,), (4, 4)), ((4,), ())]
WAYS = {
    "plain": lambda a: a, "reversed": lambda a: a[::-1] if a.ndim else a, "turned": lambda a: np.ascontiguousarray(a.T).T,
    "part": lambda a: np.repeat(a, 2, -1)[..., ::2] if a.ndim else a,
}  # fmt: skip


@st.composite
def programs(draw):
    """A list of steps over values by number: 0 and 1 are arguments, 2 and 3 captured tensors of shape (4,) and (4, 4)."""
    steps, n = [], 4
    for _ in range(draw(st.integers(1, 10))):
        pick = st.integers(0, n - 1)
        kind = draw(st.sampled_from(["one", "one", "two", "two", "write"]))
        if kind == "one":
            steps.append((ONE[draw(st.sampled_from(sorted(ONE)))], draw(pick)))
        elif kind == "two":
            steps.append((TWO[draw(st.sampled_from(sorted(TWO)))], draw(pick), draw(pick)))
        else:
            steps.append((WRITES[draw(st.sampled_from(sorted(WRITES)))], draw(st.integers(2, 3)), draw(pick)))
        n += 1
    results = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=4)) + [n - 1]
    return steps, results


def run(program, x, y, s, q):
    steps, results = program
    found = [x, y, s, q]
    for fn, *numbers in steps:
        args = [found[i] for i in numbers]
        try:
            out = fn(*args)
        except (ng.ShapeError, IndexError, TypeError):  # shapes that do not fit: the same in both modes
            out = None
        found.append(args[0] if out is None else out)
    return [found[i] for i in results]


@pytest.mark.parametrize("examples", [25, pytest.param(100, marks=pytest.mark.slow)])
def test_random_programs(examples):
    settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))(check_program)()


@given(programs(), st.sampled_from(SHAPES), st.sampled_from(["float32", "float64"]), st.sampled_from(sorted(WAYS)), st.sampled_from(["none", "s", "q"]))
def check_program(program, shapes, kind, way, alias):
    rng = np.random.default_rng(7)
    calls = [[WAYS[way](rng.standard_normal(shape).astype(kind)) for shape in shapes] for _ in range(3)]
    s, q = rng.standard_normal(4).astype(kind), rng.standard_normal((4, 4)).astype(kind)
    found = []
    for make in (lambda f: f, ng.compile):
        held = ng.tensor(s.copy()), ng.tensor(q.copy())
        f = make(lambda x, y, held=held: run(program, x, y, *held))
        states = []
        for arrays in calls:
            args = [ng.tensor(WAYS[way](np.array(a)) if way == "plain" else a) for a in arrays]
            if alias != "none":
                args[alias == "q"] = held[alias == "q"]
            states.append(values([f(*args), *held, *args]))
        found.append(states)
    same(found[1], found[0], rtol=2e-5 if kind == "float32" else 1e-12, atol=2e-5 if kind == "float32" else 1e-12)


FOLDS = ("sum", "mean", "max", "min")


@st.composite
def reductions(draw):
    """A list of steps over values by number, 0 to 2 being arguments: elementwise rows of two, and reductions of one."""
    steps, n = [], 3
    for _ in range(draw(st.integers(2, 8))):
        pick = st.integers(0, n - 1)
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(["add", "sub", "mul", "maximum", "where"])), draw(pick), draw(pick)))
        else:
            steps.append((draw(st.sampled_from(FOLDS)), draw(pick), draw(st.sampled_from([None, 0, 1, -1, (0, -1)])), draw(st.booleans())))
        n += 1
    return steps, draw(st.lists(st.integers(3, n - 1), min_size=1, max_size=4)) + [n - 1]


def reduced(program, *found):
    steps, results = program
    found = list(found)
    for name, number, *args in steps:
        x = found[number] * 0.5
        try:
            out = getattr(ng, name)(x, *args) if name in FOLDS else TWO[name](x, found[args[0]])
        except (ng.ShapeError, ng.ArgumentError, IndexError, TypeError, ValueError):  # shapes and axes that do not fit
            out = x
        found.append(out)
    return [found[i] for i in results]


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(reductions(), st.sampled_from([(40, 50), (3, 33, 34), (300, 70), (9000,)]), st.sampled_from(["float32", "float64"]))
def test_random_reductions(program, shape, kind):
    rng = np.random.default_rng(3)
    args = [ng.tensor(rng.standard_normal(s).astype(kind)) for s in (shape, shape[-1:], shape)]
    f = lambda *args: reduced(program, *args)
    tolerance = 2e-5 if kind == "float32" else 1e-12
    same(values(ng.compile(f)(*args)), values(f(*args)), rtol=tolerance, atol=tolerance)
    g = lambda *args: ng.grad(lambda *args: sum(r.sum() for r in f(*args)), argnums=(0, 1, 2))(*args)
    same(values(ng.compile(g)(*args)), values(g(*args)), rtol=50 * tolerance, atol=50 * tolerance)


# -- arguments and results


@dataclasses.dataclass
class Pair:
    a: object
    b: object


def test_arguments_of_all_layouts(rng):
    a = rng.standard_normal((6, 8))
    frozen = a.copy()
    frozen.flags.writeable = False
    for x in (a, a.T, a[::-1], a[:, ::-2], a[1:4, 2:], np.broadcast_to(a[0], (6, 8)), frozen, np.asfortranarray(a), a[2:2], a[0, 0], a[:1, :1]):
        check(lambda x: (x * 2.0 + 1.0, ng.tanh(x).sum()), [ng.tensor(x)], [ng.tensor(x)])
        check(lambda x: x.T.reshape(-1) - 1.0, [ng.tensor(x)])


@pytest.mark.parametrize("kind", ["bool", "int8", "int32", "int64", "uint8", "float32", "float64"])
def test_arguments_of_all_dtypes(kind, rng):
    x = ng.tensor(rng.integers(0, 2, (3, 5)).astype(kind))
    check(lambda x: (x + x, x * 2, x.sum(), x.astype("float32") * 0.5, x == 1, -x, x.max(axis=0)), [x], [x[::-1]])


def test_zero_axes_and_nothing_at_all():
    check(lambda x: (x + 1.0, x.sum(), ng.concatenate([x, x]), x.T @ x), [ng.zeros((0, 3))], [ng.zeros((0, 3))])
    check(lambda x: (x + 1.0, x.reshape(1, 1), ng.exp(x)), [ng.tensor(2.0)], [ng.tensor(3.0)])
    assert ng.compile(lambda x: None)(ng.zeros(2)) is None
    assert ng.compile(lambda: 5)() == 5


def test_arrays_of_numpy_and_containers(rng):
    a, b = rng.standard_normal(4), rng.standard_normal(4)
    compiled = ng.compile(lambda p, q, scale=1.0: {"sum": p["x"] + q[0].a, "rest": (q[0].b * scale, "text", None)})
    for factor in (1.0, 2.0):
        for x in (a, b):
            found = compiled({"x": x}, [Pair(b, a)], scale=factor)
            np.testing.assert_array_equal(found["sum"].numpy(), x + b)
            np.testing.assert_array_equal(found["rest"][0].numpy(), a * factor)
            assert found["rest"][1:] == ("text", None)
    assert count(compiled) == 2


def test_static_arguments_have_records_of_their_own():
    compiled = ng.compile(lambda x, n, up: x * n if up else x / n)
    x = ng.tensor([1.0, 2.0])
    for n in (2, 3, 2.0):
        for up in (True, False):
            same(compiled(x, n, up), x * n if up else x / n)
    assert compiled(x, True, True).tolist() == [1.0, 2.0]
    with pytest.raises(ng.ArgumentError, match="cannot be told from others"):
        compiled(x, {1}, True)


def test_new_shapes_and_dtypes_have_records_of_their_own(rng):
    compiled = ng.compile(lambda x: (x * 2.0).sum(axis=0))
    for shape in ((3, 4), (5, 4), (3, 4), (4,)):
        for kind in ("float32", "float64"):
            x = ng.tensor(rng.standard_normal(shape).astype(kind))
            same(compiled(x), (x * 2.0).sum(axis=0))
    assert count(compiled) == 6


def test_methods_and_nested_compiled_functions():
    class Scaled:
        def __init__(self, by):
            self.by = by

        @ng.compile
        def apply(self, x):
            return x * self.by

    x = ng.tensor([1.0, 2.0])
    two, three = Scaled(2.0), Scaled(3.0)
    for _ in range(2):
        assert two.apply(x).tolist() == [2.0, 4.0]
        assert three.apply(x).tolist() == [3.0, 6.0]
    inner = ng.compile(lambda x: x * x)
    outer = ng.compile(lambda x: inner(x) + inner(x * 2.0))
    for _ in range(3):
        assert outer(x).tolist() == [5.0, 20.0]
        assert inner(x).tolist() == [1.0, 4.0]
    assert count(outer) == 1


def test_results_have_memory_of_their_own():
    compiled = ng.compile(lambda x: (x * 2.0, (x * 2.0).reshape(2, 1), x * 2.0))
    x = ng.tensor([1.0, 2.0])
    first = compiled(x)
    first[0][...] = 0.0
    second = compiled(x)
    assert second[0].tolist() == [2.0, 4.0]
    assert second[1].tolist() == [[2.0], [4.0]]
    assert first[0].tolist() == [0.0, 0.0]


def test_arguments_and_captured_tensors_come_back_as_themselves():
    held = ng.tensor([5.0])
    compiled = ng.compile(lambda x: (x, held, x[1:], x * held))
    for _ in range(2):
        x = ng.tensor([1.0, 2.0])
        a, b, view, _ = compiled(x)
        assert a is x
        assert b is held
        assert np.shares_memory(view.numpy(), x.numpy())


def test_the_same_array_twice():
    compiled = ng.compile(lambda x, y: (x + y, x is y))
    x, y = ng.tensor([1.0]), ng.tensor([2.0])
    assert compiled(x, y)[0].item() == 3.0
    assert compiled(x, x)[0].item() == 2.0
    assert compiled(y, x)[0].item() == 3.0


def test_an_argument_is_written():
    def f(x, y):
        x += y
        x[0] = 0.0
        return x * 2.0

    compiled = ng.compile(f)
    for start in (1.0, 2.0):
        x, z = ng.tensor([start, start]), ng.tensor([start, start])
        same(compiled(x, ng.tensor([1.0, 3.0])), f(z, ng.tensor([1.0, 3.0])))
        same(x, z)
    x = ng.tensor([1.0, 2.0, 3.0])
    with pytest.raises(ng.ArgumentError, match="shares memory"):
        compiled(x[:2], x[1:])
    frozen = np.ones(2)
    frozen.flags.writeable = False
    with pytest.raises(ng.GradientError, match="read-only"):
        compiled(ng.tensor(frozen), ng.tensor([1.0, 3.0]))


def test_arguments_that_alias_captured_tensors():
    memory = np.zeros(6)
    held = ng.tensor(memory[1:4])

    def f(x):
        held[...] = x[:3] + 1.0
        return x * 2.0

    compiled = ng.compile(f)
    for _ in range(2):
        for x in (ng.ones(4), ng.tensor(memory), ng.tensor(memory[2:]), ng.ones(4), held, ng.tensor(memory[::-1])):
            before = memory.copy()
            want = f(x), memory.copy()
            memory[...] = before
            same(compiled(x), want[0])
            np.testing.assert_array_equal(memory, want[1])


# -- what is captured


def test_captured_tensors_are_found_again():
    held = ng.tensor([1.0, 2.0])
    compiled = ng.compile(lambda x: x * held)
    x = ng.tensor([1.0, 1.0])
    assert compiled(x).tolist() == [1.0, 2.0]
    held[...] = [3.0, 4.0]
    assert compiled(x).tolist() == [3.0, 4.0]
    held.data = np.array([5.0, 6.0])
    assert compiled(x).tolist() == [5.0, 6.0]
    held.data = np.array([7.0])
    assert compiled(x).tolist() == [7.0, 7.0]
    held = ng.tensor([8.0, 9.0])
    assert compiled(x).tolist() == [8.0, 9.0]


def test_a_tensor_captured_by_a_transform_alone_is_found_again():
    held = ng.tensor([1.0, 2.0])
    compiled = ng.compile(lambda x: ng.grad(lambda w: (w * x).sum() + (w * w).sum())(held))
    x = ng.tensor([1.0, 1.0])
    assert compiled(x).tolist() == [3.0, 5.0]
    held.data = np.array([5.0, 6.0])
    assert compiled(x).tolist() == [11.0, 13.0]


def test_arrays_of_numpy_are_read_anew():
    held = np.array([1.0, 2.0])
    compiled = ng.compile(lambda x: x * held)
    assert compiled(ng.ones(2)).tolist() == [1.0, 2.0]
    held[0] = 7.0
    assert compiled(ng.ones(2)).tolist() == [7.0, 2.0]


def test_a_captured_tensor_that_is_only_returned_comes_back_as_itself():
    held = ng.tensor([5.0])
    compiled = ng.compile(lambda x: held)
    assert compiled(ng.ones(1)) is held
    held.data = np.array([6.0])
    assert compiled(ng.ones(1)).tolist() == [6.0]


def test_modules_as_arguments():
    a, b = ng.nn.Linear(2, 2), ng.nn.Linear(2, 2)
    compiled = ng.compile(lambda model, x: model(x))
    x = ng.ones((3, 2), dtype="float32")
    for model in (a, b, a):
        same(compiled(model, x), model(x), rtol=1e-6)


def test_modules_as_arguments_are_looked_into():
    model, x = ng.nn.Sequential(ng.nn.Linear(2, 2), ng.nn.Dropout(0.9)), ng.ones((30, 2), dtype="float32")
    compiled = ng.compile(lambda model, x: model(x))
    compiled(model, x)
    model.eval()
    same(compiled(model, x), model(x), rtol=1e-6)
    model[0].weight = ng.nn.init.parameter(ng.ones((2, 2), dtype="float32"))
    same(compiled(model, x), model(x), rtol=1e-6)


def test_state_of_a_recurrence():
    def make():
        w, h = ng.tensor([0.5, -0.5], requires_grad=True), ng.zeros(2)

        def f(x):
            h[...] = ng.tanh(h.detach() * 0.5 + x * w).detach()
            return (h * h).sum()

        return f

    eager, compiled = make(), ng.compile(make())
    for i in range(4):
        x = ng.tensor([1.0, float(i)])
        same(compiled(x), eager(x), rtol=1e-14)


# -- transforms inside

INSIDE = {
    "grad": lambda x: ng.grad(lambda x: ng.sin(x * x).sum())(x),
    "value_and_grad": lambda x: ng.value_and_grad(lambda x: ng.sin(x * x).sum())(x),
    "grad of grad": lambda x: ng.grad(lambda x: ng.grad(lambda x: ng.sin(x * x).sum())(x).sum())(x),
    "jvp": lambda x: ng.jvp(lambda x: ng.sin(x * x), (x,), (x * 2.0,)),
    "vjp": lambda x: ng.vjp(lambda x: ng.sin(x * x), x)[1](x * 2.0),
    "jacobian": lambda x: ng.jacobian(lambda x: ng.cumsum(x * x))(x),
    "hessian": lambda x: ng.hessian(lambda x: ng.sin(x * x).sum())(x),
    "hvp": lambda x: ng.hvp(lambda x: ng.sin(x * x).sum(), (x,), (x * 2.0,)),
    "checkpoint": lambda x: ng.grad(lambda x: ng.checkpoint(lambda x: ng.sin(ng.exp(x)))(x).sum())(x),
    "custom_vjp": lambda x: ng.grad(lambda x: clipped(x * 5.0).sum())(x),
    "custom_vjp of itself": lambda x: ng.grad(lambda x: turned_back(x)[1:].sum() + (turned_back(x) * x).sum())(x),
    "checkpoint of a view": lambda x: ng.grad(lambda x: (ng.checkpoint(lambda x: x[::-1])(x) * x).sum())(x),
    "stop_gradient": lambda x: ng.grad(lambda x: (ng.stop_gradient(x) * x).sum())(x),
    "no_grad": lambda x: constant_of(x),
}


@ng.custom_vjp
def clipped(x):
    return x * 1.0


clipped.defvjp(lambda x: (x * 1.0, None), lambda kept, g: (g.clip(-0.5, 0.5),))


@ng.custom_vjp
def turned_back(x):
    return x


turned_back.defvjp(lambda x: (x, None), lambda kept, g: (-g,))


def constant_of(x):
    with ng.no_grad():
        return x * x


@pytest.mark.parametrize("name", INSIDE)
def test_transforms_inside(name):
    check(INSIDE[name], [ng.tensor([0.5, 1.0, -2.0])], [ng.tensor([0.1, 3.0, 2.0])], rtol=1e-13, atol=1e-13)


OUTSIDE = {
    "grad": lambda f, x: ng.grad(lambda x: f(x).sum())(x),
    "value_and_grad": lambda f, x: ng.value_and_grad(lambda x: (f(x) * x).sum())(x),
    "jvp": lambda f, x: ng.jvp(f, (x,), (x * 2.0,)),
    "jacobian": lambda f, x: ng.jacobian(f)(x),
    "hessian": lambda f, x: ng.hessian(lambda x: f(x).sum())(x),
    "hvp": lambda f, x: ng.hvp(lambda x: f(x).sum(), (x,), (x * 2.0,)),
    "checkpoint": lambda f, x: ng.grad(lambda x: ng.checkpoint(f)(x).sum())(x),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_transforms_outside(name):
    f = lambda x: ng.sin(x * x)
    compiled = ng.compile(f)
    for x in (ng.tensor([0.5, 1.0]), ng.tensor([-1.0, 2.0])):
        same(OUTSIDE[name](compiled, x), OUTSIDE[name](f, x), rtol=1e-13, atol=1e-13)


# -- random numbers


def test_random_numbers_are_those_of_eager_mode(seeded):
    def f(x):
        return (
            ng.random.uniform(3) + x, ng.random.normal((2, 2)), ng.random.bernoulli(0.5, 8), ng.random.randint(9, shape=4),
            ng.random.permutation(5), ng.nn.Dropout(0.5)(ng.ones(16)), ng.random.exponential(3),
        )  # fmt: skip

    states = []
    for g in (f, ng.compile(f)):
        ng.random.seed(5)
        states.append(([g(ng.tensor(1.0)) for _ in range(4)], ng.random.get_state()))
    same(states[1][0], states[0][0])
    assert states[1][1] == states[0][1]


def test_a_generator_of_ones_own():
    made = [ng.random.Generator(3), ng.random.Generator(3)]
    compiled = ng.compile(lambda: made[0].uniform(4))
    for _ in range(3):
        same(compiled(), made[1].uniform(4))


# -- errors


def refused(f, what, *args):
    before = ng.random.get_state()
    for _ in range(2):
        with pytest.raises(ng.ArgumentError, match=what) as caught:
            ng.compile(f)(*(args or (ng.tensor([1.0, 2.0]),)))
        lines = str(caught.value).splitlines()
        assert len(lines) == 3
        assert "test_compile.py" in lines[1]
        assert recording.recorder is None
    assert (ng.ones(2) + 1.0).tolist() == [2.0, 2.0]
    assert ng.random.get_state() == before


doubled = ng.op(lambda x: x * 2.0, backward=lambda g: g * 2.0)
LOOKS = {
    "if": lambda x: x if x.sum() > 0 else -x,
    "float": lambda x: x * float(x.sum()),
    "int": lambda x: x * int(x.sum()),
    "item": lambda x: x * x.sum().item(),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x * x.numpy(),
    "asarray": lambda x: x * np.asarray(x),
    "in": lambda x: 1.0 in x,
    "format": lambda x: f"{x.sum():.2f}",
    "mask": lambda x: x[x > 0],
    "list": lambda x: ng.tensor([x[0], x[1]]),
    "pickle": lambda x: pickle.dumps(x),
    "np.allclose": lambda x: np.allclose(x, x),
    "np.nonzero": lambda x: np.nonzero(x),
    "out": lambda x: np.add(x, x, out=np.zeros(2)),
    "own loops": lambda x: doubled(x),
    "own loops behind": lambda x: ng.grad(lambda w: (doubled(w * 1.0) * x).sum())(ng.ones(2)),
}


@pytest.mark.parametrize("name", LOOKS)
def test_looking_at_values_is_refused(name):
    refused(LOOKS[name], "inside a compiled function")


def test_values_that_escape_are_refused():
    kept, thing = [], Pair(None, None)
    refused(lambda x: kept.append(x * 2.0), "a list that had . entries has .")
    refused(lambda x: setattr(thing, "a", x * 2.0), "kept by something outside|Pair .a. was")


def test_changes_are_refused():
    thing, names, steps = Pair(0, 0), {}, 0

    def attribute(x):
        thing.a += 1
        return x

    def variable(x):
        nonlocal steps
        steps += 1
        return x

    refused(attribute, "Pair 'a' was 0 and is 1|Pair 'a' was 1 and is 2")
    refused(variable, "the variable 'steps' was")
    refused(lambda x: names.update({len(names): 2}) or x, "a dict that had . entries has .")


def test_printing_is_allowed(capsys):
    compiled = ng.compile(lambda x: print(x, repr(x * 2.0)) or x * 2.0)
    for _ in range(2):
        assert compiled(ng.tensor([1.0, 2.0])).tolist() == [2.0, 4.0]
    assert capsys.readouterr().out == "tensor(recorded float64[2]) tensor(recorded float64[2])\n"


def test_an_exception_leaves_all_as_it_was():
    def f(x):
        raise KeyError("mine")

    compiled = ng.compile(f)
    for _ in range(2):
        with pytest.raises(KeyError, match="mine"):
            compiled(ng.ones(2))
        assert recording.recorder is None
        assert (ng.ones(2) + 1.0).tolist() == [2.0, 2.0]
    with pytest.raises(ng.ShapeError):
        ng.compile(lambda x: x @ ng.ones((3, 3)))(ng.ones((2, 2)))


def test_only_functions_are_compiled():
    with pytest.raises(ng.ArgumentError, match="compile takes a function, not int"):
        ng.compile(5)


def test_indices_out_of_range_raise_as_they_do_in_eager_mode():
    f = lambda x, i: ng.take(x, i, axis=0) * 2.0
    compiled, x = ng.compile(f), ng.tensor([1.0, 2.0, 3.0])
    assert compiled(x, ng.tensor([0, -1])).tolist() == [2.0, 6.0]
    for bad in ([0, 3], [-4, 0]):
        with pytest.raises(ng.IndexRangeError) as eager:
            f(x, ng.tensor(bad))
        with pytest.raises(ng.IndexRangeError) as caught:
            compiled(x, ng.tensor(bad))
        assert str(caught.value).splitlines()[0] == str(eager.value).splitlines()[0]
    assert compiled(x, ng.tensor([1, 1])).tolist() == [4.0, 4.0]


def test_negative_powers_of_integers_raise_as_they_do_in_eager_mode():
    compiled = ng.compile(lambda x, y: x**y)
    x = ng.tensor([2, 3])
    assert compiled(x, ng.tensor([2, 0])).tolist() == [4, 1]
    with pytest.raises(ng.ArgumentError, match="to the negative integer power -1"):
        compiled(x, ng.tensor([1, -1]))
    with pytest.raises(ng.ArgumentError, match="to the negative integer power -2"):
        ng.compile(lambda x, y: x**y)(x, ng.tensor([-2, 0]))
    same(ng.compile(lambda x: x**2)(x), x**2)


# -- threads


def test_several_threads_call_the_same_function(rng):
    def f(x):
        for _ in range(4):
            x = ng.tanh(x @ x) * 0.5 + x
        return x, x.sum()

    compiled, xs = ng.compile(f), [ng.tensor(rng.standard_normal((60, 60)) * 0.01) for _ in range(4)]
    wanted, wrong = [values(f(x)) for x in xs], []

    def go(i):
        for _ in range(30):
            found = values(compiled(xs[i]))
            if not all(np.allclose(a, b, rtol=1e-12, atol=1e-12) for a, b in zip(found, wanted[i])):
                wrong.append(i)

    threads = [threading.Thread(target=go, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_records_of_the_oldest_kinds_are_forgotten():
    double = ng.compile(lambda x: x * 2.0)
    for n in range(1, 100):
        assert double(ng.ones(n)).tolist() == [2.0] * n
    assert len(double.runs) == 64
    assert double(ng.ones(1)).tolist() == [2.0]
    assert repr(double) == "<compiled <lambda>: 64 records>"
