"""What is the same at each turn is computed before the loop, unless the loop may make no turn or writes it."""

from nbgrad.ad.hoist import hoisted
from nbgrad.ad.reverse import prepared
from nbgrad.ad.statements import Loop, Set, walk
from tests.ad.plain import lowered
from tests.ad.zoo import V


def inside(f, *args):
    """Return the operations in the loops of a function, hoisted."""
    made = prepared(lowered(f, *args))
    hoisted(made)
    return [t.op for s in made.body if isinstance(s, Loop) for t in walk(s.body) if isinstance(t, Set)]


def test_what_stays_the_same_goes_out():
    def f(x, a, b):
        s = 0.0
        for i in range(x.size):
            s += x[i] * (a * b + 2.0)
        return s

    assert inside(f, V, 1.0, 2.0).count("*") == 1


def test_what_the_loop_writes_stays():
    def f(x, n):
        s = 0.0
        for i in range(x.size):
            x[i] = x[0] * 2.0
            s += x[0]
        return s

    assert inside(f, V, 3).count("load") >= 2


def test_an_element_that_may_not_exist_is_not_read_early():
    def f(x, n):
        s = 0.0
        for _ in range(n):
            s += x[7]
        return s

    assert "load" in inside(f, V, 0)


def test_rows_of_the_loop_outside_go_out_of_the_loop_inside():
    def f(x):
        s = 0.0
        for i in range(x.size):
            for j in range(3):
                s += x[i] * j
        return s

    made = prepared(lowered(f, V))
    outer = next(s for s in made.body if isinstance(s, Loop))
    inner = next(s for s in outer.body if isinstance(s, Loop))
    assert not [t for t in inner.body if isinstance(t, Set) and t.op == "load"]
