"""What all targets share on the way from formulas to statements."""

import pytest

from nbgrad.base.errors import KernelError
from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel
from nbgrad.target.lowering import Lowering, as_body, indent, load_text


def test_a_row_alone_is_a_body_of_one_call():
    body = as_body(Kernel("map", ("float32", "float32", "bool"), table["greater"]))
    assert [(op.name, args, dtype, out) for op, args, dtype, out in body.calls] == [("greater", (0, 1), "float32", "bool")]
    assert body.outs == (2,)


def test_a_lowering_without_words_of_its_own_keeps_the_formula():
    low = Lowering("float32")
    assert low.row(table["relu"], ["x"]) == "x if x > c0 or x != x else c0"
    assert "c0 = np.float32(0" in low.header()


def test_a_constant_must_have_a_value_in_the_dtype():
    with pytest.raises(KernelError, match="has no value in int64"):
        Lowering("int64").constant(0.5)


def test_text_of_loads_and_indents():
    assert (load_text("p", "i", "bool"), load_text("p", "i", "int8")) == ("(p[i] != 0)", "p[i]")
    assert indent(["a", "b"], 2) == "  a\n  b"
