"""Places in memory of a device, and memory that grows."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.plan import packed
from nbgrad.target.cuda.array import from_host, to_host
from nbgrad.target.cuda.site import Now, Place, Site, Store

pytestmark = pytest.mark.cuda


def test_places_move_with_what_is_counted(rng):
    a, site = rng.standard_normal((5, 4)), Site(0)
    counter = site.counter()
    held = from_host(a)
    place = Place(held, 8).moving(counter, 32).behind(8).moving(counter, 0)
    assert place == Place(held, 16, ((counter, 32),))
    site.counts[counter] = 3
    np.testing.assert_array_equal(to_host(site.view(place, packed((2,), "float64"), ())), a[3, 2:])
    assert site.read(place, "float64", ()) == a[3, 2]
    flat, first, moves = site.flat(place, "float64", ())
    assert (first, moves) == (2, ((counter, 4),))
    assert flat[2] == a[0, 2]


def test_places_in_what_a_run_is_given(rng):
    a, site = rng.standard_normal((3, 4)), Site(0)
    x = from_host(a)[::-1, 1:]
    assert site.read(Place(0, 0), "float64", [x]) == a[2, 1]
    assert site.read(Place(0, -32), "float64", [x]) == a[1, 1]  # bytes behind the first element, wherever that lies
    flat, first, _ = site.flat(Place(0, -32), "float64", [x])
    assert flat[first] == a[1, 1]


def test_numbers_are_written_and_copied(rng):
    site, now, a = Site(0), Now(0), rng.standard_normal(6)
    x, count = from_host(a), from_host(np.zeros(2, np.int64))
    site.copy(Place(x, 8), Place(x, 32), 16, now)
    a[4:] = a[1:3]
    np.testing.assert_array_equal(to_host(x), a)
    site.write(Place(count, 8), 7, now)
    np.testing.assert_array_equal(to_host(count), [0, 7])


def test_a_store_that_cannot_double_takes_what_it_must():
    store = Store(0)
    ng.cuda.empty_cache()
    ng.cuda.set_memory_limit(ng.cuda.memory_info().reserved + 3 * Store.LEAST)
    try:
        store.reserve(2 * Store.LEAST, 0)
        assert store.array.nbytes == 2 * Store.LEAST
        with pytest.raises(ng.OutOfMemoryError):
            store.reserve(20 * Store.LEAST, 0)
    finally:
        ng.cuda.set_memory_limit(None)
    assert store.array.nbytes == 2 * Store.LEAST


def test_a_store_keeps_what_is_there_when_it_grows(rng):
    store, a = Store(0), rng.integers(0, 200, Store.LEAST).astype(np.uint8)
    first = store.array
    store.array.flat[0].copy_to_device(a)
    store.reserve(Store.LEAST, 0)
    assert store.array is first
    store.reserve(Store.LEAST + 1, 0)
    assert store.array.nbytes >= Store.LEAST + 1
    np.testing.assert_array_equal(to_host(store.array)[: Store.LEAST], a)


def test_memory_that_has_grown_is_given_back_when_its_copy_is_done():
    class Stream:
        waits = 0

        def synchronize(self):
            assert store.array is first
            self.waits += 1

    store, stream = Store(0), Stream()
    first = store.array
    store.reserve(Store.LEAST + 1, stream)
    store.reserve(Store.LEAST + 1, stream)
    assert store.array is not first
    assert stream.waits == 1
