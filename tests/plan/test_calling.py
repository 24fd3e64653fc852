"""Plans of calls of compiled functions: buffers, words, copies of what is written into."""

from types import SimpleNamespace

from nbgrad.ad.statements import FLOAT, Array, Group
from nbgrad.plan.calling import ALONE, plan_call, room
from nbgrad.plan.plan import packed

M = Array("float64", 2)


def test_buffers_and_words():
    entry = SimpleNamespace(result=Group((M, FLOAT)), parallel=False)
    inputs, results = (packed((2, 3), "float64"), packed((), "float64")), [((3, 2), "float64"), ((), "float64")]
    plan = plan_call(entry, (M, FLOAT), (0,), inputs, results, room(results))
    (step,) = plan.steps
    assert step.pointers == (0, 1, 2, 3, 4, 5) and step.words == (entry, 2, 3, 3, 2) and step.tiles == 1
    assert step.kernel.dtypes == ("float64",) * 4 + ("int64", "float64")
    assert plan.shape == ((3, 2), (), (3,)) and plan.dtype == ("float64", "float64", "int64")
    assert plan.scratch == (((2, 3), "float64"),)


def test_kernels_are_known_by_types_alone():
    entries = [SimpleNamespace(result=M, parallel=p) for p in (False, False, True)]
    kernels = [plan_call(e, (M,), (), (packed((n, 3), "float64"),), [((n, 3), "float64")], 3).steps[0].kernel for n, e in enumerate(entries)]
    assert kernels[0] == kernels[1] != kernels[2]
    assert kernels[0].loop == "call" and kernels[2].loop == ALONE


def test_a_status_has_room_for_extents():
    assert room([((1,) * 5, "float64")]) == 6 and room([]) == 3
