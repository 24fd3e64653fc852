"""What fusion asks of calls, and how operands are walked over the shape of others."""

import numpy as np

import nbgrad as ng
from nbgrad.plan.members import Member, folded, is_loop, shape_of, spread
from nbgrad.plan.plan import Layout


def test_what_is_asked_of_a_call_is_known_of_it(record_of):
    recorder, *_ = record_of(lambda x: (ng.exp(x), (x.T * 2.0)[:, None], ng.sum(x, axis=0)), np.zeros((3, 4)))
    exp, mul, total = found = [Member.of(c) for c in recorder.calls]
    assert [tuple(m) for m in found] == [tuple(c) for c in recorder.calls]
    assert [m.is_map for m in found] == [True, True, False]
    assert total.is_reduction
    assert [m.over for m in found] == [(3, 4), (4, 3), (3, 4)]
    assert [m.flat for m in found] == [True, False, False]
    assert exp.touched((3, 4)) is exp.touched((3, 4))
    assert [writes for *_, writes in mul.touched((4, 3))] == [False, False, True]
    assert [slot for slot, *_ in total.touched((3, 4))] == [total.reads[0].slot]


def test_a_flat_operand_is_cut_as_the_others_are():
    assert spread(Layout((6,), (1,), "float32"), (6,), (2, 3)) == Layout((2, 3), (3, 1), "float32")
    assert spread(Layout((1, 3), (3, 1), "float32"), (2, 3), (2, 3)) == Layout((2, 3), (0, 1), "float32")
    assert spread(Layout((1,), (1,), "float32"), (6,), (2, 3)).strides == (0, 0)


def test_calls_of_one_size_run_over_one_shape(record_of):
    recorder, *_ = record_of(lambda x: (ng.exp(x).reshape(12), x.T * 2.0, ng.exp(x).sum(axis=0)), np.zeros((3, 4)))
    exp, mul, again, total = map(Member.of, recorder.calls)
    assert is_loop([exp, total])
    assert not is_loop([total])
    assert shape_of([exp, again]) == (3, 4)
    assert shape_of([mul, total]) is None
    assert folded(total, (3, 4)) == (0,)
