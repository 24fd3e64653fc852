"""Which values carry a derivative."""

import pytest

from nbgrad.ad.activity import active
from nbgrad.ad.reverse import prepared
from nbgrad.ad.tidy import names
from nbgrad.base.errors import GradientError
from tests.ad.bad_input import BAD, X
from tests.ad.plain import lowered
from tests.ad.zoo import CASES, V


def carried(f, args, inputs):
    made = prepared(lowered(f, *args))
    return active(made.body, made.roots, inputs, names((made.results,)))


def test_what_depends_on_an_input_and_reaches_the_result():
    c = CASES["filled"]
    found = carried(c.fn, c.args, ["x"])
    assert {"x", "out"} <= found
    assert carried(c.fn, c.args, ["n"]) == set()


def test_integers_and_comparisons_carry_nothing():
    c = CASES["integers"]
    assert "n" not in carried(c.fn, c.args, ["x", "n"])
    c = CASES["gathered"]
    found = carried(c.fn, c.args, ["x", "index"])
    assert "index" not in found or not c.args[1].dtype.kind == "f"


def test_arguments_apart():
    def only_one(x, y):
        s = 0.0
        for i in range(x.size):
            s += x[i] * 2.0
            y[i] = 3.0
        return s

    assert "y" not in carried(only_one, (V, V), ["x", "y"])


def test_a_variable_becomes_active_in_a_loop():
    c = CASES["inactive_to_active"]
    found = carried(c.fn, c.args, ["x"])
    assert any(n.startswith("s") for n in found)


def test_active_values_do_not_go_into_integers():
    f = BAD["integer_array"][0]
    with pytest.raises(GradientError, match="array of integers"):
        carried(f, (X,), ["x"])
    assert carried(f, (X,), []) == set()
