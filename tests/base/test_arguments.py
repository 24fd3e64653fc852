"""Integers, switches and shapes as arguments."""

import numpy as np
import pytest

from nbgrad.base.arguments import integer, lengths, switch
from nbgrad.base.errors import ArgumentError


def test_what_can_stand_for_an_integer():
    assert [integer(v, "n") for v in (3, np.int8(-3), np.array(4), True)] == [3, -3, 4, 1]
    assert type(integer(np.int8(3), "n")) is int
    assert integer(2, "n", 2, 2) == 2


@pytest.mark.parametrize(("value", "least", "most", "message"), [
    (1.0, None, None, "n must be an integer, not 1.0"), ("a", None, None, "n must be an integer, not 'a'"),
    (None, None, None, "n must be an integer, not None"), (-1, 0, None, "n=-1 is not 0 or more"),
    (9, 1, 3, "n=9 is not from 1 to 3"), (0, 1, 3, "n=0 is not from 1 to 3"),
])  # fmt: skip
def test_other_integers_are_refused_in_three_lines(value, least, most, message):
    with pytest.raises(ArgumentError, match=message) as error:
        integer(value, "n", least, most)
    assert len(str(error.value).splitlines()) == 3


def test_switches():
    assert [switch(v, "keepdims") for v in (True, False, np.True_)] == [True, False, True]
    for value in (1, None, "yes", np.float64, [True, False]):
        with pytest.raises(ArgumentError, match="keepdims is .*, not True or False\n.*\n  try: keepdims=True"):
            switch(value, "keepdims")


def test_shapes():
    given = (3, np.int64(3), [2, 0], (), np.array([1, 2]))
    assert [lengths(s) for s in given] == [(3,), (3,), (2, 0), (), (1, 2)]
    for shape in (-1, (2, -1), "a", 2.0, (2.0,), None):
        with pytest.raises(ArgumentError, match="none negative\n.*\n  try: shape="):
            lengths(shape)
