"""Plans of sorting: runs, merges whose pieces are found by bisection, selections."""

import numpy as np
import pytest

from nbgrad.plan.sorting import FEW, PIECE, RUN
from nbgrad.target.cpu import loops_place, loops_sort

LOOPS = (loops_sort, loops_place)


def order(x, descending):
    if descending:
        return x.shape[-1] - 1 - np.argsort(x[:, ::-1], -1, kind="stable")[:, ::-1]
    return np.argsort(x, -1, kind="stable")


@pytest.mark.parametrize("n", [1, 17, 100, RUN, RUN + 1, 3 * RUN + 5])
@pytest.mark.parametrize("descending", [False, True])
def test_orders(carry_out, rng, n, descending):
    x = rng.integers(0, 50, (2, n)).astype("float64")
    x[0, n // 3] = np.nan
    for count in {n, n // 2}:
        attrs = {"count": count, "descending": descending}
        plan, out = carry_out("order", (x,), attrs, (2, count), "int64", LOOPS)
        np.testing.assert_array_equal(out, order(x, descending)[:, :count])
    merges = [s for s in plan.steps if s.kernel.loop == "merge_runs"]
    assert len(merges) == (max(0, int(np.ceil(np.log2(n / RUN)))) if n > 1 else 0)


def test_a_piece_never_spans_two_pairs_of_runs():
    assert (2 * RUN) % PIECE == 0


def test_a_few_are_selected(carry_out, rng):
    x = rng.integers(0, 50, (300, 200)).astype("float64")
    for count in (1, 3, FEW):
        plan, out = carry_out("order", (x,), {"count": count, "descending": True}, (300, count), "int64", LOOPS)
        assert [s.kernel.loop for s in plan.steps] == ["select_first"]
        np.testing.assert_array_equal(out, order(x, True)[:, :count])
    assert plan.steps[0].tiles > 1
