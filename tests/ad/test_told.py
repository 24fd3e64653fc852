"""All that the text of a derivative depends on."""

import functools
import importlib.util
import sys
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad.ad.derive import Derivative
from nbgrad.ad.expressions import Known
from nbgrad.ad.fence import Source
from nbgrad.ad.statements import FLOAT, Array, Scalar
from nbgrad.ad.told import told
from nbgrad.ops.table import Op, by_ref
from tests.ad.plain import kinds
from tests.ad.zoo import CASES

PROGRAM = """
import math
import numpy as np
from collections import namedtuple
from types import SimpleNamespace

from numba import njit

import nbgrad as ng

RATE = 0.5
TABLE = np.array([1.0, 2.0])
PAIR = (2, 3.0)
SETTINGS = SimpleNamespace(scale=2.0, unused=1.0)
Point = namedtuple("Point", ["x", "y"])

def powers(n):
    @njit
    def power(x):
        return x ** n
    return power

power = powers(3)

@njit
def ruled(x):
    return x

@njit
def forward(x):
    return x, 2.0

@njit
def backward(residuals, g):
    return (g * residuals,)

ng.custom_vjp(ruled).defvjp(forward, backward)

@njit
def inner(x):
    return math.sin(x) * RATE

@njit
def middle(x, k=2):
    return inner(x) ** k + TABLE[1] + PAIR[1] * SETTINGS.scale

@njit
def f(x):
    s = 0.0
    for i in range(3):
        p = Point(middle(x), power(x))
        s += p.x * i + p.y
    return ruled(s)

def other():
    return 1
"""
CHANGES = {
    "the function": ("range(3)", "range(4)"), "a callee": ("math.sin(x)", "math.cos(x)"), "a callee's callee": ("+ TABLE", "- TABLE"),
    "a number": ("RATE = 0.5", "RATE = 0.25"), "its type": ("RATE = 0.5", "RATE = 2"), "an array": ("[1.0, 2.0]", "[1.0, 2.5]"),
    "its dtype": ("[1.0, 2.0])", "[1.0, 2.0], np.float32)"), "a tuple": ("(2, 3.0)", "(2, 3.5)"), "an attribute": ("scale=2.0", "scale=3.0"),
    "a default": ("k=2", "k=3"), "a captured number": ("powers(3)", "powers(2)"), "a module": ("import math\n", "import numpy as math\n"),
    "fields": ('["x", "y"]', '["y", "x"]'), "a forward": ("x, 2.0", "x, 3.0"), "a backward": ("(g * residuals,)", "(g + residuals,)"),
    "a rule": ("defvjp(forward, backward)", "defvjp(forward, forward)"), "the line": ("\nRATE", "\n\nRATE"),
    "a function that changes a global": ("return 1", "global RATE\n    RATE = 1"), "an option": ("@njit\ndef f", "@njit(fastmath=True)\ndef f"),
    "a name of Python": ("RATE = 0.5", "RATE = 0.5\nrange = lambda n: [n]"),
}  # fmt: skip
OTHER = {
    "another function": ("return 1", "return 2"), "another name": ("RATE = 0.5", "RATE = 0.5; FREE = 3"), "a note": ("return 1\n", "return 1\n# end\n"),
    "a global of a variable's name": ("RATE = 0.5", "RATE = 0.5; s = object()"), "another attribute": ("unused=1.0", "unused=2.0"),
}  # fmt: skip


@pytest.fixture
def module(tmp_path):
    """Make modules of given texts, in files of the same name."""
    made = []

    def make(text):
        path = tmp_path / str(len(made)) / "users_module.py"
        path.parent.mkdir()
        path.write_text(text)
        spec = importlib.util.spec_from_file_location("users_module", path)
        made.append(importlib.util.module_from_spec(spec))
        sys.modules["users_module"] = made[-1]
        spec.loader.exec_module(made[-1])
        return made[-1]

    yield make
    sys.modules.pop("users_module", None)


