"""Sample calls: every row has some, they are of the dtype that was asked for, and the same every time."""

import numpy as np
import pytest

from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.samples import samples

EVERY = [op for found in rows().values() for op in found]


@pytest.mark.parametrize("op", EVERY, ids=lambda op: op.name)
def test_every_row_has_samples_that_fit_it(op):
    found = list(samples(op))
    assert found
    for arrays, attrs in found:
        assert op.variadic or len(arrays) == len(op.params)
        assert set(attrs) == set(op.attrs) or op.name == "slice_"
        assert all(type(a) is np.ndarray and 0 < a.size < 300 for a in arrays)


def test_they_are_the_same_every_time():
    for name in ("tanh", "class_entropy", "conv_output"):
        for a, b in zip(samples(table[name]), samples(table[name])):
            assert all(np.array_equal(x, y) for x, y in zip(a.arrays, b.arrays))


def test_numbers_have_the_dtype_that_is_asked_for():
    dtypes = lambda name, dtype: {a.dtype.name for s in samples(table[name], dtype) for a in s.arrays}
    assert dtypes("add", "float64") == {"float64"}
    assert dtypes("add", "int8") == {"int8"}
    assert dtypes("tanh", "int8") == {"float64"}  # takes floats only
    assert dtypes("bitwise_and", "float32") == {"int64"}
    assert dtypes("where", "bool") == {"bool"}
    assert dtypes("take_rows", "uint16") == {"uint16", "int64"}


def test_numbers_are_in_the_domain_of_a_row():
    for s in samples(table["pow"]):
        assert (s.arrays[0] >= 0.3).all()
        assert (s.arrays[0] <= 3).all()
