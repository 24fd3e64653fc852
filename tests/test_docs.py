"""The op table as text: every row can be shown, and what is shown is what runs."""

import ast
import inspect

import numpy as np
import pytest
import scipy.special

from nbgrad import docs
from nbgrad.ad.scalar import partials
from nbgrad.base.errors import ArgumentError, DtypeError
from nbgrad.base.source import names
from nbgrad.ops.table import MISSING, ZERO, table
from nbgrad.target.cpu.kernels import source
from nbgrad.target.cpu.load import kernel_function

KINDS = docs.rows()
ROWS = [op for kind in KINDS.values() for op in kind]
BY_NAME = {"ids": lambda v: v.name}


def test_rows_are_the_table_by_kind():
    assert [op for op in table.values() if op not in ROWS] == []
    assert all(op.kind == kind for kind, found in KINDS.items() for op in found)
    assert min(map(len, KINDS.values())) > 3


@pytest.mark.parametrize("row", ROWS, **BY_NAME)
def test_every_row_can_be_shown_whole(row):
    text = docs.one_op(row.name)
    lines = text.splitlines()
    assert lines[0] == f"{row.signature}    [{row.kind}]"
    assert lines[1] == f"  {docs.sentence(row)}"
    (declared,) = [line for line in lines if line.startswith("declared    ")]
    module, _, number = declared.removeprefix("declared    ").partition(" line ")
    assert module == row.forward.__module__
    assert int(number) == row.forward.__code__.co_firstlineno
    if row.kind == "elementwise":
        assert text.count("@kernel") == len(docs.kernels(row))
        assert f"def map_{row.name}_" in text
    else:
        assert inspect.cleandoc(row.__doc__).splitlines()[0] in text


@pytest.mark.parametrize("row", ROWS, **BY_NAME)
def test_the_named_reference_is_the_reference(row):
    text = docs.ref_text(row)
    if text:
        module, _, name = text.rpartition(".")
        home = {"numpy": np, "numpy.linalg": np.linalg, "scipy.special": scipy.special}[module]
        assert getattr(home, name) is row.ref
    else:
        assert row.ref is None or row.ref.__name__ == "<lambda>"


@pytest.mark.parametrize("row", KINDS["elementwise"], **BY_NAME)
def test_a_backward_kernel_is_listed_for_each_partial(row):
    found = docs.kernels(row, "float64")
    parts = dict(docs.partial_texts(row))
    assert list(parts) == list(row.params)
    for p, part in parts.items():
        constant = part is ZERO or isinstance(part, MISSING) or _is_number(part)
        assert (f"backward in {p}" in found) == (not constant)
    assert found["forward"].body is row
    for kernel in found.values():
        ast.parse(source(kernel))


def _is_number(text):
    try:
        return isinstance(ast.literal_eval(text), float)
    except ValueError:
        return False


def test_partials_are_shown_as_they_are_declared():
    assert docs.partial_texts(table["tanh"]) == [("x", "1.0 - out * out")]
    assert dict(docs.partial_texts(table["mul"])) == {"x": "y", "y": "x"}
    assert docs.partial_texts(table["sum"]) == [("x", "1.0")]
    assert docs.partial_texts(table["any"]) == [("x", ZERO)]
    assert docs.partial_texts(table["max"]) == [("x", "a rule of (g, x, out, axis)")]
    assert dict(docs.partial_texts(table["arg_extreme"])) == {"x": "ZERO"}


def test_what_is_kept_is_what_the_partials_read():
    for name, kept in {"tanh": ("out",), "add": (), "mul": ("y", "x"), "sum": (), "max": ("x", "out"), "permute": (), "any": ()}.items():
        assert docs.kept(table[name]) == kept
        assert f"\nkeeps       {', '.join(kept) or 'nothing'}\n" in docs.one_op(name)
    for row in KINDS["elementwise"]:
        read = set().union(*(names(p) for p in partials(row)[0] if isinstance(p, ast.expr)))
        assert set(docs.kept(row)) == read & {*row.params, "out"}, row.name


def test_the_kernels_that_are_shown_compute_the_op():
    x, out = np.linspace(-2, 2, 64, dtype="float32"), np.empty(64, "float32")
    kernel = docs.kernels(table["square"])["forward"]
    function = kernel_function(source(kernel), kernel.name)
    block = np.array([x.ctypes.data, out.ctypes.data, 64, 64, 1, 1, 1, 0, 1, 1], np.int64)
    function(block.ctypes.data, 0)
    np.testing.assert_array_equal(out, x * x)


def test_the_machine_code_that_is_shown_is_of_the_forward():
    assert "map_add_float64" in docs.one_op("add", "float64", asm=True)
    assert docs.one_op("add", asm=True).startswith(docs.one_op("add").split("\n\n# backward")[0])


def test_tables_have_a_line_per_row():
    text, markdown = docs.table_text(), docs.table_markdown()
    for op in ROWS:
        assert f"  {op.signature}" in text
        assert f"\n| `{op.name}` | {op.kind} | " in markdown
    assert len(text.splitlines()) == len(ROWS) + len(KINDS)
    assert len(markdown.splitlines()) == len(ROWS) + 2


def test_an_unknown_row_or_dtype_is_refused():
    with pytest.raises(ArgumentError, match=r"no op named 'tanj'\n.*test_docs.*\n  try: one of .*tan"):
        docs.one_op("tanj")
    with pytest.raises(DtypeError, match="no kernels for dtype float16"):
        docs.kernels(table["tanh"], "float16")
