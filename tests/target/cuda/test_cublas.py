"""Products by cuBLAS: which are, and that matrices are told to it as they lie; a stand-in computes in the simulator's memory."""


import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import KernelError
from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel, packed
from nbgrad.plan.product import product_of
from nbgrad.target.cuda import cublas, plans_matmul
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.cublas import COMPUTES, OUTER, leading, product_words
from nbgrad.target.cuda.kernels import function, source
from nbgrad.target.cuda.run import Launch, plan_device
from nbgrad.target.launch import layout

pytestmark = pytest.mark.cuda
LAYOUTS = {
    "rows": lambda a: from_host(a),
    "columns": lambda a: from_host(a.swapaxes(-1, -2).copy()).transpose((*range(a.ndim - 2), a.ndim - 1, a.ndim - 2)),
    "wide rows": lambda a: from_host(np.pad(a, [(0, 0)] * (a.ndim - 1) + [(1, 2)]))[..., 1:-2],
    "gaps": lambda a: from_host(np.repeat(np.repeat(a, 2, -1), 2, -2))[..., ::2, ::2],
}


@pytest.fixture
def stand_in(pretended_cublas):
    return pretended_cublas


def product(arrays, shape, name="matmul"):
    """Return the result of a row that is planned anew, and the loops of its steps."""
    plan = plan_device(table[name], tuple(map(layout, arrays)), {}, packed(shape, arrays[0].dtype.name))
    return to_host(Launch(0, plan, len(arrays))(arrays)), [step.kernel.loop for step in plan.steps]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_matrices_are_told_as_they_lie(stand_in, left, right, dtype, rng):
    a, b = rng.standard_normal((5, 7)).astype(dtype), rng.standard_normal((7, 6)).astype(dtype)
    got, loops = product([LAYOUTS[left](a), LAYOUTS[right](b)], (5, 6))
    np.testing.assert_allclose(got, a @ b, rtol=1e-4 if dtype == "float32" else 1e-12)
    assert loops == ["library_product"]


def test_factors_with_gaps_are_copied_where_that_is_little(stand_in, rng):
    gaps = LAYOUTS["gaps"]
    plan = lambda name, arrays, shape: plan_device(table[name], tuple(map(layout, arrays)), {}, packed(shape, "float64"))
    a, b, bias = gaps(rng.standard_normal((5, 7))), gaps(rng.standard_normal((7, 6))), gaps(rng.standard_normal((1, 6)))[0]
    assert plan("matmul", [a, b], (5, 6)).copies == (0, 1)
    assert plan("matmul", [a[:, :], from_host(np.ones((7, 6)))], (5, 6)).copies == (0,)
    x = from_host(rng.standard_normal((5, 7)))
    assert plan("linear", [x, b.transpose((1, 0)), bias], (5, 6)).copies == (1, 2)
    got, loops = product([x, b.transpose((1, 0)), bias], (5, 6), "linear")
    np.testing.assert_allclose(got, to_host(x) @ np.array(b) + np.array(bias), rtol=1e-12)
    assert loops == ["library_product", "product_join"]
    for few in (a[:3], a[:, :]):
        thin = few.shape[0] == 3
        assert bool(plan("matmul", [few, b], (few.shape[0], 6)).copies) != thin
    repeated = from_host(np.ones((1, 5, 14)))[..., ::2]
    repeated = repeated.like(np.broadcast_to(repeated.shadow, (3, 5, 7)))
    assert plan("matmul", [repeated, from_host(np.ones((3, 7, 6)))], (3, 5, 6)).copies == ()


@pytest.mark.parametrize("whole", [lambda f: f, ng.compile])
def test_a_gradient_that_repeats_a_number_goes_there_too(stand_in, whole):
    x, w = ng.ones((5, 6), device="cuda"), ng.ones((6, 7), device="cuda")
    value, g = whole(ng.value_and_grad(lambda x: (x @ w).sum()))(x)
    assert value.item() == 5 * 6 * 7
    np.testing.assert_array_equal(g.numpy(), np.full((5, 6), 7.0))
    assert [c[0] for c in stand_in.called].count("product") == 2


@pytest.mark.parametrize(
    ("a", "b", "calls"),
    [((3, 5, 7), (3, 7, 6), 1), ((2, 3, 5, 7), (7, 6), 1), ((5, 7), (4, 7, 6), 1), ((2, 1, 5, 7), (3, 7, 6), 2), ((2, 3, 5, 1), (2, 3, 1, 6), 1)],
)
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_batches(stand_in, a, b, calls, layout, rng):
    a, b = rng.standard_normal(a), rng.standard_normal(b)
    got, loops = product([LAYOUTS[layout](a), LAYOUTS[layout](b)], (a @ b).shape)
    np.testing.assert_allclose(got, a @ b, rtol=1e-12)
    assert loops == ["library_product"]
    if layout == "rows":
        assert len([c for c in stand_in.called if c[0] == "product"]) == calls


def test_a_bias_is_added_behind_it(stand_in, rng):
    x, w, b = rng.standard_normal((5, 7)), rng.standard_normal((6, 7)), rng.standard_normal(6)
    got, loops = product([from_host(x), from_host(w), from_host(b)], (5, 6), "linear")
    np.testing.assert_allclose(got, x @ w.T + b, rtol=1e-12)
    assert loops == ["library_product", "product_join"]


