"""Plans carried out in plain Python: the loops as they are written, tiles in any order, no compiler."""

import math
import types

import numpy as np
import pytest

from nbgrad.plan.plan import Layout, packed, planners
from tests.plan.records import recorded


def layout(a):
    return Layout(a.shape, tuple(s // a.itemsize for s in a.strides), a.dtype.name)


JOINED = {
    "add": lambda a, b: a + b, "max": np.maximum, "min": np.minimum, "set": lambda a, b: b, "count": lambda a, b: a + 1,
}  # fmt: skip


def join_row(lanes, mode, out, to, v, source, count):
    """What lanes.py means by it."""
    for k in range(count):
        out[to + k] = JOINED[mode](out[to + k], v[source + k])


def rectangle(tile, rows, height, columns, width):
    """What lanes.py means by it."""
    down, right = divmod(tile, -(-columns // width))
    return down * height, min(rows, (down + 1) * height), right * width, min(columns, (right + 1) * width)


LANES = {
    "rectangle": rectangle, "counted": lambda index, e, size: index[e] + (size if index[e] < 0 else 0),
    "inside": lambda at, size: 0 <= at < size,
    "put_row": lambda lanes, *row: join_row(lanes, "set", *row), "join_row": join_row,
    "join": lambda mode, a, b: JOINED[mode](a, b),
}  # fmt: skip


def run_step(step, buffers, module, tiles):
    """Run one step's tiles, in the order given, with buffers as flat arrays."""
    kernel, words = step.kernel, [None] * len(step.pointers) + [np.int64(w) for w in step.words]
    scope = {"word": lambda args, i: args[i], "math": math, "np": np, "__builtins__": __builtins__, **LANES}
    for i, (p, dtype) in enumerate(zip(step.pointers, kernel.dtypes)):
        width = "uint8" if dtype == "bool" else dtype
        scope[f"at{i}"] = lambda args, p=p, width=width: buffers[p].view(width)
        scope[f"T{i}"] = np.dtype(width).type
    scope.update({f"S{i}": s for i, s in enumerate(kernel.static)})
    for name, value in vars(module).items():
        if isinstance(value, types.FunctionType):
            scope[name] = types.FunctionType(value.__code__, scope, name)
    for tile in tiles:
        scope[kernel.loop](words, int(tile))


@pytest.fixture
def carry_out(rng):
    """Return a function that plans a primitive and carries the plan out twice, tiles in two orders, on row-major inputs."""

    def carry(name, arrays, attrs, shape, dtype, modules):
        plan = planners[name][0](tuple(map(layout, arrays)), attrs, packed(shape, dtype))
        results = []
        for _ in range(2):
            out = (np.zeros if plan.zero else lambda n, d: np.full(n, 77, d))(math.prod(shape), dtype)
            scratch = [np.full(math.prod(s), 55, d) for s, d in plan.scratch]
            buffers = [*(np.ascontiguousarray(a).reshape(-1) for a in arrays), out, *scratch]
            for step in plan.steps:
                module = next(m for m in modules if hasattr(m, step.kernel.loop))
                run_step(step, buffers, module, rng.permutation(step.tiles))
            results.append(out.reshape(shape))
        np.testing.assert_array_equal(results[0], results[1], err_msg="tiles depend on one another")
        return plan, results[0]

    return carry


@pytest.fixture
def record_of():
    """Return a function that records a function of tensors: (recorder, refs to the results, the results)."""

    return recorded
