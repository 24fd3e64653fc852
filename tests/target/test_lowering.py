"""What all targets share on the way from formulas to statements."""

import pytest

from nbgrad.base.errors import KernelError
from nbgrad.ops.table import table
from nbgrad.plan.mapping import After, Body, Reduced
from nbgrad.plan.plan import Kernel
from nbgrad.target.lowering import Lowering, as_body, given, indent, load_text, results_of, stored


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


def test_truth_is_stored_as_a_byte():
    assert stored("bool", "T1") == "T1(1) if a else T1(0)" and stored("float32", "T0") == "T0(a)"


def test_formulas_given_by_keyword():
    assert str(given(table["mean"], "finish")) == "acc / n"


def test_results_that_are_not_kept_have_no_pointer():
    reduced = (Reduced(table["sum"], 0, "float32", "float64", "float32"), Reduced(table["max"], 0, "float32", "float32", "float32"))
    body = Body((), (), False, reduced)
    assert results_of(Kernel("map_reduce_rows", ("float32",) * 3, body)) == (1, [1, 2])
    after = After(Body((), (2,)), (False, True), ("float32", "float32"), (False, False))
    assert results_of(Kernel("map_reduce_rows", ("float32",) * 4, body._replace(after=after))) == (1, [None, 1])
