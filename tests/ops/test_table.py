"""Every row of the table, on the CPU, in both float dtypes: against its reference and against finite differences."""

import warnings

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ad.scalar import partials
from nbgrad.base.errors import NbgradError
from nbgrad.docs import rows, sentence
from nbgrad.ops.table import MISSING, ZERO, Op, table

TOLERANCE = {"float32": 3e-5, "float64": 1e-12}
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 1e30, -1e30]


def bounds(op, p):
    return op.domain[p] if isinstance(op.domain, dict) else op.domain


def samples(op, dtype, shape=(11,), seed=0):
    """Return one array per parameter, inside the row's domain and away from its kinks."""
    rng = np.random.default_rng(seed)
    out = []
    for p, accepts in zip(op.params, op.accepts):
        lo, hi = bounds(op, p)
        if accepts == "bool":
            out.append(rng.integers(0, 2, shape).astype(bool))
        elif accepts in ("integer", "index"):
            out.append(rng.integers(int(lo), int(hi) + 1, shape))
        elif float(lo) == float(hi):
            out.append(np.full(shape, lo, dtype))
        else:
            x = rng.uniform(lo, hi, shape).astype(dtype)
            for kink in op.kinks:
                near = np.abs(x - kink) < 0.02 * (hi - lo)
                x = np.where(near, x + np.asarray(0.05 * (hi - lo), dtype), x)
            out.append(x.astype(dtype))
    return out


def differentiable(op):
    """Return the numbers of the parameters that have a partial."""
    if op.df is ZERO or isinstance(op.df, MISSING) or op.returns is not None or "integer" in op.accepts:
        return []
    parts, _ = partials(op)
    return [i for i, p in enumerate(parts) if p is not ZERO and not isinstance(p, MISSING) and bounds(op, op.params[i])[0] != bounds(op, op.params[i])[1]]


def reference(op, args):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return np.asarray(op.ref(*args))


def check_forward(op, args, dtype, got=None):
    got = op(*args).numpy() if got is None else got
    want = reference(op, args)
    assert got.shape == want.shape
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(got.astype(float), want.astype(float), rtol=tolerance, atol=tolerance, equal_nan=True)


def test_forward_is_the_reference(op, dtype):
    if op.ref is None:
        pytest.skip("the row has no reference")
    check_forward(op, samples(op, dtype), dtype)


def test_forward_keeps_the_dtype(op, dtype):
    got = op(*[ng.tensor(a) for a in samples(op, dtype)])
    if op.returns:
        assert got.dtype == op.returns
    elif not {"integer", "index"} & set(op.accepts) and op.accepts != ("bool",):
        assert got.dtype == dtype


def test_gradient_is_the_finite_difference(op, dtype):
    wanted = differentiable(op)
    if not wanted:
        pytest.skip("the row has no gradient")
    args = samples(op, dtype)
    for i in wanted:
        ng.gradcheck(lambda x, i=i: op(*args[:i], x, *args[i + 1 :]), args[i], directions=2, rtol=2e-2 if dtype == "float32" else 2e-5)


def test_second_order_is_the_finite_difference(op):
    wanted = differentiable(op)
    if not wanted:
        pytest.skip("the row has no gradient")
    args = samples(op, "float64", (5,))
    floats = [i for i in wanted]

    def f(*xs):
        full = list(args)
        for i, x in zip(floats, xs):
            full[i] = x
        return op(*full)

    ng.gradcheck(f, *[args[i] for i in floats], order=2, directions=1, rtol=1e-4, atol=1e-5)


def test_special_values_are_those_of_the_reference(op, dtype):
    if op.ref is None or any(a in ("integer", "index", "bool") for a in op.accepts) or op.name in ("polygamma", "sinc_slope"):
        pytest.skip("no special values")
    points = np.array(SPECIAL, dtype)
    args = [points] if len(op.params) == 1 else [points] + [np.full_like(points, 0.5)] * (len(op.params) - 1)
    got, want = op(*args).numpy(), reference(op, args)
    known = np.isfinite(want) | np.isnan(want) | np.isinf(want)
    np.testing.assert_array_equal(np.isnan(got)[known], np.isnan(want)[known], err_msg="NaN differs")
    finite = np.isfinite(want) & (np.abs(points) < 1e29)
    np.testing.assert_allclose(got[finite].astype(float), want[finite].astype(float), rtol=TOLERANCE[dtype] * 10, atol=TOLERANCE[dtype])


