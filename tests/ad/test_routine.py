"""What is derived from a function that calls itself."""

from nbgrad.ad.routine import Routine, written_by_call
from nbgrad.ad.statements import FLOAT, INT, Array, Group, Ref, Set


def test_names_results_and_what_is_written():
    r = Routine("call_f", (Array("float64", 1), INT, FLOAT))
    r.result = FLOAT
    pull, part, dual = r.derived("pull", (0, 2)), r.derived("pull", (0,)), r.derived("dual", (2,))
    assert [d.name for d in (pull, part, dual)] == ["pull_call_f", "pull_call_f_of_0", "dual_call_f_of_2"]
    assert r.derived("pull", (0, 2)) is pull and pull.source is r
    assert pull.result == part.result == Group((FLOAT,)) and dual.result == Group((FLOAT, FLOAT))
    args = tuple(Ref(n, FLOAT) for n in ("x", "n", "p", "g", "g_x"))
    assert [v.name for v in written_by_call(Set(Ref("out", pull.result), "call", args, pull))] == ["g_x"]
    assert written_by_call(Set(Ref("out", FLOAT), "call", args[:3], r)) == []
