"""Functions in place of their calls: names of their own, and what shares memory."""

from nbgrad.ad.inline import inlined
from nbgrad.ad.rules import Builder
from nbgrad.ad.statements import FLOAT, Add, Array, Cell, Const, Function, Put, Ref, Set, Store

V = Array("float64", 1)


def built():
    b = Builder(["x", "t", "c"])
    b.roots = {"mine": "mine"}
    return b


def test_names_do_not_collide():
    x, t = Ref("x", FLOAT), Ref("t", FLOAT)
    f = Function("f", (x,), [Set(t, "*", (x, x)), Put(Cell("c", FLOAT), t), Add(Cell("c", FLOAT), x)], t)
    b = built()
    value = Ref("t", FLOAT)
    out = inlined(b, f, [value])
    assert out.name not in ("x", "t")
    assert b.block[0].args == (value, value)
    assert b.block[1].cell.name != "c"
    assert f.body[0].out is t


def test_memory_of_an_argument_is_that_of_its_value():
    a, v = Ref("a", V), Ref("v", V)
    f = Function("f", (a,), [Set(v, "view", (a,), "{0}[1:]"), Store(v, (Const(0, FLOAT),), Const(1.0, FLOAT))], v, {"a": "v", "v": "v"})
    b = built()
    out = inlined(b, f, [Ref("mine", V)])
    assert b.roots[out.name] == "mine"
