"""The words of reductions in plain Python give what the machine code gives."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cpu.plain_folds import offset


@pytest.mark.parametrize("axes", [None, 0, 1])
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero"])
def test_reductions_alone_and_behind_rows(name, axes, rng):
    x = rng.standard_normal((33, 40)).astype("float32")
    x[3, 5] = np.nan if name in ("max", "min") else x[3, 5]
    x = np.sign(x) * (1.0 + 0.01 * x) if name == "prod" else x
    for f in (lambda x: getattr(ng, name)(x, axes), lambda x: getattr(ng, name)(ng.where(x > 0.5, x, -1.0), axes)):
        compiled = ng.compile(f)
        expected = compiled(ng.tensor(x)).numpy()
        (found,) = compiled.source(1).run(x)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-6)


def test_kernels_of_one_work_run_together(rng):
    x = rng.standard_normal((33, 1000))  # the least that several tasks share: Python takes a third of a millisecond per number
    f = ng.compile(lambda x: (ng.exp(x).sum(), ng.exp(x).max()))
    expected = f(ng.tensor(x))
    assert "kernel 2 of 3" in str(f.show(ng.tensor(x)))
    for got, want in zip(f.source(1).run(x), expected):
        np.testing.assert_allclose(got, want.numpy(), rtol=1e-12)


def test_offset_counts_along_axes():
    args = [2, 3, 4, 100, 10, 1]
    got = [offset(args, row, 3, 0, 3) for row in range(24)]
    want = [100 * i + 10 * j + k for i in range(2) for j in range(3) for k in range(4)]
    assert got == want
