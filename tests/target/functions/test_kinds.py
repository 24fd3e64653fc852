"""Numba's types and ours."""

from typing import NamedTuple

import numpy as np
import pytest
from numba import njit, typeof, types

from nbgrad.ad.expressions import Known
from nbgrad.ad.statements import BOOL, FLOAT, INT, Array, Group, Scalar
from nbgrad.base.errors import DtypeError
from nbgrad.target.functions.kinds import kind_of, wider


class Pair(NamedTuple):
    a: float
    b: np.ndarray


@pytest.mark.parametrize(("value", "kind"), [(1, INT), (True, BOOL), (1.5, FLOAT), (np.float32(1), Scalar("float32")), (np.uint8(1), Scalar("uint8")),
                                             (np.zeros(2), Array("float64", 1)), (np.zeros((2, 3), order="F"), Array("float64", 2, "F")),
                                             (np.zeros(4)[::2], Array("float64", 1, "A")), (np.zeros(2, bool), Array("bool", 1)),
                                             ((1, (2.0, 3.0)), Group((INT, Group((FLOAT, FLOAT))))), (None, Known(None))], ids=repr)  # fmt: skip
def test_types_of_values(value, kind):
    assert kind_of(typeof(value)) == kind


def test_namedtuples_keep_their_class():
    found = kind_of(typeof(Pair(1.0, np.zeros(2))))
    assert found == Group((FLOAT, Array("float64", 1)), Pair) and found.cls is Pair


def test_constants_and_functions():
    f = njit(lambda x: x)
    assert kind_of(types.Omitted(2.5)) == FLOAT and kind_of(types.Omitted(None)) == Known(None)
    assert kind_of(types.literal(3)) == INT
    assert kind_of(typeof(f)).object is f


@pytest.mark.parametrize("kind", [types.unicode_type, types.complex128, types.Array(types.complex64, 1, "C"), types.List(types.float64), types.pyobject], ids=str)
def test_what_has_no_derivative_is_refused_by_name(kind):
    with pytest.raises(DtypeError, match=r"f: x is .*, which has no derivative here"):
        kind_of(kind, "f: x")


def test_wider_types_are_found():
    typemap = {"s.1": types.float64, "t": types.float32, "x": types.float64[:], "n": types.int64}
    names = {"s": Scalar("float32"), "t": Scalar("float32"), "x": Array("float64", 1), "n": INT}
    assert wider(typemap, names) == [("s", "float32", "float64")]
