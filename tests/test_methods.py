"""The methods and operators that tensors share with arrays: none missing by accident, each the function of its name."""

import inspect
import operator

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.methods import ArrayMethods

ABSENT = {  # what an ndarray has and a tensor has not, and why
    "memory of the array itself": ["base", "ctypes", "data", "flags", "flat", "byteswap", "getfield", "setfield", "setflags", "tobytes", "tofile", "dump",
                                   "dumps", "view", "resize", "put", "partition", "argpartition", "to_device"],
    "complex numbers": ["conj", "conjugate", "imag", "real"],
    "not an op yet": ["choose", "compress", "searchsorted"],
}  # fmt: skip


def test_no_method_of_ndarray_is_missing_by_accident():
    absent = {name for names in ABSENT.values() for name in names}
    public = {name for name in dir(np.ndarray) if not name.startswith("_")}
    own = set(dir(ng.Tensor)) | {"data", "base"}
    assert public - own - absent == set()
    assert (absent & set(dir(ng.Tensor))) <= {"data", "base"}


@pytest.mark.parametrize("name", sorted(n for n, v in vars(ArrayMethods).items() if inspect.isfunction(v) and not n.startswith("_")))
def test_a_method_says_what_it_does_in_one_sentence(name):
    doc = inspect.cleandoc(getattr(ArrayMethods, name).__doc__)
    assert doc.splitlines()[0].rstrip().endswith(".")
    assert ">>>" not in doc


NAMED = ["sum", "mean", "prod", "any", "all", "max", "min", "argmax", "argmin", "ptp", "var", "std", "cumsum", "cumprod", "ravel", "flatten", "diagonal", "trace",
         "argsort"]  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_method_is_the_function_of_its_name(name, rng):
    x = ng.tensor(rng.standard_normal((3, 3)))
    np.testing.assert_array_equal(getattr(x, name)().numpy(), getattr(ng, name)(x).numpy())
    assert getattr(ng.Tensor, name).__name__ == name


@pytest.mark.parametrize("args", [(), (0,), (1,)])
def test_methods_take_numpys_keywords(args, rng):
    a = rng.standard_normal((3, 4))
    x = ng.tensor(a)
    for name in ("sum", "mean", "max", "min", "any", "all", "prod", "var", "std"):
        got = getattr(x, name)(*args, keepdims=True)
        np.testing.assert_allclose(got.numpy(), getattr(a, name)(*args, keepdims=True), rtol=1e-12)
    for name in ("var", "std"):
        np.testing.assert_allclose(getattr(x, name)(*args, ddof=1).numpy(), getattr(a, name)(*args, ddof=1), rtol=1e-12)
    for name in ("argmax", "argmin"):
        np.testing.assert_array_equal(getattr(x, name)(*args, keepdims=True).numpy(), getattr(a, name)(*args, keepdims=True))


@pytest.mark.parametrize("args", [((2, 6),), (2, 6), (-1,), ([3, -1],), ((12,),)])
def test_reshape_takes_a_shape_or_its_lengths(args):
    a = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(ng.tensor(a).reshape(*args).numpy(), a.reshape(*args))


@pytest.mark.parametrize("args", [(), (None,), (1, 0, 2), ((2, 0, 1),), ([0, 2, 1],)])
def test_transpose_takes_axes_or_a_tuple_of_them(args):
    a = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(ng.tensor(a).transpose(*args).numpy(), a.transpose(*args))


def test_short_names_of_transposes():
    a = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(ng.tensor(a).T.numpy(), a.T)
    np.testing.assert_array_equal(ng.tensor(a).mT.numpy(), a.swapaxes(-1, -2))


def test_sort_is_in_place_and_argsort_is_not():
    a = np.array([[3.0, 1.0], [0.0, 2.0]])
    x = ng.tensor(a.copy())
    assert x.sort(0) is None
    np.testing.assert_array_equal(x.numpy(), np.sort(a, 0))
    np.testing.assert_array_equal(ng.tensor(a).argsort(axis=0).numpy(), a.argsort(axis=0))


def test_copies_and_casts_keep_history():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    assert x.astype("float64") is x
    y = x.astype(np.float32).copy()
    assert (y.dtype, y.requires_grad) == ("float32", True)
    y.sum().backward()
    assert x.grad.dtype == "float64"
    assert [i.tolist() for i in ng.tensor([0.0, 3.0]).nonzero()] == [[1]]
    assert all(isinstance(i, ng.Tensor) for i in x.nonzero())


def test_rounding():
    a = np.array([0.5, 1.5, 2.675, -0.05, 123.456])
    for decimals in (0, 1, 2, -1):
        np.testing.assert_allclose(ng.tensor(a).round(decimals).numpy(), a.round(decimals), rtol=1e-12, atol=1e-12)


UNARY = [operator.neg, operator.pos, operator.abs]
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow, operator.matmul,
          operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]  # fmt: skip
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]


@pytest.mark.parametrize("f", BINARY + BITS, ids=lambda f: f.__name__)
def test_operators_take_a_tensor_an_array_or_a_number_on_either_side(f, rng):
    a, b, number = rng.uniform(1, 2, 4), rng.uniform(1, 2, 4), 2.0
    if f in BITS:
        a, b, number = rng.integers(0, 5, 4), rng.integers(0, 5, 4), 2
    for left, right in ((a, b), (a, number), (number, b)):
        if f is operator.matmul and (left is number or right is number):
            continue
        want = f(left, right)
        for lift_left, lift_right in ((True, False), (False, True), (True, True)):
            if (lift_left and left is number) or (lift_right and right is number):
                continue
            got = f(ng.tensor(left) if lift_left else left, ng.tensor(right) if lift_right else right)
            assert isinstance(got, ng.Tensor)
            np.testing.assert_allclose(got.numpy(), want, rtol=1e-14)


@pytest.mark.parametrize("f", UNARY, ids=lambda f: f.__name__)
def test_unary_operators(f):
    a = np.array([-1.5, 0.0, 2.0])
    np.testing.assert_array_equal(f(ng.tensor(a)).numpy(), f(a))
    np.testing.assert_array_equal((~ng.tensor([True, False])).numpy(), [False, True])


@pytest.mark.parametrize("f", [operator.add, operator.mul, operator.matmul, operator.lt, operator.iadd], ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", ["text", None, object()], ids=["text", "None", "object"])
def test_operators_leave_what_is_no_number_or_array_to_python(f, other):
    with pytest.raises(TypeError):
        f(ng.ones(1), other)


def test_an_operand_that_knows_tensors_is_asked():
    class Unit:
        def __rmul__(self, other):
            return "asked"

    assert ng.ones(2) * Unit() == "asked"
    assert (ng.ones(2) == "text") is False
    assert (ng.ones(2) != None) is True  # noqa: E711


def test_a_tensor_can_be_a_key_although_it_compares_by_element():
    x, y = ng.ones(2), ng.ones(2)
    assert {x: 1}[x] == 1
    assert len({x, y}) == 2
