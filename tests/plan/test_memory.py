"""Lives of values, and places in the arena that do not overlap while they live."""

import types

from hypothesis import given
from hypothesis import strategies as st

from nbgrad.plan.calls import ARGUMENT, MADE, Slot
from nbgrad.plan.memory import LINE, least_arena, lives_of, places_of


def item(*slots):
    return types.SimpleNamespace(pointers=tuple((s, 0) for s in slots))


def test_lives_are_from_the_first_use_to_the_last():
    slots = [Slot(ARGUMENT, 8), Slot(MADE, 8), Slot(MADE, 8), Slot(MADE, 8)]
    waves = ((item(0, 1),), (item(1, 2), item(0, 3)), (item(2, 3),))
    assert lives_of(waves, slots, {3}) == {1: (0, 1), 2: (1, 2)}


lives = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6), st.integers(1, 300)), max_size=25)


@given(lives)
def test_places_do_not_overlap(values):
    found = {i: (first, first + more) for i, (first, more, _) in enumerate(values)}
    sizes = [size for *_, size in values]
    places, total = places_of(found, sizes)
    assert places.keys() == found.keys()
    assert least_arena(found, sizes) <= total <= sum(-(-s // LINE) * LINE for s in sizes)
    for a, at in places.items():
        assert at % LINE == 0
        assert at + sizes[a] <= total
        for b, other in places.items():
            meet = found[a][0] <= found[b][1] and found[b][0] <= found[a][1]
            assert a == b or not meet or at + sizes[a] <= other or other + sizes[b] <= at


def test_values_that_never_meet_share_a_place():
    places, total = places_of({0: (0, 1), 1: (2, 3), 2: (4, 5)}, [64, 128, 100])
    assert set(places.values()) == {0}
    assert total == 128
