"""How many threads take a line."""

from math import prod

import pytest

from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.plans_rows import line_words, over_lines, power_of_two, team

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("n", [1, 4, 5, 33, 129, 1000, 10**6])
@pytest.mark.parametrize("inner", [1, 3])
@pytest.mark.parametrize("lines", [1, 77, 10**6])
def test_threads_of_a_line_hold_all_of_it_or_say_that_they_do_not(lines, n, inner):
    together, held, whole, columns = team(lines, n, inner, 4)
    assert power_of_two(together) == together <= package().threads
    assert columns == (inner > 1)
    assert whole == (together * held >= n)
    units, *words = line_words((together, held, whole, columns), lines, n, inner)
    assert units * (package().threads // together) >= lines > (units - 1) * (package().threads // together)
    assert words == [lines, n, inner]


def test_a_row_alone_is_columns_of_nothing():
    step = over_lines("softmax_lines", ("float32",) * 2, (3, 4), (1,), (False,))
    assert step.kernel.static[3:] == (False, False)
    assert step.words[1:] == (3, 4, 1)
    assert over_lines("softmax_lines", ("float32",) * 2, (3, 4), (0,), (False,)).words[1:] == (4, 3, 4)


def test_wide_numbers_are_held_half_as_many():
    n = package().threads * 32
    assert team(1, n, 1, 4)[2]
    assert not team(1, n, 1, 8)[2]
    assert prod(team(1, n, 1, 4)[:2]) == n
