import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.base.errors import ShapeError
from nbgrad.plan.host import Host, get_host, set_host
from nbgrad.plan.multiplying import matmul as plan_matmul
from nbgrad.plan.plan import packed
from nbgrad.target.cpu.run import Launch
from nbgrad.target.launch import layout

RNG = np.random.default_rng(0)


def numbers(shape, dtype="float64"):
    if np.dtype(dtype).kind == "f":
        return RNG.standard_normal(shape).astype(dtype)
    return RNG.integers(-5 if np.dtype(dtype).kind == "i" else 0, 6, shape).astype(dtype)


def laid_out(shape, dtype, how):
    """An array of `shape` in one of several memory layouts."""
    if how == "transposed":
        return numbers((*shape[:-2], *shape[:-3:-1]), dtype).swapaxes(-1, -2)
    if how == "strided":
        return numbers((*shape[:-2], 2 * shape[-2], 3 * shape[-1]), dtype)[..., ::2, ::-3]
    if how == "repeated":
        return np.broadcast_to(numbers((*shape[:-2], 1, shape[-1]), dtype), shape)
    return numbers(shape, dtype)


LAYOUTS = st.sampled_from(["contiguous", "transposed", "strided", "repeated"])
BATCHES = st.sampled_from([((), ()), ((3,), ()), ((), (2,)), ((2, 1), (3,)), ((2, 3), (2, 3)), ((0,), ())])
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 40), st.integers(0, 70), st.integers(0, 70), BATCHES, LAYOUTS, LAYOUTS,
    st.sampled_from(["float32", "float64", "int64", "uint8"]),
)  # fmt: skip
def test_matmul_equals_numpy(m, k, n, batches, left, right, dtype):
    a = laid_out((*batches[0], m, k), dtype, left)
    b = laid_out((*batches[1], k, n), dtype, right)
    out = ng.matmul(a, b)
    expected = np.matmul(a, b)
    assert out.dtype == expected.dtype
    assert out.shape == expected.shape
    np.testing.assert_allclose(out.numpy(), expected, rtol=TOLERANCE.get(dtype, 0), atol=TOLERANCE.get(dtype, 0))


LARGE = [((300, 400), (400, 500)), ((5, 700), (700, 3)), ((1, 700), (700, 600)), ((600, 700), (700, 1)),
         ((64, 784), (784, 257)), ((20, 33, 65), (65, 40))]  # fmt: skip


@pytest.mark.parametrize("shapes", LARGE)
@pytest.mark.parametrize("left", ["contiguous", "transposed"])
@pytest.mark.parametrize("right", ["contiguous", "transposed"])
def test_large_products_equal_numpy(shapes, left, right):
    a, b = laid_out(shapes[0], "float32", left), laid_out(shapes[1], "float32", right)
    expected = a.astype("float64") @ b.astype("float64")
    np.testing.assert_allclose(ng.matmul(a, b).numpy(), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("a", "b"), [((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 2)), ((5, 3, 4), (4,)), ((4,), (5, 4, 2))]
)
def test_vectors_as_numpy(a, b):
    x, y = numbers(a), numbers(b)
    out = ng.matmul(x, y)
    assert out.shape == np.matmul(x, y).shape
    np.testing.assert_allclose(out.numpy(), np.matmul(x, y), rtol=1e-13)
    ng.gradcheck(ng.matmul, x, y, order=2)


@pytest.mark.parametrize(
    ("a", "b"),
    [((2, 3), (3, 4)), ((2, 2, 3), (3, 4)), ((2, 3), (2, 3, 4)), ((2, 1, 2, 3), (3, 3, 4)), ((0, 3), (3, 2))],
)
def test_gradients_to_second_order(a, b):
    x, y = numbers(a), numbers(b)
    if x.size:
        ng.gradcheck(ng.matmul, x, y, order=2)
    t = ng.tensor(x, requires_grad=True)
    ng.matmul(t, y).sum().backward()
    assert t.grad.shape == a


def test_gradient_of_a_shared_right_factor_is_the_sum_over_the_batch():
    a, b, g = numbers((3, 4, 5)), numbers((5, 2)), numbers((3, 4, 2))
    t = ng.tensor(b, requires_grad=True)
    ng.matmul(a, t).backward(g)
    np.testing.assert_allclose(t.grad.numpy(), np.einsum("bij,bik->jk", a, g), rtol=1e-12)


