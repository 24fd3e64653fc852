"""The text that every kernel of the CUDA target begins with."""

# The words of a kernel, `args`, are an array of int64: per pointer the offset of its first element, then those of the plan.
# A pointer `p0`, `p1`, ... is a flat array of the device; element i of an operand is p0[args[0] + i].

DEVICE = """\
import math

import numpy as np
{line}

LANES, THREADS = 32, {threads}
kernel = cuda.jit(cache=True)
helper = cuda.jit(device=True)
cbrt_float64, rint_float64, floor_float64 = libdevice.cbrt, libdevice.rint, libdevice.floor
cbrt_float32, rint_float32, floor_float32 = libdevice.cbrtf, libdevice.rintf, libdevice.floorf
ceil_float64, trunc_float64 = libdevice.ceil, libdevice.trunc
ceil_float32, trunc_float32 = libdevice.ceilf, libdevice.truncf
number = libdevice.longlong_as_double  # the float64 that has the bits of a word


@helper
def lane_down(value, by):
    \"\"\"Return the value of the thread `by` lanes behind this one, all lanes of a warp asking; its own where there is none.\"\"\"
    return cuda.shfl_down_sync(0xFFFFFFFF, value, by)


@helper
def lane_across(value, by):
    \"\"\"Return the value of the thread whose lane differs in the bit `by`, all lanes of a warp asking.\"\"\"
    return cuda.shfl_xor_sync(0xFFFFFFFF, value, by)


@helper
def lane_first(value):
    \"\"\"Return the value of the first lane of the warp.\"\"\"
    return cuda.shfl_sync(0xFFFFFFFF, value, 0)
"""

LEAST_AND_MOST = '''

@helper
def min(a, b):
    return a if a < b else b


@helper
def max(a, b):
    return a if a > b else b
'''  # Numba's target does not compile those of Python

SIMULATED = """\
import numpy as np

LANES, THREADS = {lanes}, {threads}


def helper(fn):
    return fn


def number(word):
    return np.int64(word).view(np.float64)


def lane_down(value, by):
    me = cuda.threadIdx.x
    return lane_of(value, me + by if me % LANES + by < LANES else me)


def lane_across(value, by):
    return lane_of(value, cuda.threadIdx.x ^ by)


def lane_first(value):
    return lane_of(value, cuda.threadIdx.x // LANES * LANES)
"""


def prelude(package, dtypes) -> str:
    """Return the text that defines `cuda`, `math`, `np`, `kernel`, `helper`, `LANES`, `THREADS`, lanes and `T0`, `T1`, ...

    In the simulator what runs the text puts `cuda`, `kernel` and `math` among its names: Python's `math` raises where CUDA
    gives NaN.
    """
    head = (SIMULATED if package.simulated else DEVICE).format(line=package.line, threads=package.threads, lanes=package.lanes)
    if package.name == "builtin" and not package.simulated:
        head += LEAST_AND_MOST
    names = ["uint8" if d == "bool" else d for d in dtypes]
    return head + "\n" + "".join(f"T{i} = np.{d}\n" for i, d in enumerate(names))
