"""What threads of a block do together: every thread is told the same."""

import numpy as np
import pytest

from nbgrad.target.cuda import loops_threads, simulated_kernel, simulated_math
from nbgrad.target.cuda.loops_threads import LEAST, MOST, SUM
from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.prelude import prelude
from nbgrad.target.lowering import emit_helper

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not package().simulated, reason="helpers are called from the host")]
THREADS, LANES = package().threads, package().lanes


def told(call, values):
    """Return what each thread of a block is told, each giving one of the values; a second call uses the box again."""
    helpers: dict = {}
    emit_helper(getattr(loops_threads, call.partition("(")[0]), helpers)
    text = f"""
@kernel
def run(x, out):
    i = cuda.threadIdx.x
    box = cuda.shared.array(32, T0)
    value = x[i]
    out[i] = {call}
    value = -x[i]
    out[i + THREADS] = {call}
"""
    space = {**simulated_kernel.NAMES, **simulated_math.NAMES}
    exec(prelude(package(), (values.dtype.name,)) + "\n".join(helpers.values()) + text, space)
    out = np.zeros(2 * THREADS, values.dtype)
    space["run"][1, THREADS](values, out)
    return out.reshape(2, -1)


@pytest.mark.parametrize(("how", "fn"), [(SUM, np.sum), (MOST, np.max), (LEAST, np.min)])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_blocks_and_lanes(how, fn, dtype, rng):
    values = rng.integers(-50, 50, THREADS).astype(dtype)
    both = np.stack([values, -values])
    np.testing.assert_array_equal(told(f"over_block(value, box, {how})", values), np.repeat(fn(both, 1)[:, None], THREADS, 1))
    for count in (1, 2, LANES):
        together = fn(both.reshape(2, -1, count), 2)
        np.testing.assert_array_equal(told(f"over_lanes(value, {count}, {how})", values), np.repeat(together, count, 1))


@pytest.mark.parametrize("how", [SUM, MOST, LEAST])
@pytest.mark.parametrize("at", [0, THREADS - 1])
def test_nan_wins(how, at, rng):
    values = rng.standard_normal(THREADS)
    values[at] = np.nan
    assert np.isnan(told(f"over_block(value, box, {how})", values)).all()