def test_dtypes_promote_and_bools_count():
    assert ng.matmul(numbers((2, 3), "float32"), numbers((3, 2), "float64")).dtype == np.float64
    out = ng.matmul(np.ones((2, 3), bool), np.ones((3, 2), bool))
    assert out.dtype == np.int64
    assert (out.numpy() == 3).all()


def test_infinities_and_nans_stay_where_they_are():
    a = np.eye(3)
    b = np.array([[np.inf, 1.0], [np.nan, 2.0], [3.0, -np.inf]])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(ng.matmul(a, b).numpy(), a @ b)


def test_operators_and_numpy_functions_reach_it():
    a, b = numbers((2, 3)), numbers((3, 2))
    np.testing.assert_allclose((ng.tensor(a) @ b).numpy(), a @ b, rtol=1e-13)
    np.testing.assert_allclose((a @ ng.tensor(b)).numpy(), a @ b, rtol=1e-13)
    np.testing.assert_allclose(np.matmul(ng.tensor(a), b[:, 0]).numpy(), a @ b[:, 0], rtol=1e-13)


def test_error_shows_shapes_place_and_the_transpose_that_fits():
    with pytest.raises(ShapeError) as caught:
        ng.matmul(np.ones((32, 784)), np.ones((10, 784)))
    lines = str(caught.value).splitlines()
    assert (
        lines[0]
        == "matmul(a, b): a is (32, 784) and b is (10, 784); shapes must fit (m,k),(k,n)->(m,n), but k is 784 and 10"
    )
    assert lines[1].startswith("  at test_matmul.py:")
    assert lines[2] == "  try: a @ b.T"


UNFIT = [((2, 3, 4), (5, 4, 2), "do not broadcast"), ((3,), (4,), "k is 3 and 4"), ((), (3,), "scalar"),
         ((5, 3), (5, 4), "try: a.T @ b"), ((3, 4), (5, 3), "try: b @ a")]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "words"), UNFIT)
def test_shapes_that_do_not_fit(a, b, words):
    with pytest.raises(ShapeError, match=words):
        ng.matmul(np.ones(a), np.ones(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((2, 5, 3), (4, 3, 2))],
)
def test_dot_equals_numpy(a, b):
    x, y = numbers(a), numbers(b)
    np.testing.assert_allclose(ng.dot(x, y).numpy(), np.dot(x, y), rtol=1e-12)


@pytest.mark.parametrize(("a", "b"), [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (5, 3)), ((2, 4, 3), (3,)), ((), (2,))])
def test_inner_equals_numpy(a, b):
    x, y = numbers(a), numbers(b)
    np.testing.assert_allclose(ng.inner(x, y).numpy(), np.inner(x, y), rtol=1e-12)


@pytest.mark.parametrize("f", ["outer", "kron", "vdot"])
def test_products_of_all_pairs_equal_numpy(f):
    x, y = numbers((2, 3)), numbers((3, 2))
    np.testing.assert_allclose(getattr(ng, f)(x, y).numpy(), getattr(np, f)(x, y), rtol=1e-12)
    ng.gradcheck(getattr(ng, f), x, y, order=2)


@pytest.mark.parametrize("shapes", [((2,), (2, 3)), ((2, 3, 1), (4, 2))])
def test_kron_of_different_dimensions(shapes):
    x, y = map(numbers, shapes)
    np.testing.assert_allclose(ng.kron(x, y).numpy(), np.kron(x, y), rtol=1e-12)


PAIRED = [((2, 3, 4), (3, 4, 5), 2), ((2, 3), (4, 5), 0), ((2, 3, 4), (4, 3, 5), ((1, 2), (1, 0))),
          ((3, 4), (5, 4), ((-1,), (-1,))), ((3, 4), (4, 3), (0, 1))]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "axes"), PAIRED)
def test_tensordot_equals_numpy(a, b, axes):
    x, y = numbers(a), numbers(b)
    out = ng.tensordot(x, y, axes)
    expected = np.tensordot(x, y, axes)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12)
    ng.gradcheck(lambda x, y: ng.tensordot(x, y, axes), x, y)


def test_tensordot_of_different_lengths():
    with pytest.raises(ShapeError, match="meet"):
        ng.tensordot(np.ones((2, 3)), np.ones((4, 2)), 1)


@pytest.fixture
def threads():
    """The function that sets the number of threads, which is given back."""
    before = ng.get_num_threads()
    yield ng.set_num_threads
    ng.set_num_threads(before)


