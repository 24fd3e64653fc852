"""Parts of arrays: what is surely apart, within, or covered, whatever the integers are."""

from nbgrad.ad.regions import Place, beside, covered, disjoint, inside_of, linear
from nbgrad.ad.statements import INT, Const, Ref, Set


def span(first, end):
    """Return places: an integer, "n", or ("n", a number)."""
    place = lambda v: Place(None, v) if isinstance(v, int) else Place(v, 0) if isinstance(v, str) else Place(*v)
    return place(first), place(end)


def line(first, end):
    return (span(first, end),)


INNER, WHOLE = line(1, ("n", -1)), line(0, "n")


def test_integers_are_a_name_and_a_number():
    n = Ref("n", INT)
    made = {"a": Set(Ref("a", INT), "-", (n, Const(1, INT))), "b": Set(Ref("b", INT), "+", (Ref("a", INT), Const(3, INT)))}
    assert linear(Ref("b", INT), made) == Place("n", 2)
    assert linear(Const(4, INT), made) == Place(None, 4)


def test_apart():
    assert disjoint(INNER, line(0, 1)) and disjoint(line(("n", -1), "n"), INNER)
    assert not disjoint(line(0, 1), line(("n", -1), "n"))  # one place, where n is 1
    assert not disjoint((None,), INNER)
    assert disjoint((span(0, "n"), span(0, 1)), (span(0, "n"), span(1, 2)))


def test_within():
    assert inside_of(INNER, WHOLE) and inside_of(line(2, 3), line(0, 4))
    assert not inside_of(WHOLE, INNER) and not inside_of(line(0, 3), WHOLE)


def test_rows_cover():
    rim = [line(0, 1), line(("n", -1), "n")]
    assert covered(WHOLE, [*rim, INNER]) and not covered(WHOLE, rim) and not covered(WHOLE, [INNER, rim[0]])
    rows = [(span(0, "m"), r[0]) for r in (*rim, INNER)]
    assert covered((span(0, "m"), span(0, "n")), rows)
    assert not covered((span(0, "m"), span(0, "n")), [*rows[1:], (span(1, "m"), span(0, 1))])


def test_what_is_left_beside():
    assert beside(WHOLE, line(0, 1)) == [line(1, "n")]
    assert beside(line(2, 9), line(4, 5)) == [line(2, 4), line(5, 9)]
    assert beside(WHOLE, INNER) == []  # they may not even meet: 1 may lie behind n
    assert beside(WHOLE, (None,)) == []
