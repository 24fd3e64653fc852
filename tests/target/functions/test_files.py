"""Texts of derivatives as files."""

import linecache
import subprocess
import sys

import nbgrad as ng
from nbgrad.target.cpu import store
from nbgrad.target.functions.files import classes, loaded, text_of
from tests.ad.plain import kinds, lowered
from tests.ad.zoo import CASES, Pair


def test_a_text_stands_alone():
    c = CASES["elementary"]
    text = text_of(lowered(c.fn, *c.args), "title", lambda parallel: 'error_model="numpy"')
    assert text.startswith('"""title"""')
    assert '@njit(error_model="numpy")\ndef elementary(x, y):' in text
    compile(text, "<text>", "exec")


def test_a_loaded_text_is_a_file_that_debuggers_find():
    text = '"""A test."""\n\nfrom numba import njit\n\n\n@njit\ndef twice(x):\n    return 2.0 * x\n'
    f, path = loaded(text, "twice")
    assert path.read_text() == text and path == loaded(text, "twice")[1]
    assert f.py_func(3.0) == 6.0
    assert linecache.getline(str(path), 8).strip() == "return 2.0 * x"
    assert str(path).startswith(str(store.path("x").parent))
    other, elsewhere = loaded(text.replace("2.0", "3.0"), "twice")
    assert elsewhere != path and other.py_func(3.0) == 9.0


def test_classes_of_namedtuples_are_known():
    c = CASES["namedtuple_argument"]
    d = ng.grad(c.fn).derivative
    found = classes(d.statements(kinds(*c.args)).results)
    assert list(found) == ["Params"] and found["Params"]._fields == ("rate", "weights")
    assert classes(None) == {}
    assert Pair(1.0, 2.0).first == 1.0


def test_the_same_function_has_the_same_text():
    c = CASES["gauss"]
    d = [ng.value_and_grad(c.fn, 0).derivative for _ in range(2)]
    one, other = (text_of(x.statements(kinds(*c.args)), "t", lambda parallel: "") for x in d)
    assert one == other


def test_derivatives_are_ready_without_numba():
    code = "import sys, nbgrad.target.functions.files as files; files.stamp(); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
