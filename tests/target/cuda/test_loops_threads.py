"""What threads of a block do together: every thread is told the same."""

import numpy as np
import pytest

from nbgrad.target.cuda import loops_threads
from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.prelude import prelude
from nbgrad.target.cuda.simulated_math import NAMES
from nbgrad.target.lowering import emit_helper

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not package().simulated, reason="helpers are called from the host")]
THREADS, LANES = package().threads, package().lanes


def together(name, values, whole):
    """Return what each thread of a block is told, each giving one of the values; a second call uses the box again."""
    helpers: dict = {}
    emit_helper(getattr(loops_threads, name), helpers)
    call = f"{name}({{}}, box)" if whole else f"{name}({{}})"
    text = f"""
@kernel
def run(x, out):
    i = cuda.threadIdx.x
    box = cuda.shared.array(32, T0)
    out[i] = {call.format("x[i]")}
    out[i + THREADS] = {call.format("-x[i]")}
"""
    space = {"cuda": package().cuda, **NAMES}
    exec(prelude(package(), (values.dtype.name,)) + "".join(helpers.values()) + text, space)
    out = np.zeros(2 * THREADS, values.dtype)
    space["run"][1, THREADS](values, out)
    return out.reshape(2, -1)


@pytest.mark.parametrize(("name", "fn"), [("sum", np.sum), ("max", np.max), ("min", np.min)])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_blocks_and_warps(name, fn, dtype, rng):
    values = rng.integers(-50, 50, THREADS).astype(dtype)
    both = np.stack([values, -values])
    np.testing.assert_array_equal(together(f"block_{name}", values, True), np.repeat(fn(both, 1)[:, None], THREADS, 1))
    warps = fn(both.reshape(2, -1, LANES), 2)
    np.testing.assert_array_equal(together(f"warp_{name}", values, False), np.repeat(warps, LANES, 1))


@pytest.mark.parametrize("name", ["block_max", "block_min"])
@pytest.mark.parametrize("at", [0, THREADS - 1])
def test_nan_wins(name, at, rng):
    values = rng.standard_normal(THREADS)
    values[at] = np.nan
    assert np.isnan(together(name, values, True)).all()
