"""Words of loops that fold: what they mean, and that the optimiser takes such loops in lanes."""

import numpy as np
import pytest

from nbgrad.plan.plan import Kernel
from nbgrad.target.cpu import folds
from nbgrad.target.cpu.kernels import source
from nbgrad.target.cpu.load import assembly, load
from nbgrad.target.cpu.native import call, make_program
from nbgrad.target.cpu.prelude import prelude

KERNEL = """
@kernel
def folded(args, tile):
    x, out = at0(args), at1(args)
    n, peak, total = word(args, 2), ordered(x[0]), T0(0.0)
    for i in range(1, n):
        peak = most(peak, ordered(x[i]))
    for i in range(n):
        total = plus(total, x[i])
    out[0], out[1], out[2] = unordered(peak), total, number(word(args, 3))
"""


def folded(x):
    with open(folds.__file__, encoding="utf-8") as file:
        text = prelude((x.dtype.name,) * 2) + file.read() + KERNEL
    out = np.zeros(3, x.dtype)
    call(make_program(load(text, "folded"), (len(x), np.float64(0.1).view(np.int64)), 1, 2), x, out)
    return out


@pytest.mark.parametrize("n", [1, 15, 16, 1000])
def test_the_largest_and_the_sum(rng, dtype, n):
    x = rng.standard_normal(n).astype(dtype)
    top, total, eps = folded(x)
    assert top == x.max()
    assert eps == np.dtype(dtype).type(0.1)
    np.testing.assert_allclose(total, x.sum(dtype="float64"), rtol=1e-5, atol=1e-5)


def test_the_order_of_floats_holds_for_all_of_them(dtype):
    for line in ([-np.inf, -1.0], [-0.0, -1e-45], [1e-40, 0.0], [-1e300 if dtype == "float64" else -1e38, -np.inf], [np.inf, 1.0]):
        x = np.array(line, dtype)
        assert folded(x)[0] == x.max()
        assert folded(x[::-1].copy())[0] == x.max()


def test_rows_are_taken_in_lanes():
    kernel = Kernel("softmax_rows", ("float32",) * 2, None, (False,))
    text = assembly(source(kernel), kernel.name)
    packed = [s for s in text.splitlines() if "ps\t" in s or ".4s" in s]
    assert len(packed) > 40
    assert "expf" not in text
