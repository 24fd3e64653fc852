"""NumPy's functions on tensors: the same numbers as on arrays, recorded; refused where they would mean something else."""

import itertools

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, NbgradError
from nbgrad.numpy_protocol import UNRECORDED, meaning

NEW = np.lib.NumpyVersion(np.__version__) >= "2.0.0"
A = np.random.default_rng(0).uniform(0.2, 0.9, (3, 4))
CALLS = {
    "one": [(f, (A,), {}) for f in (np.sin, np.exp, np.log, np.tanh, np.sqrt, np.square, np.negative, np.absolute, np.arctan, np.log1p, np.reciprocal,
                                     np.floor, np.rint, np.sign, np.deg2rad, np.cbrt, np.isnan, np.signbit, np.sinc, np.nan_to_num)],
    "two": [(f, (A, 0.5 * A[0]), {}) for f in (np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.fmin, np.hypot, np.arctan2, np.logaddexp,
                                               np.copysign, np.remainder, np.floor_divide, np.less, np.not_equal, np.logical_or)],
    "reducing": [(f, (A,), k) for f in (np.sum, np.mean, np.prod, np.max, np.min, np.any, np.all, np.var, np.std, np.argmax, np.argmin, np.median,
                                        np.count_nonzero, np.ptp) for k in ({}, {"axis": 1}, {"axis": 0, "keepdims": True})],
    "running": [(f, (A,), k) for f in (np.cumsum, np.cumprod, np.sort, np.argsort) for k in ({"axis": 0}, {"axis": -1})],
    "shapes": [(np.reshape, (A, (2, -1)), {}), (np.transpose, (A,), {}), (np.moveaxis, (A, 0, 1), {}), (np.swapaxes, (A, 0, 1), {}), (np.ravel, (A,), {}),
               (np.expand_dims, (A, 1), {}), (np.squeeze, (A[:1],), {}), (np.broadcast_to, (A[0], (2, 4)), {}), (np.flip, (A, 0), {}), (np.roll, (A, 1, 0), {}),
               (np.tile, (A, (2, 1)), {}), (np.repeat, (A, 2, 1), {}), (np.pad, (A, 1), {}), (np.diagonal, (A,), {}), (np.trace, (A,), {}), (np.tril, (A,), {}),
               (np.atleast_2d, (A[0],), {})],
    "several": [(f, ([A, 2 * A],), k) for f, k in ((np.concatenate, {"axis": 1}), (np.stack, {"axis": -1}), (np.vstack, {}), (np.hstack, {}))],
    "products": [(np.matmul, (A, A.T), {}), (np.dot, (A, A[0]), {}), (np.inner, (A, A), {}), (np.outer, (A[0], A[1]), {}), (np.tensordot, (A, A), {"axes": 2}),
                 (np.einsum, ("ij,kj->ik", A, A), {}), (np.kron, (A, A), {}), (np.vdot, (A, A), {}), (np.convolve, (A[0], A[1]), {})],
    "choosing": [(np.where, (A > 0.5, A, 0.0), {}), (np.take, (A, [1, 0], 1), {}), (np.take_along_axis, (A, np.argsort(A, 1), 1), {}), (np.clip, (A, 0.3, 0.6), {}),
                 (np.clip, (A, 0.3, None), {}), (np.clip, (A,), {"a_min": None, "a_max": 0.6}), (np.round, (A, 1), {}), (np.around, (A,), {}),
                 (np.quantile, (A, 0.3), {}), (np.searchsorted, (A[0], 0.5), {})],
    "linalg": [(np.linalg.norm, (A,), {}), (np.linalg.norm, (A,), {"axis": 1, "ord": 1})],
}  # fmt: skip
if NEW:
    B = np.arange(24.0).reshape(2, 3, 4)
    CALLS["linalg"] += [(np.linalg.trace, (B,), {}), (np.linalg.diagonal, (B,), {"offset": 1}), (np.linalg.matmul, (B, A.T), {}), (np.linalg.outer, (A[0], A[1]), {})]
    CALLS["shapes"] += [(np.permute_dims, (B, (2, 0, 1)), {}), (np.concat, ([A, A],), {})]
FLAT = [(kind, i) for kind, found in CALLS.items() for i in range(len(found))]


def tensors(v):
    """Replace float arrays by tensors that want a gradient."""
    if isinstance(v, np.ndarray) and v.dtype.kind == "f":
        return ng.tensor(v.copy(), requires_grad=True)
    return [tensors(u) for u in v] if isinstance(v, list) else v


@pytest.mark.parametrize(("kind", "number"), FLAT, ids=[f"{k}-{CALLS[k][i][0].__name__}-{i}" for k, i in FLAT])
def test_a_function_of_numpy_gives_a_tensor_with_its_numbers(kind, number):
    f, args, kwargs = CALLS[kind][number]
    want = f(*args, **kwargs)
    got = f(*[tensors(a) for a in args], **kwargs)
    assert isinstance(got, ng.Tensor)
    assert got.shape == np.shape(want)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got.detach().numpy(), want, rtol=1e-13, atol=1e-15)
    flat = f in (np.floor, np.rint, np.sign, np.floor_divide, np.round, np.around)
    assert got.requires_grad == (want.dtype.kind == "f" and not flat)


