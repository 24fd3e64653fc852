"""From formulas to statements: the same numbers, constants in the dtype, each value and helper once."""

import ast
import math

import numpy as np
import pytest
from scipy import special

from nbgrad.base.errors import KernelError
from nbgrad.base.source import body_formula
from nbgrad.docs import rows
from nbgrad.ops.elementary import bits
from nbgrad.ops.special import digamma_of
from nbgrad.ops.table import elementwise, scalar, table
from nbgrad.target.cpu.emit import VectorLowering
from nbgrad.target.lowering import emit_helper, indent, load_text

ROWS = [r for r in rows()["elementwise"] if "integer" not in r.accepts]
HALF = 0.5
LIMIT = 7
SCOPE = {"np": np, "math": math, "helper": lambda fn: fn, "pick": lambda condition, a, b: a if condition else b}


def lowered(fn, args, dtype="float64"):
    """Return (VectorLowering, text of the result) of a function of numbers."""
    low = VectorLowering(dtype)
    return low, low.put(body_formula(fn), args)


def evaluate(low, result, **values):
    """Run emitted statements in plain Python."""
    low.helpers.pop("inline.py", None)  # plain Python takes elementary functions as they are written
    scope = {**vars(bits), **SCOPE, "inline": lambda dtype: lambda fn: fn, **values}
    exec("\n".join([low.header(), *low.lines]), scope)
    return eval(result, scope)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_statements_of_a_row_mean_its_reference(row, rng):
    if row.ref is None:
        pytest.skip("no reference")
    low = VectorLowering("float64")
    result = low.put(row.formula, [f"a{i}" for i in range(len(row.params))])
    for _ in range(5):
        point = []
        for p, accepts in zip(row.params, row.accepts):
            lo, hi = row.domain[p] if isinstance(row.domain, dict) else row.domain
            point.append(bool(rng.integers(2)) if accepts == "bool" else np.float64(rng.uniform(lo, hi)))
        got = evaluate(low, result, **{f"a{i}": v for i, v in enumerate(point)})
        np.testing.assert_allclose(float(got), float(row.ref(*point)), rtol=1e-9, atol=1e-12)


def lets(x, y):
    """Named values, one of them renamed."""
    a = x * y
    a = a + HALF
    return a * a


def test_named_values_are_computed_once():
    low, result = lowered(lets, ["u", "v"])
    assert low.lines == ["t1 = u * v", "t2 = t1 + c0"]
    assert result == "t2 * t2"
    assert low.header() == "c0 = np.float64(0.5)"
    assert evaluate(low, result, u=2.0, v=3.0) == 42.25


def calls_rows(x):
    """A formula that calls rows."""
    return table_tanh(x * 2.0) + table_tanh(x * 2.0) + leaky(x)


table_tanh, leaky = table["tanh"], table["leaky_relu"]


def test_rows_are_written_out_with_their_defaults():
    low, result = lowered(calls_rows, ["x"])
    assert "tanh" not in result and "leaky" not in result and "def tanh_float64(x):" in low.header()
    assert sum("tanh_float64(" in line for line in low.lines) == 2
    for x in (-1.5, 0.7):
        np.testing.assert_allclose(evaluate(low, result, x=x), 2 * math.tanh(2 * x) + (x if x > 0 else 0.01 * x), rtol=1e-14)


def constants(x):
    """Constants of every kind."""
    return x * 1 + 1.0 - 0.0 + -0.0 + HALF + LIMIT + math.pi + math.inf - math.e if True else 1e300


def test_constants_are_typed_and_shared():
    low, result = lowered(constants, ["x"], "float32")
    values = [line.partition(" = ")[2] for line in low.header().splitlines()]
    assert all(v.startswith("np.float32(") for v in values)
    assert len(values) == len(set(values))
    assert {"np.float32(1)", "np.float32(1.0)", "np.float32(0.5)", "np.float32(7)", 'np.float32(float("inf"))'} <= set(values)
    literals = [n.value for n in ast.walk(ast.parse(result)) if isinstance(n, ast.Constant)]
    assert literals == [True], "every number goes through a typed constant"


def test_zeros_of_both_signs_are_two_constants():
    low = VectorLowering("float64")
    names = [low.constant(0.0), low.constant(-0.0), low.constant(0.0), low.constant(math.nan)]
    assert names == ["c0", "c1", "c0", "c2"]
    scope = dict(SCOPE)
    exec(low.header(), scope)
    assert not np.signbit(scope["c0"])
    assert np.signbit(scope["c1"])
    assert np.isnan(scope["c2"])


