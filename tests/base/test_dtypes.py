"""Dtypes and their promotion, against NumPy."""

import itertools

import numpy as np
import pytest

from nbgrad.base.dtypes import DTYPES, NAMES, check_dtype, float_of, is_float, promote
from nbgrad.base.errors import DtypeError

WEAK = [(), (True,), (2,), (2.0,), (2, 2.0)]


@pytest.mark.parametrize("name", NAMES)
def test_every_spelling_of_a_dtype_is_the_one_native_dtype(name):
    native = DTYPES[name]
    spellings = [name, native, native.type, native.char, native.newbyteorder(">"), native.newbyteorder("<")]
    for dtype in spellings:
        assert check_dtype(dtype) is native


def test_pythons_types_are_numpys():
    assert [check_dtype(t).name for t in (bool, int, float)] == ["bool", np.dtype(int).name, "float64"]


@pytest.mark.parametrize(
    "dtype", ["float16", "complex64", complex, "longdouble", "U3", "S2", object, "datetime64[s]", [("a", "f4")]]
)
def test_other_dtypes_are_refused_with_a_way_out(dtype):
    with pytest.raises(DtypeError) as caught:
        check_dtype(dtype)
    what, where, fix = str(caught.value).splitlines()
    assert "float32, float64" in what
    assert "test_dtypes.py" in where
    assert fix.startswith("  try: ")


@pytest.mark.parametrize("dtype", ["float99", "", "no such", 3, ("f4", "x")])
def test_what_is_no_dtype_at_all_is_refused_the_same_way(dtype):
    with pytest.raises(DtypeError, match=r"no kernels for dtype .*\n.*\n  try: "):
        check_dtype(dtype)


def test_only_floats_carry_a_gradient():
    assert [n for n in NAMES if is_float(DTYPES[n])] == ["float32", "float64"]


@pytest.mark.parametrize(("a", "b"), [*itertools.combinations_with_replacement(NAMES, 2)])
def test_promotion_of_arrays_and_weak_scalars_is_numpys(a, b):
    x, y = np.ones(2, a), np.ones(2, b)
    for scalars in WEAK:
        want = np.result_type(x, y, *scalars)
        if want.name in DTYPES:
            assert promote([x.dtype, y.dtype], scalars) == want, scalars
            assert promote([x.dtype], scalars) == np.result_type(x, *scalars), scalars


def test_promotion_of_scalars_alone():
    assert promote([], [True]) == "bool"
    assert promote([], [1]) == np.dtype(int)
    assert promote([], [1, 2.0]) == "float64"


@pytest.mark.parametrize("name", NAMES)
def test_floats_stay_and_integers_are_computed_as_float64_as_numpy_divides_them(name):
    assert float_of(DTYPES[name]) == np.divide(np.ones(1, name), np.ones(1, name)).dtype
