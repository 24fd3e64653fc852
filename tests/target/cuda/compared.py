"""A primitive on a device against the same on the CPU."""

import numpy as np

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.target.cpu.run import CPU
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.run import launches

rows()


def both(name, arrays, dtype=None, views=lambda *arrays: arrays, **attrs):
    """Return (result of the CPU, result of the device); `views` are taken of the arrays on each."""
    op = table[name]
    seen = views(*arrays)
    made = op.forward(*seen, **attrs), np.dtype(dtype or op.returns or arrays[0].dtype)
    want = CPU.primitive_launch(op, seen, attrs, *made)(seen)
    seen = views(*map(from_host, arrays))
    got = to_host(launches().primitive_launch(op, seen, attrs, *made)(seen))
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    return want, got


def same(name, arrays, **options):
    """Check that both give the same numbers; return them."""
    want, got = both(name, arrays, **options)
    np.testing.assert_array_equal(got, want)
    return got
