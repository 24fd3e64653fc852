"""From text to statements: what is written again from them does what the function does."""

import pytest

from nbgrad.ad.lower import lower
from nbgrad.ad.statements import FLOAT, INT, Cell, If, Loop, Put, Set, While, walk
from nbgrad.base.errors import GradientError
from nbgrad.target.functions.files import text_of
from tests.ad.plain import close, copies, loaded, lowered
from tests.ad.zoo import CASES, Pair

STAYS = [n for n in CASES if n not in ("products", "matrix_product", "callee_writes")]


def again(f, *args):
    """Return the function that the statements of a function are."""
    made = lowered(f, *args)
    return loaded(text_of(made, "again", lambda parallel: ""), f.__name__, {"Pair": Pair})


@pytest.mark.parametrize("name", STAYS)
def test_statements_mean_the_function(name):
    c = CASES[name]
    for args in (c.args, *c.more):
        assert close(again(c.fn, *args)(*copies(args)), c.fn.py_func(*copies(args)), 1e-12)


def kinds_of(name):
    return [type(s) for s in walk(lowered(CASES[name].fn, *CASES[name].args).body)]


def test_control_flow_stays_as_it_is():
    assert kinds_of("product").count(Loop) == 1
    assert kinds_of("newton").count(While) == 1 and Loop not in kinds_of("newton")
    assert kinds_of("first_above").count(While) == 1
    assert kinds_of("branches").count(If) >= 3
    assert If not in kinds_of("rotation")


def test_a_variable_is_as_wide_as_all_it_holds():
    f = lowered(CASES["integer_becomes_float"].fn, 0.5)
    (cell,) = {s.cell for s in walk(f.body) if isinstance(s, Put) and s.cell.name.startswith("s")}
    assert cell == Cell(cell.name, FLOAT)


def test_every_value_is_set_once():
    for name in ("gauss", "lanczos", "adaptive", "calls_in_loop"):
        f = lowered(CASES[name].fn, *CASES[name].args)
        made = [s.out.name for s in walk(f.body) if isinstance(s, Set)]
        assert len(made) == len(set(made))


def test_statements_know_their_line():
    f = lowered(CASES["product"].fn, *CASES["product"].args)
    first = CASES["product"].fn.py_func.__code__.co_firstlineno
    assert all(first < s.line <= first + 6 for s in walk(f.body) if s.line)


def test_errors_name_the_place():
    def unknown(x):
        return x + missing  # noqa: F821

    with pytest.raises(GradientError, match=r"test_lower.py:\d+:\d+, in unknown"):
        lower(unknown, (FLOAT,))
    with pytest.raises(GradientError, match="missing"):
        lower(unknown, (INT,))
