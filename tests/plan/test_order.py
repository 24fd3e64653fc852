"""Who waits for whom, and which groups of calls may become one."""

from nbgrad.ops.table import table
from nbgrad.plan.calls import Call, Ref, Stop
from nbgrad.plan.order import Order
from nbgrad.plan.plan import packed


def call(reads, writes):
    ref = lambda slot: Ref(slot, packed((4,), "float32"))
    return Call(table["add"], {}, tuple(map(ref, reads)), tuple(map(ref, writes)))


def waits(calls):
    return [sorted(Order(calls).before[i]) for i in range(len(calls))]


def test_reads_wait_for_writes_and_writes_for_reads():
    assert waits([call([0], [1]), call([1], [2]), call([0], [3])]) == [[], [0], []]
    assert waits([call([0], [1]), call([1], [2]), call([0], [1])]) == [[], [0], [0, 1]]
    assert waits([call([0], [1]), call([0], [1])]) == [[], [0]]
    assert waits([call([0], [0])]) == [[]]


def test_groups_merge_unless_something_must_run_between():
    order = Order([call([0], [1]), call([1], [2]), call([2, 1], [3]), call([0], [4])])
    assert order.may_merge(0, 1)
    assert not order.may_merge(0, 2)
    assert order.may_merge(0, 3)
    order.merge(0, 1)
    assert order.members(1) == [0, 1]
    assert order.may_merge(0, 2)
    order.merge(0, 2)
    assert order.sorted() == [[0, 1, 2], [3]]


def test_what_must_run_between_is_found_behind_groups_of_calls_far_apart():
    order = Order([call([0], [1]), call([1], [2]), call([0], [3]), call([3], [4]), call([2], [5])])
    assert order.may_merge(2, 4)
    order.merge(0, 3)  # call 2, then calls 0 and 3, then call 1, then call 4
    assert not order.may_merge(2, 4)
    assert order.may_merge(2, 1) is False
    assert order.sorted() == [[2], [0, 3], [1], [4]]


def test_near_are_makers_and_readers_of_the_same():
    order = Order([call([0], [1]), call([0], [2]), call([5], [6]), call([1, 0], [3])])
    assert order.near(3) == [1, 0]


def test_what_is_read_by_others():
    order = Order([call([0], [1]), call([1], [2]), call([1], [3])])
    assert order.read_elsewhere([0, 1]) == {1}
    assert order.read_elsewhere([0, 1, 2]) == set()


def test_a_stop_is_waited_for():
    stop = Stop((Ref(1, packed((), "bool")),), None)
    assert waits([call([0], [1]), stop, call([0], [2])])[2] == [1]
