"""Formulas as statements: constants typed, rows written in place, helpers compiled as functions."""

import pytest

from nbgrad.base.errors import KernelError
from nbgrad.docs import rows
from nbgrad.ops.table import elementwise, table
from nbgrad.ops.transcendental import sigmoid
from nbgrad.target.cpu.emit import Lowering, emit_helper, load_text

rows()


def lowered(op, dtype="float32"):
    low = Lowering(dtype)
    result = low.put(op.formula, [f"x{i}" for i in range(len(op.params))])
    return low, result


def test_constants_have_the_dtype_of_the_kernel():
    low, result = lowered(table["gelu_tanh"])
    assert "np.float32(" in low.header()
    assert "np.float64" not in low.header()
    assert not any(character.isdigit() and "." in part for part in result.split() for character in part if part[0].isdigit())


def test_rows_called_by_a_row_are_written_out():
    @elementwise(register=False)
    def twice(x):
        """A row in a row."""
        return sigmoid(sigmoid(x))

    low, result = lowered(twice)
    assert "sigmoid" not in " ".join([*low.lines, result])
    assert " ".join(low.lines).count("math.exp") == 2


def test_helpers_are_functions_of_doubles():
    low, result = lowered(table["digamma"])
    assert "digamma_of(np.float64(x0))" in result
    assert "def digamma_of" in low.header()
    helpers: dict = {}
    from nbgrad.ops.special import polygamma_of

    emit_helper(polygamma_of, helpers)
    assert "polygamma_of" in helpers


def test_a_constant_that_an_integer_kernel_cannot_hold_is_refused():
    @elementwise(register=False, accepts="number")
    def half(x):
        """Half."""
        return x * 0.5

    with pytest.raises(KernelError, match="no value in int64"):
        lowered(half, "int64")


def test_a_call_of_something_unknown_is_refused():
    @elementwise(register=False)
    def strange(x):
        """Strange."""
        return sorted(x)

    with pytest.raises(KernelError, match="no row, helper or math function"):
        lowered(strange)


def test_bools_are_read_as_truth():
    assert load_text("p0", "i", "bool") == "(p0[i] != 0)"
    assert load_text("p0", "i", "float32") == "p0[i]"