def test_a_product_may_be_added(stand_in, rng):
    a, b, out = rng.standard_normal((5, 7)), rng.standard_normal((7, 6)), rng.standard_normal((5, 6))
    plan = plans_matmul.plan_product(product_of(packed((5, 7), "float64"), packed((7, 6), "float64"), packed((5, 6), "float64"), add=1))
    arrays = [from_host(x) for x in (a, b, out)]
    flats = [x.flat[0] for x in arrays]
    function(plan.steps[0].kernel)((0, 0, 0, *plan.steps[0].words), flats, 0)
    np.testing.assert_allclose(to_host(arrays[2]), out + a @ b, rtol=1e-12)


def test_it_works_in_the_stream_of_the_thread(stand_in):
    x = from_host(np.ones((5, 5)))
    call, words = function(Kernel("library_product", ("float64",) * 3, None, ("float64",))), (0, 0, 0, 5, 5, 5, 0, 5, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0)
    for stream in (9, 9, 0):
        call(words, [x.flat[0]] * 3, stream)
    streams = [c for c in stand_in.called if c[0] != "product"]
    size = ("workspace", cublas.WORKSPACE)
    assert streams == [("stream", 9), size, ("stream", 0), size]


def test_compiled_functions_take_it(stand_in, rng):
    a, b = rng.standard_normal((5, 7)), rng.standard_normal((7, 6))
    f = ng.compile(lambda x, y: ng.tanh(x @ y) * 2.0)
    for _ in range(2):
        got = f(ng.tensor(a, device="cuda"), ng.tensor(b, device="cuda"))
        np.testing.assert_allclose(got.numpy(), np.tanh(a @ b) * 2.0, rtol=1e-12)
    assert [c[0] for c in stand_in.called].count("product") == 2


def test_what_runs_op_by_op_takes_a_precision_from_the_next_call_on(stand_in, rng):
    x = rng.standard_normal((5, 5))
    single, double = (ng.tensor(x.astype(d), device="cuda") for d in ("float32", "float64"))
    for name in ("float32", "tf32", "bfloat16", "bfloat16", "float32"):
        ng.cuda.set_precision(name)
        for t, compute in ((single, COMPUTES[name]), (double, COMPUTES["float64"])):
            np.testing.assert_allclose((t @ t).numpy(), t.numpy() @ t.numpy(), rtol=1e-4)
            assert stand_in.called[-1][-1] == compute


def test_gradients_are_rounded_alike(stand_in):
    ng.cuda.set_precision("bfloat16")
    x = ng.ones((5, 6), "float32", device="cuda", requires_grad=True)
    ng.square(x @ ng.ones((6, 7), "float32", device="cuda")).sum().backward()
    assert [c[-1] for c in stand_in.called if c[0] == "product"] == [COMPUTES["bfloat16"]] * 2


def test_a_record_keeps_the_precision_that_was_set_when_it_was_made(stand_in):
    f, x, y = ng.compile(lambda x: x @ x), *(ng.ones((n, n), "float32", device="cuda") for n in (5, 6))
    made = lambda t: f(t) is not None and stand_in.called[-1][-1]
    assert made(x) == COMPUTES["float32"]
    ng.cuda.set_precision("tf32")
    assert made(x) == made(ng.ones((5, 5), "float32", device="cuda")) == COMPUTES["float32"]
    assert made(y) == COMPUTES["tf32"]  # another shape, another record
    assert ng.compile(lambda x: x @ x)(x) is not None
    assert stand_in.called[-1][-1] == COMPUTES["tf32"]


def test_what_it_cannot_do_is_left_to_nbgrad_s_kernels(stand_in):
    words = lambda a, b, out, dtype="float32": product_words(product_of(packed(a, dtype), packed(b, dtype), packed(out, dtype)))
    assert words((5, 7), (7, 6), (5, 6)) is not None
    assert words((5, 7), (7, 6), (5, 6), "int32") is None
    x = packed((5, 1, 5, 7), "float32")
    assert product_words(product_of(x, packed((OUTER + 1, 7, 6), "float32"), packed((5, OUTER + 1, 5, 6), "float32"))) is not None
    y = packed((OUTER + 2, 1, 2, 5, 7), "float32")
    b = packed((OUTER + 1, 2, 7, 6), "float32")
    b = b._replace(strides=(b.strides[1], b.strides[0], *b.strides[2:]))
    assert product_words(product_of(y, b, packed((OUTER + 2, OUTER + 1, 2, 5, 6), "float32"))) is None


def test_no_library_no_call():
    assert cublas.cublas() is None  # the simulator
    x = packed((8, 8), "float32")
    assert plans_matmul.plan_product(product_of(x, x, x)).steps[0].kernel.loop == "matmul"


def test_lines_of_a_matrix():
    assert leading(9, 1, 5, 7) == (0, 9)
    assert leading(1, 9, 5, 7) == (1, 9)
    assert leading(0, 1, 5, 7) is None  # every row the same
    assert leading(-7, 1, 5, 7) is None
    assert leading(0, 3, 1, 7) == (1, 3)
    assert leading(3, 0, 7, 1) == (0, 3)
    assert leading(0, 0, 1, 1) == (0, 1)


def test_a_status_is_told(stand_in):
    stand_in.status = 13
    x = from_host(np.ones((5, 5)))
    with pytest.raises(KernelError, match="cublasGemmStridedBatchedEx of cuBLAS gives status 13"):
        product([x, x], (5, 5))


def test_its_place_is_shown():
    assert "cublas.product" in source(Kernel("library_product", ("float32",) * 3))
