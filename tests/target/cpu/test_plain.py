"""Kernels as plain Python: the numbers of the machine code, from the lines of the file that a debugger shows."""

import sys

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cpu.plain import plain


def array(*shape, dtype="float32"):
    return np.linspace(-2.0, 2.0, int(np.prod(shape))).reshape(shape).astype(dtype)


@pytest.mark.parametrize("f", [
    lambda x: ng.tanh(x * 2.0) + x,
    lambda x: ng.where(x > 0.5, ng.exp(x), ng.sigmoid(x)),
    lambda x: ng.relu(x) - ng.sin(x) * ng.cos(x),
    lambda x: ng.abs(x) ** 0.5 + ng.erf(x),
    lambda x: x.astype("int64") // 2,
    lambda x: ng.logical_and(x > 0, x < 1.5),
])  # fmt: skip
def test_fused_kernels_give_what_the_machine_code_gives(f, dtype):
    x = array(7, 9, dtype=dtype)
    compiled = ng.compile(f)
    expected = compiled(ng.tensor(x)).numpy()
    (found,) = compiled.source(1).run(x)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == "float32" else 1e-14, atol=1e-7)


def test_strides_and_repeated_axes_are_walked():
    x, b = array(6, 5).T, array(6)
    f = ng.compile(lambda x, b: ng.exp(x) + b)
    expected = f(ng.tensor(x), ng.tensor(b)).numpy()
    np.testing.assert_allclose(f.source(1).run(x, b)[0], expected, rtol=1e-6)


def test_what_is_written_in_place_is_returned_anew():
    w = ng.tensor(array(4))

    @ng.compile
    def f(g):
        w[...] = w - 0.5 * g

    text = f.show(ng.tensor(array(4)))
    reads = next(line for line in text.splitlines() if "reads" in line)
    given = [array(4) if "argument" in part or " g " in f" {part} " else w.numpy() for part in reads.split("reads")[1].split(", ")]
    np.testing.assert_allclose(f.source(1).run(*given)[0], w.numpy() - 0.5 * array(4), rtol=1e-6)
    np.testing.assert_array_equal(w.numpy(), array(4))


def test_a_debugger_sees_the_lines_of_the_file():
    f = ng.compile(lambda x: ng.tanh(x) * 3.0)
    f(ng.tensor(array(3)))
    source, seen = f.source(1), set()

    def trace(frame, event, arg):
        if frame.f_code.co_filename == str(source.path):
            seen.add((frame.f_code.co_name, frame.f_lineno))
            return trace
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        source.run(array(3))
    finally:
        sys.settrace(before)
    lines = source.path.read_text().splitlines()
    assert {name for name, _ in seen} >= {"map_tanh_mul_float32", "tanh_float32"}
    assert any("tanh_float32(" in lines[number - 1] for name, number in seen if name.startswith("map"))


def test_kernels_of_instructions_say_that_they_cannot():
    f = ng.compile(lambda x: x @ x)
    f(ng.tensor(array(5, 5)))
    with pytest.raises(ng.KernelError, match="plain Python"):
        f.source(1).run(array(5, 5), array(5, 5))


def test_arrays_are_counted():
    f = ng.compile(lambda x: x * 2.0)
    f(ng.tensor(array(5)))
    with pytest.raises(ng.ArgumentError, match="reads 1 arrays and 2"):
        f.source(1).run(array(5), array(5))
    assert callable(plain(f.source(1).item.kernel))