SHARED = [((200, 300), (300, 400)), ((700, 900), (900, 1)), ((6, 70, 80), (80, 90)), ((40, 9000), (9000, 50)),
          ((1, 200000), (200000, 1)), ((2, 5000), (5000, 900)), ((700, 600), (600, 700)), ((900, 8, 8), (900, 8, 8))]  # fmt: skip


@pytest.mark.parametrize("shapes", SHARED)
@pytest.mark.parametrize("right", ["contiguous", "transposed"])
def test_results_do_not_depend_on_the_number_of_threads(shapes, right, threads):
    a, b = numbers(shapes[0], "float32"), laid_out(shapes[1], "float32", right)
    several = ng.matmul(a, b).numpy()
    threads(1)
    np.testing.assert_array_equal(ng.matmul(a, b).numpy(), several)


@pytest.fixture(params=[(32, 16), (16, 32), (16, 16)], ids=["AVX2", "NEON", "SSE"])
def host(request):
    """A machine with narrower registers, planned for during a test."""
    before = get_host()
    set_host(Host(*request.param, 32768, 262144))
    yield
    set_host(before)


FORCED = [((1, 1), (1, 1)), ((37, 53), (53, 61)), ((70, 5), (5, 3)), ((5, 6, 7), (5, 7, 9)), ((300, 320), (320, 310)), ((20, 3000), (3000, 30))]


@pytest.mark.parametrize("shapes", FORCED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("left", "right"), [("contiguous", "contiguous"), ("transposed", "transposed")])
def test_blocks_of_other_machines_give_the_same(host, shapes, dtype, left, right):
    a, b = laid_out(shapes[0], dtype, left), laid_out(shapes[1], dtype, right)
    expected = a.astype("float64") @ b.astype("float64")
    out = packed(expected.shape, dtype)
    launch = Launch(plan_matmul((layout(a), layout(b)), {}, out), 2)
    np.testing.assert_allclose(launch((a, b)), expected, rtol=TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("shapes", [((40, 50), (50, 70)), ((2, 300), (300, 400)), ((9, 500), (500, 1)), ((3, 5, 6), (3, 6, 7))])
@pytest.mark.parametrize("right", ["contiguous", "transposed"])
def test_zero_times_infinity_is_nan_and_only_there(shapes, right):
    a, b = numbers(shapes[0]), laid_out(shapes[1], "float64", right).copy(order="K")
    b[..., 3, 0] = np.inf
    a[..., 1, 3] = 0.0
    with np.errstate(invalid="ignore"):
        expected = a @ b
    assert np.isnan(expected).any()
    np.testing.assert_allclose(ng.matmul(a, b).numpy(), expected, rtol=1e-10, atol=1e-10)


LINEAR = [((4, 3), 2), ((3,), 2), ((2, 5, 3), 4), ((64, 300), 70), ((0, 3), 2), ((4, 0), 3), ((1, 900), 400), ((500, 40), 30)]


@pytest.mark.parametrize(("shape", "n_out"), LINEAR)
@pytest.mark.parametrize("how", ["contiguous", "transposed", "strided"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_linear_equals_numpy(shape, n_out, how, dtype):
    x, w, b = numbers(shape, dtype), laid_out((n_out, shape[-1]), dtype, how), numbers((2 * n_out,), dtype)[::2]
    expected = x @ w.T + b
    out = ng.linear(x, w, b)
    assert out.dtype == expected.dtype
    assert out.shape == expected.shape
    np.testing.assert_allclose(out.numpy(), expected, rtol=TOLERANCE.get(dtype, 0), atol=TOLERANCE.get(dtype, 0))
    np.testing.assert_allclose(ng.linear(x, w).numpy(), x @ w.T, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(4, 3), (3,), (2, 2, 3)])
def test_gradients_of_linear_to_second_order(shape):
    ng.gradcheck(ng.linear, numbers(shape), numbers((2, 3)), numbers((2,)), order=2)


@pytest.mark.parametrize("shapes", [((4, 3), (3, 2), (2,)), ((4, 3), (2, 3), (3,)), ((4, 3), (3,), (3,)), ((), (2, 3), (2,))])
def test_linear_names_shapes_that_do_not_fit(shapes):
    with pytest.raises(ShapeError, match=r"linear\(x, weight, bias\)"):
        ng.linear(*[np.ones(s) for s in shapes])
