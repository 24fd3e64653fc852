"""How threads walk through what is folded."""

from types import SimpleNamespace

import pytest

from nbgrad.target.cuda.walk_text import SUMS, outer, outers, piece, sums, turns_of


@pytest.mark.parametrize("number", range(24))
def test_rows_of_outer_axes_are_found(number):
    args = [0, 4, 3, 2, 100, 10, 1]  # lengths from word 1 on, strides from word 4 on
    space = {"args": args, "o": 5, "number": number}
    exec("\n".join(outer("number", "3", "1", ["o"], ["4"])), space)
    assert space["o"] == 5 + number // 6 * 100 + number // 2 % 3 * 10 + number % 2


def test_several_rows_are_found_at_once():
    args = [0, 4, 3, 100, 10]
    space = {"args": args, "a": 1, "b": 2, "c": 3, "d0": 7, "e": 11, "first": 100}
    exec("\n".join(outers(["d0", "e"], "2", "1", [["a"], ["b"]], ["3"], ["first"])), space)
    assert (space["a"], space["b"]) == (1 + 7 // 3 * 100 + 7 % 3 * 10, 2 + 11 // 3 * 100 + 11 % 3 * 10)


@pytest.mark.parametrize(("segments", "per", "run", "pieces"), [(3, 1, 4, 6), (1, 2, 10, 5)])
def test_chunks_hold_every_number_once(segments, per, run, pieces):
    """Rows of 10 numbers, as segments of 4 each, or two at a time."""
    found = []
    for chunk in range(-(-pieces // per)):
        space = {"chunk": chunk, "per": per, "segments": segments, "run": run, "pieces": pieces, "inner": 10, "live": True}
        exec("\n".join(piece("run", "inner")), space)
        found += [space["row"] * 10 + space["begin"] + i for i in range(space["n"])]
    assert found == list(range(pieces // segments * 10))


def test_a_thread_has_several_accumulators_where_there_is_a_start():
    assert len(sums(SimpleNamespace(i=0, start="start0"), SUMS)) == SUMS
    assert sums(SimpleNamespace(i=1, start=None), SUMS) == ["a1"]


@pytest.mark.parametrize(("dtypes", "turns"), [(["float32"], 8), (["bool"], 8), (["float64"], 4), (["float32"] * 2, 4), (["float64"] * 3, 2), (["float64"] * 9, 2), ([], 8)])
def test_so_many_bytes_are_on_their_way(dtypes, turns):
    assert turns_of(SimpleNamespace(dtypes=dtypes, inputs=len(dtypes))) == turns
