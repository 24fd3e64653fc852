"""Dtypes that rows compute in and return."""

import numpy as np
import pytest

from nbgrad.base.errors import DtypeError
from nbgrad.docs import rows
from nbgrad.ops.table import table
from nbgrad.ops.types import types_of

rows()
F4, F8, I4, I8, B = map(np.dtype, ("float32", "float64", "int32", "int64", "bool"))


@pytest.mark.parametrize(
    ("name", "given", "casts", "returned"),
    [("add", (F4, F8), (F8, F8), F8), ("add", (F4, float), (F4, F4), F4), ("add", (I4, float), (F8, F8), F8), ("add", (I4, int), (I4, I4), I4),
     ("add", (B, B), (I8, I8), I8), ("exp", (I4,), (F8,), F8), ("exp", (F4,), (F4,), F4), ("div", (I8, I8), (F8, F8), F8),
     ("less", (F4, F4), (F4, F4), B), ("where", (B, F4, float), (B, F4, F4), F4), ("where", (I8, F8, F8), (B, F8, F8), F8),
     ("bitwise_and", (B, B), (B, B), B), ("isnan", (F8,), (F8,), B)],
)  # fmt: skip
def test_types(name, given, casts, returned):
    assert types_of(table[name], given) == (casts, returned)


def test_what_a_row_has_no_meaning_for_is_refused():
    with pytest.raises(DtypeError, match="bitwise_and.*float64.*integers"):
        types_of(table["bitwise_and"], (F8, I8))
