"""What a recorded program is made of."""

import numpy as np

from nbgrad.plan.calls import CONSTANT, HELD, Loop, Ref, Reversal, Slot, Stop, While, loops_of
from nbgrad.plan.plan import Layout, packed


def test_a_ref_is_whole_where_it_lies_in_one_piece():
    assert Ref(0, packed((2, 3), "float32")).whole
    assert Ref(0, packed((3,), "float32"), 8).whole
    assert not Ref(0, Layout((2, 3), (1, 2), "float32")).whole
    assert not Ref(0, Layout((2, 3), (0, 1), "float32")).whole


def test_slots_of_constants_are_constant():
    assert Slot(CONSTANT, 8, np.ones(1)).constant
    assert not Slot(HELD, 8, np.ones(1)).constant


def test_a_stop_writes_nothing():
    assert Stop((Ref(0, packed((), "bool")),), None).writes == ()


def test_loops_of_what_walks_schedules():
    one, other = (Loop(None, (), (), turns) for turns in (1, 2))
    assert loops_of(one) == (one,)
    assert loops_of(While(one, other, 0, None, None, 0, ())) == (one, other)
    assert loops_of(Reversal(one, other, 2, False, "level", None, 2, 8)) == (one, other)