def test_a_gradient_of_zero_stays_zero(op):
    wanted = differentiable(op)
    if not wanted:
        pytest.skip("the row has no gradient")
    points = np.array([np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e300])
    for i in wanted:
        args = [np.full(points.shape, 0.5) if a != "bool" else np.ones(points.shape, bool) for a in op.accepts]
        args[i] = points
        _, pull = ng.vjp(lambda x, i=i, args=args: op(*args[:i], x, *args[i + 1 :]), points)
        np.testing.assert_array_equal(pull(np.zeros(points.shape))[0].numpy(), np.zeros(points.shape))


def test_docs_are_one_sentence(op):
    text = sentence(op)
    assert text.endswith((".", ")")), op.name


LAYOUTS = {
    "broadcast": lambda a, b: (a(3, 4), b(4)),
    "column": lambda a, b: (a(3, 4), b(3, 1)),
    "outer": lambda a, b: (a(3, 1), b(1, 4)),
    "transposed": lambda a, b: (a(4, 3).T, b(3, 4)),
    "reversed": lambda a, b: (a(3, 8)[:, ::-2], b(3, 4)),
    "empty": lambda a, b: (a(0, 4), b(4)),
    "scalars": lambda a, b: (a(), b()),
    "three axes": lambda a, b: (a(2, 1, 5), b(3, 1)),
    "long": lambda a, b: (a(50000), b(50000)),
    "long rows": lambda a, b: (a(3, 20000), b(20000)),
    "many rows": lambda a, b: (a(20000, 3), b(20000, 1)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["add", "div", "logaddexp"])
def test_layouts(name, layout, dtype, rng):
    make = lambda *shape: np.asarray(rng.uniform(0.5, 2.0, shape), dtype)
    a, b = LAYOUTS[layout](make, make)
    check_forward(table[name], (a, b), dtype)
    ga, gb = ng.grad(lambda a, b: table[name](a, b).sum(), (0, 1))(a, b)
    assert ga.shape == a.shape
    assert gb.shape == b.shape
    if a.size and a.size < 100 and dtype == "float64":
        ng.gradcheck(table[name], a, b, directions=1)


@pytest.mark.parametrize("name", ["add", "mul", "maximum", "floor_divide", "remainder", "abs", "sign", "square", "neg", "less", "equal"])
@pytest.mark.parametrize("integer", ["int8", "int32", "int64", "uint8"])
def test_integers(name, integer, rng):
    op = table[name]
    low = 0 if integer == "uint8" else -5
    args = [rng.integers(low, 6, 20).astype(integer) for _ in op.params]
    if name in ("floor_divide", "remainder"):
        args[1][args[1] == 0] = 1
    got, want = op(*args).numpy(), op.ref(*args)
    np.testing.assert_array_equal(got, want)
    assert got.dtype == want.dtype


def test_derived_rows_are_rows():
    assert all(isinstance(op, Op) for kind in rows().values() for op in kind)


def test_a_wrong_df_is_refused_at_the_declaration():
    from nbgrad.ops.table import elementwise

    with pytest.raises(NbgradError, match="df asks for \\['z'\\]"):

        @elementwise(df=lambda z: z, register=False)
        def bad(x):
            """Bad."""
            return x


def test_two_rows_of_one_name_are_refused():
    from nbgrad.ops.table import elementwise

    with pytest.raises(NbgradError, match="two rows"):

        @elementwise(df=ZERO)
        def tanh(x):
            """Twice."""
            return x


def test_plain_numbers_are_plain_numbers():
    assert ng.sin(0.0) == 0.0
    assert isinstance(ng.exp(1.0), float)
    assert ng.log(0.0) == -np.inf


def test_a_row_with_its_attributes_chosen_is_made_once():
    row = table["softmax"]
    chosen = row.fixed(axes=(1,))
    assert chosen is row.fixed(axes=(1,))
    assert chosen is not row.fixed(axes=(0,))
    assert chosen.constants == {"axes": (1,)}
    assert chosen.attrs == {}
    assert row.constants == {}
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(chosen(x).numpy(), row(x, axes=(1,)).numpy())


def test_a_row_with_its_attributes_chosen_refuses_others():
    with pytest.raises(NbgradError, match="no argument 'axis'"):
        table["softmax"].fixed(axis=1)


def test_rows_say_how_many_results_they_have():
    assert not table["softmax"].several
    assert table["logsumexp"].several
    assert table["logsumexp"].aux == {"whole": "float64"}
    assert len(table["standardize_scaled_grad"].outputs) == 3
