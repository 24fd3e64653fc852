"""Elementwise calls behind a convolution are done to each block of its result, with the values of op by op."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ops.table import table
from nbgrad.plan.bodies import Rows
from nbgrad.plan.calls import Call, Ref
from nbgrad.plan.finishing import OPERANDS, can_finish, finish_words
from nbgrad.plan.fuse import fuse
from nbgrad.plan.mapping import Body
from nbgrad.plan.pieces import opened
from nbgrad.plan.plan import packed, plan_primitive
from nbgrad.plan.simplify import needed, simplify

RNG = np.random.default_rng(0)
DRAW = lambda *shape: RNG.standard_normal(shape)
X, W, B, R = DRAW(2, 6, 9, 10), DRAW(8, 6, 3, 3), DRAW(8), DRAW(2, 8, 9, 10)
SAME = lambda x, w, b: ng.conv(x, w, b, padding=1)

CHAINS = {
    "conv_biased_relu": (lambda x, w, b: ng.relu(SAME(x, w, b)), (X, W, B)),
    "conv_biased_add_relu": (lambda x, w, b, r: ng.relu(SAME(x, w, b) + r), (X, W, B, R)),
    "conv_biased_add_mul": (lambda x, w, b, r: (SAME(x, w, b) + r) * 0.5, (X, W, B, R)),
    "conv_output_mul_sigmoid": (lambda x, w, s: ng.sigmoid(ng.conv(x, w) * s), (X, W, DRAW(8, 1, 1))),
    "conv_output_add_relu": (lambda x, w: ng.relu(ng.conv(x, w, padding=1) + x), (X, W[:6])),  # what it convolves
    "conv_output_greater": (lambda x, w: ng.conv(x, w, padding=1) > 0.0, (X, W)),  # of another dtype
    "conv_output_tanh": (lambda x, w: ng.tanh(ng.conv(x, w).reshape(2, -1)), (X, W)),  # flat
    "conv_output_add": (lambda x, w, v: ng.conv(x, w, padding=1) + v, (X, W, DRAW(2, 1, 9, 1))),
    "conv_input_grad_tanh": (lambda x, w: ng.tanh(ng.conv_transpose(x, w, stride=2)), (X, W[:6])),
}
FORMS = {
    "strided": (lambda x, w, b: ng.sigmoid(ng.conv(x, w, b, stride=2, padding=1)), (X, W, B)),
    "grouped": (lambda x, w, b, r: ng.relu(ng.conv(x, w, b, padding=1, groups=2) - r), (X, W[:, :3], B, R)),
    "dilated": (lambda x, w: ng.relu(ng.conv(x, w, dilation=2, padding=(0, 2))), (X, W)),
    "a line": (lambda x, w: ng.tanh(ng.conv(x, w, padding=2)), (DRAW(3, 4, 50), DRAW(5, 4, 3))),
    "a long line": (lambda x, w, r: ng.relu(ng.conv(x, w) + r), (DRAW(1, 2, 5000), DRAW(3, 2, 3), DRAW(3, 4998))),
    "a cube": (lambda x, w: ng.tanh(ng.conv(x, w, padding=1)), (DRAW(3, 4, 5, 6, 7), DRAW(5, 4, 3, 3, 3))),
    "a cube turned around": (lambda x, w: ng.tanh(ng.conv_transpose(x, w, stride=2)), (DRAW(2, 4, 3, 4, 5), DRAW(4, 5, 3, 3, 3))),
    "turned around by thirds": (lambda x, w: ng.relu(ng.conv_transpose(x, w, stride=3, padding=1)), (X, W[:6])),
    "cut into blocks": (lambda x, w, r: ng.relu(ng.conv(x, w, padding=1) + r), (DRAW(1, 2, 90, 90), DRAW(5, 2, 3, 3), DRAW(5, 90, 90))),
    "blocks turned around": (lambda x, w: ng.tanh(ng.conv_transpose(x, w, stride=2)), (DRAW(1, 2, 50, 60), DRAW(2, 5, 3, 3))),
    "single places": (lambda x, w, r: ng.relu(ng.conv(x, w) + r), (DRAW(5, 30, 1, 1), DRAW(20, 30, 1, 1), DRAW(5, 20, 1, 1))),
    "many channels at once": (lambda x, w: ng.relu(ng.conv(x, w, padding=1)), (DRAW(2, 300, 5, 5), DRAW(9, 300, 3, 3))),
    "channels last": (lambda x, w: ng.relu(ng.conv(x, w, layout="NHWC")), (DRAW(2, 9, 8, 6), W)),
    "what is before it, too": (lambda x, w, b: (lambda c: [c, ng.gelu(c), c > 0.0])(SAME(x, w, b)), (X, W, B)),
    "the sum as well": (lambda x, w, b, r: (lambda c: [ng.exp(c), c])(SAME(x, w, b) + r), (X, W, B, R)),
    "both of two": (lambda x, w, b: ng.relu(SAME(x, w, b) + SAME(x * 2.0, w, b)), (X, W, B)),
}


def works(record_of, f, *arrays):
    """Return the names of the rows of each work that f becomes."""
    recorder, refs, out = record_of(f, *arrays)
    del out
    record = recorder.record(refs)
    calls, slots = opened(needed(record.calls, list(record.slots), record.results), record.slots)
    calls, slots = simplify(calls, slots, record.results)
    return ["_".join(op.name for op in w.ops) for w in fuse(calls, slots, record.results)]


def listed(values):
    return [v.numpy() for v in (values if isinstance(values, (list, tuple)) else [values])]


@pytest.mark.parametrize("name", CHAINS)
def test_chains_behind_convolutions_are_one_work(name, record_of):
    f, arrays = CHAINS[name]
    assert works(record_of, f, *[a.astype("float32") for a in arrays]) == [name]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*CHAINS, *FORMS])
def test_values_are_exactly_those_of_op_by_op(name, dtype):
    f, arrays = {**CHAINS, **FORMS}[name]
    tensors, compiled = [ng.tensor(a.astype(dtype)) for a in arrays], ng.compile(f)
    if name != "channels last":
        assert "conv_finished" in str(compiled.show(*tensors))
    for _ in range(2):
        for a, b in zip(listed(compiled(*tensors)), listed(f(*tensors)), strict=True):
            np.testing.assert_array_equal(a, b)


REFUSED = {
    "turned": lambda x, w: ng.exp(ng.conv(x, w, padding=1).transpose(0, 1, 3, 2) * 0.1) + ng.tensor(DRAW(2, 8, 10, 9)),
    "repeated": lambda x, w: ng.conv(x, w).reshape(2, 8, 1, 7, 8) * ng.tensor(np.ones((1, 1, 3, 1, 1))),
    "a part": lambda x, w: ng.exp(ng.conv(x, w)[:, :4]),
    "too much": lambda x, w: sum((ng.tensor(np.full((2, 8, 7, 8), i)) for i in range(OPERANDS)), ng.conv(x, w)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_block_by_block_is_left_alone(name):
    tensors, f = [ng.tensor(X), ng.tensor(W)], REFUSED[name]
    state = RNG.bit_generator.state
    want = f(*tensors).numpy()
    RNG.bit_generator.state = state
    compiled = ng.compile(f)
    got = compiled(*tensors).numpy()
    assert "conv_finished" not in str(compiled.show(*tensors))
    np.testing.assert_allclose(got, want, rtol=1e-12)


def test_what_a_convolution_reads_is_not_written_by_its_own_rows():
    def f(x, w):
        y = ng.conv(x, w, padding=1)
        x += y
        return x * 1.0

    for f_ in (ng.compile(f), f):
        x = ng.tensor(X.copy())
        want = X + ng.conv(ng.tensor(X), ng.tensor(W[:6]), padding=1).numpy()
        np.testing.assert_array_equal(f_(x, ng.tensor(W[:6])).numpy(), want)
        np.testing.assert_array_equal(x.numpy(), want)


def test_a_value_written_over_in_place():
    def f(x, w):
        y = ng.conv(x, w, padding=1)
        y *= 2.0
        y += x
        return y

    x, w = ng.tensor(X), ng.tensor(W[:6])
    np.testing.assert_array_equal(ng.compile(f)(x, w).numpy(), f(x, w).numpy())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("stride", "activation"), [(1, ng.relu), (1, ng.gelu), (2, ng.tanh)])
def test_training_steps_are_those_of_op_by_op(dtype, stride, activation):
    drawn = np.random.default_rng(5)
    draw = lambda *shape: drawn.standard_normal(shape).astype(dtype)
    x, weights, bias = draw(3, 4, 12, 12), [draw(4, 4, 3, 3) * 0.2, draw(6, 2, 3, 3)], draw(6)

    def loss(parameters, x):
        w1, w2, b = parameters
        h = activation(ng.conv(x, w1, padding=1) + x)
        h = activation(ng.conv(h, w1, padding=1) + h)
        return (ng.conv(h, w2, b, stride=stride, groups=2, padding=1) ** 2).mean()

    def train(step):
        parameters = [ng.tensor(a.copy(), requires_grad=True) for a in (*weights, bias)]
        optimizer = ng.optim.SGD(parameters, lr=0.01)
        run = step(parameters, optimizer)
        return [float(run()) for _ in range(3)], [p.numpy() for p in parameters]

    def step(parameters, optimizer):
        def run():
            optimizer.zero_grad()
            value = loss(parameters, ng.tensor(x))
            value.backward()
            optimizer.step()
            return value

        return run

    values, found = train(lambda p, o: ng.compile(step(p, o)))
    expected, wanted = train(step)
    np.testing.assert_allclose(values, expected, rtol=1e-5 if dtype == "float32" else 1e-12)
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(a, b, rtol=2e-4 if dtype == "float32" else 1e-10, atol=1e-5 if dtype == "float32" else 1e-12)


def test_axes_that_lie_one_behind_the_other_are_walked_as_one():
    rows = lambda count: Rows(Body((), ()), (), (), (packed((2, 8, 1, 7, 9), "float32"),) * count)
    whole, channel = (504, 63, 63, 9, 1), (0, 1, 0, 0, 0)
    joined = lambda blocks, *strides, sizes=(8, 1, 7, 9): finish_words(rows(len(strides)), blocks, (1, 1, 1), sizes, strides)[2]
    assert joined((1, 1, 1), whole, whole) == 3
    assert joined((1, 2, 1), whole, whole) == 2  # a block has some of the rows of a plane
    assert joined((1, 1, 2), whole, whole) == 0
    assert joined((1, 1, 1), whole, channel) == 2
    assert joined((1, 1, 1), whole, (504, 63, 0, 1, 7)) == 0
    assert joined((1, 1, 1), (8, 1, 1, 1, 1), (0, 1, 0, 0, 0), sizes=(8, 1, 1, 1)) == 3  # single places
    assert joined((1, 1, 1), (0, 0, 0, 0, 0), whole) == 3  # one number


def test_only_a_convolution_in_one_step_that_covers_its_result_is_finished():
    def call(stride, size, window=(3, 3)):
        places = [(n - 1) * stride + 3 for n in size]
        attrs = {"stride": (stride,) * 2, "padding": ((0, 0),) * 2, "dilation": (1, 1), "groups": 1, "size": tuple(places)}
        y, w, x = packed((2, 4, *size), "float32"), packed((4, 5, *window), "float32"), packed((2, 5, *places), "float32")
        op = table["conv_input_grad"]
        return Call(op, attrs, (Ref(0, y), Ref(1, w)), (Ref(2, x),), plan_primitive(op, (y, w), attrs, x))

    assert can_finish(call(1, (5, 5)))
    assert can_finish(call(2, (5, 5)))
    assert not can_finish(call(4, (5, 5)))  # no weight reaches some of the places
    assert not can_finish(call(6, (5, 5), (6, 6)))  # too many remainders for one step
