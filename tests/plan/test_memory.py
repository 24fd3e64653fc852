"""Lives of values, and places in the arena that do not overlap while they live."""

import types

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.ops.table import table
from nbgrad.plan.calls import ARGUMENT, MADE, Slot
from nbgrad.plan.mapping import Body, Literal
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


def test_a_body_tells_what_its_values_are_made_of():
    body = Body(((table["mul"], (0, Literal(2.0)), "float64", "float64"), (table["exp"], (1,), "float64", "float64")), (2, 3))
    assert body.made_of(2, 2) == [0]
    assert body.made_of(3, 2) == [1]


def test_a_result_takes_the_memory_of_an_argument_that_it_is_made_of():
    f = ng.compile(lambda x, w: ng.sort(ng.sort(x @ w) * 2.0))
    x = np.random.default_rng(0).standard_normal((8, 64))
    np.testing.assert_allclose(f(x, x.T).numpy(), np.sort(2 * (x @ x.T)))
    schedule = f.latest.program.schedule
    (kernel,) = [i for wave in schedule.waves for i in wave if i.work.ops[0].name == "mul"]
    (source, _), (target, _) = kernel.pointers
    assert schedule.places[source] == schedule.places[target]
    assert kernel.kernel.body.shared


def test_memory_is_not_taken_where_another_result_needs_it():
    p, q = ng.tensor(np.arange(40.0)), ng.tensor(np.arange(40.0) + 1)

    @ng.compile
    def f(x):
        y = p * x
        p[...] = q  # not made of p: never in one kernel with what reads p
        return y

    for _ in range(2):
        before = p.numpy().copy()
        np.testing.assert_array_equal(f(ng.full(40, 3.0)).numpy(), before * 3)
        np.testing.assert_array_equal(p.numpy(), q.numpy())
