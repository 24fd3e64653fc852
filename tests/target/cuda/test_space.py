"""Schedules on a device: what is launched in a row, and where it works."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cuda.array import to_host
from nbgrad.target.cuda.site import Now, Place
from nbgrad.target.cuda.space import Bound
from nbgrad.target.cuda.walks import Repeat, Walk

pytestmark = pytest.mark.cuda


def made(f, *args):
    """Return the program of a compiled function."""
    return ng.compile(f).record(*args).program


def test_launches_in_a_row_end_where_something_is_looked_at():
    x = ng.ones((3, 4), device="cuda")
    space = made(lambda x: ng.flip(ng.while_loop(lambda c: c.sum() < 50.0, lambda c: c * 2.0, ng.flip(x, 1)), 0), x).space
    kinds = [type(step) for step in space.steps]
    assert kinds[:2] == [list, Repeat]
    assert space.size is None
    space = made(lambda x: ng.flip(ng.flip(x, 1) * 2.0, 0), x).space
    assert [type(step) for step in space.steps] == [list]
    assert space.size == len(space.steps[0])
    assert not space.walks()


def test_slots_lie_in_what_is_given_in_the_arena_or_with_others(rng):
    a, w = rng.standard_normal((3, 4)), ng.tensor(rng.standard_normal(4), device="cuda")
    program = made(lambda x: ng.flip(ng.flip(x, 1) * w, 0).sum(), ng.tensor(a, device="cuda"))
    space, slots = program.space, program.schedule.slots
    assert space.place(program.given[0], 8) == Place(0, 8)
    held = next(i for i, s in enumerate(slots) if s.remote)
    np.testing.assert_array_equal(to_host(space.place(held).memory).view("float64")[:4], w.numpy())
    between = [i for i in program.schedule.places if i not in program.given]
    for slot in between:
        found = space.place(slot, 16)
        assert found.offset == 16
        assert found.memory.nbytes >= slots[slot].size
        assert space.place(slot).memory is found.memory


def test_places_in_bodies_move_with_their_turns():
    x = ng.ones((3, 4), device="cuda")
    space = made(lambda x: ng.scan(lambda c, r: (c + ng.scan(lambda d, s: (d * s, None), r[0], r)[0], None), x[0, 0], x)[0], x).space
    (outer,) = space.walks()
    (body,) = outer.spaces
    (inner,) = body.walks()
    assert isinstance(inner, Walk)
    moves = [place.moves for place in inner.spaces[0].given.values()]
    assert ((outer.counter, 32), (inner.counter, 8)) in moves
    assert body.size == inner.size + sum(not isinstance(launch, Walk) for launch in body.steps[0])


def test_arrays_are_put_in_place_once_for_all_turns(rng):
    a = rng.standard_normal((5, 3))
    x = ng.tensor(a, device="cuda")
    program = made(lambda x: ng.scan(lambda c, r: (ng.tanh(c) + r, None), x[0], x)[0], x)
    out = ng.zeros(3, device="cuda")
    bound = Bound(program.space, [x.data, out.data])
    want = a[0]
    for row in a:
        want = np.tanh(want) + row
    for _ in range(2):
        assert bound.run(Now(0, [x.data, out.data])) is None
        np.testing.assert_allclose(out.numpy(), want, rtol=1e-12)