def test_each_ufunc_of_numpy_is_its_own_meaning_or_none(rng):
    ufuncs = [v for v in vars(np).values() if isinstance(v, np.ufunc) and meaning(v) is not None and v.nin <= 2]
    assert len(ufuncs) > 60
    for f in set(ufuncs):
        args = [rng.uniform(0.2, 0.9, 5) for _ in range(f.nin)]
        if not any(t.startswith("d") for t in f.types):
            args = [rng.integers(0, 5, 5) for _ in range(f.nin)]
        with np.errstate(invalid="ignore"):
            want = f(*args)
        np.testing.assert_allclose(f(*map(ng.tensor, args)).numpy(), want, rtol=1e-13, err_msg=f.__name__)


def test_a_function_of_numpy_alone_is_not_taken_for_one_of_ours():
    for f in (np.fft.fft, np.linalg.inv, np.unique, np.average, np.nansum, np.frexp, np.linalg.eigh):
        assert meaning(f) is None
        with pytest.raises(ArgumentError, match=r"no counterpart in nbgrad.*\n.*test_numpy_protocol.*\n  try: "):
            f(ng.ones((2, 2)))


def test_the_name_in_the_message_is_the_users():
    with pytest.raises(ArgumentError, match=r"^np\.linalg\.inv has"):
        np.linalg.inv(ng.eye(2))
    with pytest.raises(ArgumentError, match=r"^np\.add\.accumulate has"):
        np.add.accumulate(ng.ones(2))
    with pytest.raises(ArgumentError, match=r"^np\.multiply\.outer has"):
        np.multiply.outer(ng.ones(2), ng.ones(2))


def test_the_place_is_the_users_line_and_not_one_of_numpy():
    x = ng.ones(2)
    x.requires_grad = True
    with pytest.raises(NbgradError, match=r"loses it\n  at test_numpy_protocol\.py"):
        np.average([x * 2.0, x * 3.0])


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum", "logical_and", "logical_or"])
def test_reduce_of_a_ufunc(name, rng):
    f, a = getattr(np, name), rng.uniform(-1, 1, (2, 3))
    for axis, keepdims in itertools.product((0, 1, None, (0, 1)), (False, True)):
        got = f.reduce(ng.tensor(a), axis=axis, keepdims=keepdims)
        np.testing.assert_allclose(got.numpy(), f.reduce(a, axis=axis, keepdims=keepdims), rtol=1e-14)
    assert f.reduce(ng.tensor(a)).shape == (3,)


def test_an_array_takes_a_result_without_history():
    a = np.ones(3)
    a += ng.tensor([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(a, [2.0, 3.0, 4.0])
    np.add(1.0, ng.ones(3), out=a)
    np.testing.assert_array_equal(a, [2.0, 2.0, 2.0])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.add.reduce(x, initial=1.0),
        lambda x: np.add.reduce(x, initial=1),
        lambda x: np.add.reduce(x, where=np.array([True, False])),
        lambda x: np.add.reduce(x, dtype="float32"),
        lambda x: np.add(x, x, where=np.array([True, False])),
        lambda x: np.add(x, x, casting="no"),
        lambda x: np.sum(x, where=np.array([True, False])),
        lambda x: np.max(x, initial=3.0),
        lambda x: np.median(x, overwrite_input=True),
        lambda x: np.add(1.0, ng.tensor([1.0, 2.0], requires_grad=True), out=np.zeros(2)),
    ],
)
def test_an_argument_that_would_change_the_result_is_refused(call):
    with pytest.raises(NbgradError) as caught:
        call(ng.ones(2))
    assert len(str(caught.value).splitlines()) == 3


def test_dtype_and_out_of_a_ufunc():
    x, out = ng.tensor(np.ones(2, "float32")), ng.zeros(2)
    assert np.add(x, 1, dtype="float64").dtype == "float64"
    assert np.exp(x, out=out) is out
    np.testing.assert_allclose(out.numpy(), np.exp(np.ones(2)), rtol=1e-6)
    assert np.sum(ng.ones((2, 3)), axis=1, out=out) is out
    np.testing.assert_array_equal(out.numpy(), [3.0, 3.0])


def test_what_only_looks_at_numbers_returns_what_numpy_returns():
    x = ng.tensor([[1.0, 0.0]], requires_grad=True) * 2.0
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((1, 2), 2, 2)
    assert np.array_equal(x, [[2.0, 0.0]])
    assert np.allclose(x, [[2.0, 0.0]])
    assert isinstance(np.isclose(x, 2.0), np.ndarray)
    assert [i.tolist() for i in np.nonzero(x)] == [[0], [0]]
    assert np.result_type(x, "float32") == "float64"
    assert np.array2string(x) == "[[2. 0.]]"
    assert not np.shares_memory(x, x.detach().numpy().copy())


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like", "full_like"])
def test_new_arrays_like_a_tensor_are_tensors(name):
    f, x = getattr(np, name), ng.tensor(np.ones((2, 3), "float32"), requires_grad=True)
    more = (7,) if name == "full_like" else ()
    got = f(x, *more)
    assert (type(got), got.shape, got.dtype, got.requires_grad) == (ng.Tensor, (2, 3), np.dtype("float32"), False)
    assert f(x, *more, dtype="int64").dtype == "int64"
    if name != "empty_like":
        np.testing.assert_array_equal(got.numpy(), f(x.numpy(), *more))


def test_copies_are_recorded():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = np.copy(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 1.0])
    assert not np.shares_memory(y, x)
    if NEW:
        assert np.astype(x, "float32").dtype == "float32"


def test_every_function_that_is_not_recorded_is_numpys():
    assert all(getattr(np, f.__name__, f) is f for f in UNRECORDED)