def test_constants_of_integers_and_bools():
    low = VectorLowering("int32")
    assert (low.constant(2), low.constant(3.0)) == ("c0", "c1")
    assert low.header().splitlines() == ["c0 = np.int32(2)", "c1 = np.int32(3)"]
    with pytest.raises(KernelError, match=r"the constant 0.5 has no value in int32\n.*\n  try: "):
        low.constant(0.5)
    assert VectorLowering("float32").constant(True) == "True"
    assert VectorLowering("bool").constant(1) == "1"


def largest(x):
    """Bounds of the dtype."""
    return LARGEST if x > 0.0 else SMALLEST  # noqa: F821


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint16", "int64"])
def test_bounds_of_the_dtype(dtype):
    low, result = lowered(largest, ["x"], dtype)
    info = np.finfo(dtype) if "float" in dtype else np.iinfo(dtype)
    for x, want in ((1, info.max), (-1, info.min)):
        got = evaluate(low, result, x=x)
        assert (got, got.dtype) == (want, dtype)


def rounding(x):
    """Python's spelling of what NumPy keeps the dtype of."""
    return math.floor(x) + math.ceil(x) + math.trunc(x) + round(x) + math.fmod(x, 3.0) + math.cbrt(x)


def test_functions_that_would_change_the_dtype_are_spelled_otherwise():
    low, result = lowered(rounding, ["x"], "float32")
    assert [w for w in ("np.floor", "np.ceil", "np.trunc", "np.rint", "np.fmod", "cbrt_float32") if w not in result] == []
    assert "math." not in result
    assert "math.floor" in lowered(lambda_like, ["x"], "int64")[1]


def lambda_like(x):
    """Rounding of an integer."""
    return math.floor(x)


def powers(x, y):
    """Powers of floats are an elementary function, those of integers the operator."""
    return x ** (y - 1.0)


def test_powers():
    low, result = lowered(powers, ["x", "y"], "float32")
    assert result == "pow_float32(x, y - c0)"
    assert lowered(powers, ["x", "y"], "int64")[1] == "x ** (y - c0)"
    assert evaluate(*lowered(powers, ["x", "y"]), x=np.float64(3.0), y=np.float64(3.0)) == 9.0


def unknown(x):
    """A call of something else."""
    return special.erf(x)


def test_what_cannot_be_called_is_told():
    with pytest.raises(KernelError, match=r"the formula calls special.erf, which is no row, helper or math function\n.*\n  try: "):
        lowered(unknown, ["x"])


TERMS = (1.0, 0.5, 0.25)
STEP = 2.0


def inner(x):
    """A helper of the helper."""
    return x / STEP


@scalar
def series(x):
    """A helper with a loop."""
    total = 0.0
    for t in TERMS:
        total += t * inner(x) + leaky(x)
    return total


@elementwise(df=lambda x: 1.0, register=False)
def with_helper(x):
    """Calls a helper."""
    return series(x) + series(x * 2.0)


def test_helpers_are_emitted_once_after_what_they_read():
    low = VectorLowering("float32")
    result = low.put(with_helper.formula, ["x"])
    header = low.header()
    assert header.count("def series(") == header.count("def inner(") == header.count("def leaky_relu(") == 1
    assert header.index("def inner(") < header.index("def series(")
    assert header.index("TERMS = (1.0, 0.5, 0.25)") < header.index("def series(")
    assert "@scalar" not in header
    assert "np.float32(series(np.float64(x)))" in result
    got = evaluate(low, result, x=np.float32(0.5), leaky=leaky.forward)
    assert got == np.float32(series(0.5)) + np.float32(series(1.0))


def test_a_helper_that_calls_itself_ends():
    into: dict = {}
    emit_helper(factorial, into)
    assert list(into) == ["factorial"]
    scope = dict(SCOPE)
    exec(into["factorial"], scope)
    assert scope["factorial"](5) == 120


def factorial(n):
    """A helper that calls itself."""
    return 1 if n < 2 else n * factorial(n - 1)


def test_bools_are_read_as_bytes():
    assert load_text("p0", "i", "bool") == "(p0[i] != 0)"
    assert load_text("p0", "i", "int8") == "p0[i]"
    assert indent(["a", "b"], 2) == "  a\n  b"
    assert indent([], 2) == ""


def chosen(x, y):
    """One of two numbers, by a chain of conditions."""
    return 0.0 if x == 0.0 else y if x > 1.0 else math.exp(x)


def test_one_of_two_numbers_is_taken_without_a_branch():
    low, result = lowered(chosen, ["u", "v"])
    assert " if " not in result
    for u in (0.0, 0.5, 2.0):
        assert evaluate(low, result, u=np.float64(u), v=7.0) == pytest.approx(chosen(u, 7.0))


def patient(x):
    """A function with loops, of some numbers."""
    return x if x > 0.0 else digamma_of(x)


def test_what_may_take_its_time_is_called_only_where_it_is_wanted():
    assert " if " in lowered(patient, ["u"])[1]