def meaning(f, given=(FLOAT,), kind="grad", argnums=0):
    found = told(Derivative(kind, f, argnums), given)
    return found and found.text


def changed(old, new):
    assert old in PROGRAM
    return PROGRAM.replace(old, new, 1)


def test_the_same_program_means_the_same(module):
    first = meaning(module(PROGRAM).f)
    assert first is not None and first == meaning(module(PROGRAM).f)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_a_derivative_depends_on_is_told(module, change):
    assert meaning(module(changed(*change)).f) != meaning(module(PROGRAM).f)


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_it_does_not_depend_on_is_not(module, change):
    assert meaning(module(changed(*change)).f) == meaning(module(PROGRAM).f)


@njit
def product(x, y):
    return x * y


def test_what_is_asked_for_is_told():
    asked = [("grad", 0, FLOAT), ("grad", 1, FLOAT), ("grad", (0,), FLOAT), ("grad", (0, 1), FLOAT), ("value_and_grad", 0, FLOAT),
             ("grad", 0, Scalar("float32")), ("grad", 0, Array("float64", 1)), ("grad", 0, Array("float64", 1, "A"))]  # fmt: skip
    found = [meaning(product, (given, FLOAT), kind, argnums) for kind, argnums, given in asked]
    found += [meaning(ng.grad(product, n), (FLOAT, FLOAT)) for n in (0, 1)]
    assert None not in found and len(set(found)) == len(found)


def test_functions_that_are_arguments_are_told():
    @njit
    def applied(g, x):
        return g(x, x)

    @njit
    def total(x, y):
        return x + y

    one, other = (meaning(applied, (Known(g), FLOAT), argnums=1) for g in (product, total))
    assert one is not None and other is not None and one != other


HIDDEN = SimpleNamespace(rate=2.0)
RATE = 3.0
FUNCTIONS = (product,)
product.rate = 2.0


@njit
def by_another_name(x):
    settings = HIDDEN
    return x * settings.rate


@njit
def by_a_tuple(x):
    return x * FUNCTIONS[0].rate


NESTED = functools.reduce(lambda inner, _: (inner,), range(5000), 1.0)


@njit
def too_deep(x):
    return x * len(NESTED)


def test_what_may_be_read_unseen_is_not_told():
    assert meaning(too_deep) is None
    assert meaning(by_another_name) is None
    assert meaning(by_a_tuple) is None


@njit
def numpys(x):
    return np.sinc(x)


@njit
def users(x):
    return product(x, x)


def test_rows_of_others_are_not_told(monkeypatch):
    assert meaning(numpys) is not None and meaning(users) is not None
    theirs = Op("theirs", "elementwise", ("x",), lambda x: x)
    for f, called in ((numpys, np.sinc), (users, product)):
        monkeypatch.setitem(by_ref, called, theirs)
        assert meaning(f) is None


def test_a_variable_without_a_value_is_no_global():
    @njit
    def f(x):
        y = x * RATE  # noqa: F823
        RATE = 2.0
        return y * RATE

    with pytest.raises(ng.GradientError, match="RATE has no value here on every way"):
        ng.source(ng.grad(f), 1.0)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_all_that_is_read_is_told(case, monkeypatch):
    """Each name whose meaning is asked while a derivative is written was asked for before."""
    asked = set()
    meaning_of = Source.meaning

    def noted(self, name, otherwise):
        asked.add((self.fn, name))
        return meaning_of(self, name, otherwise)

    monkeypatch.setattr(Source, "meaning", noted)
    d = Derivative("grad", case.fn, case.wrt)
    assert told(d, kinds(*case.args)) is not None
    before = set(asked)
    with suppress(ng.GradientError):  # some are refused
        d.statements(kinds(*case.args))
    assert {(f, n) for f, n in asked - before if not f.__module__.startswith("nbgrad.")} == set()
