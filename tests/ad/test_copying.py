"""Copies of functions: what is done to one does not show in the other."""

import pytest

from nbgrad.ad.copying import copy_of, leaves, taken, written
from nbgrad.ad.lower import lower
from nbgrad.ad.reverse import prepared, reverse
from nbgrad.ad.statements import FLOAT, INT, Array, Const, Ref
from nbgrad.ad.text import written as text
from tests.ad.zoo import CASES

A = Array("float64", 1)


def function(name="newton_inside", types=(FLOAT, FLOAT)):
    return prepared(lower(CASES[name].fn, types))


def test_a_copy_reads_the_same_and_shares_no_statement():
    f = function()
    before = text(f)[0]
    g = copy_of(f)
    assert text(g)[0] == before
    reverse(g, (0, 1))
    assert text(f)[0] == before


@pytest.mark.parametrize("name", ["newton_inside", "powers", "elementary"])
def test_a_copy_with_other_names_keeps_its_parameters(name):
    f = function(name)
    g = copy_of(f, lambda n: f"{n}_new")
    assert g.params == f.params
    assert taken(g) & taken(f) == {p.name for p in f.params}
    assert text(g)[0].replace("_new", "") == text(f)[0]


def test_what_is_written_has_the_names_of_all_that_share_its_memory():
    f = prepared(lower(CASES["written_views"].fn, tuple(A if hasattr(a, "shape") else INT for a in CASES["written_views"].args)))
    homes = {f.roots[n] for n in written(f)}
    assert homes <= written(f) == {n for n, home in f.roots.items() if home in homes}
    assert written(function()) == set()


def test_leaves_are_in_order():
    from nbgrad.ad.expressions import Tup

    one, two = Ref("a", FLOAT), Const(2.0, FLOAT)
    assert leaves(Tup([one, None, Tup([two])])) == [one, two]
