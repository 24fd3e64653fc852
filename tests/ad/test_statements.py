"""The language between text and derivative."""

from nbgrad.ad.statements import (
    BOOL,
    FLOAT,
    INT,
    Add,
    Array,
    Cell,
    Const,
    Do,
    Group,
    If,
    Loop,
    Put,
    Ref,
    Scalar,
    Set,
    Store,
    While,
    blocks,
    reads,
    walk,
)

X, N, C = Ref("x", Array("float64", 1)), Ref("n", INT), Cell("c_", FLOAT)
ZERO, ONE = Const(0, INT), Const(1, INT)


def test_types_know_whether_derivatives_flow():
    assert FLOAT.real and Array("float32", 2).real and Group((INT, FLOAT)).real
    assert not INT.real and not BOOL.real and not Array("int64", 1).real and not Group((INT,)).real and not Scalar("uint8").real


def test_reads_are_those_of_the_statement_itself():
    load = Set(Ref("t", FLOAT), "load", (X, N))
    assert reads(load) == (X, N)
    assert reads(Put(C, ONE)) == reads(Add(C, ONE)) == (ONE,)
    assert reads(Store(X, (N,), ONE)) == (X, N, ONE)
    assert reads(Loop(N, ZERO, ONE, ONE, [load])) == (ZERO, ONE, ONE)
    assert reads(If(Ref("b", BOOL), [load], [])) == (Ref("b", BOOL),)
    assert reads(Do("check", (N,))) == (N,)


def test_walk_visits_blocks_in_order():
    inner = [Put(C, ONE), Put(C, ZERO)]
    body = [Loop(N, ZERO, ONE, ONE, [While([inner[0]], Ref("b", BOOL), [inner[1]])]), If(Ref("b", BOOL), [], [])]
    found = list(walk(body))
    assert [type(s) for s in found] == [Loop, While, Put, Put, If]
    assert found[2:4] == inner
    assert blocks(inner[0]) == () and len(blocks(body[1])) == 2
