"""Words that move with the turns of loops."""

import numpy as np
import pytest

from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.site import Site
from nbgrad.target.cuda.turns import Feeds

pytestmark = pytest.mark.cuda


def test_words_are_where_counters_say():
    site = Site(0)
    outer, inner = site.counter(), site.counter()
    table = package().cuda.to_device(np.arange(40))
    around = Feeds(site, table, [])
    moving = [(3, 100, ((outer, 10),)), (39, 0, ((inner, 1), (outer, -2))), (5, 7, ((inner + 1, 1000),))]
    within = Feeds(site, table, moving)
    around.queue(outer, 4, 0, 0)
    np.testing.assert_array_equal(table.copy_to_host(), np.arange(40))  # nothing there moves
    within.queue(inner, 2, 3, 0)
    want = np.arange(40)
    want[[3, 39, 5]] = 140, 2 - 8, 3007
    np.testing.assert_array_equal(table.copy_to_host(), want)
    assert site.counts == [4, 0, 2, 3]
    within.queue(inner, 0, 0, 0)
    want[[3, 39, 5]] = 140, -8, 7
    np.testing.assert_array_equal(table.copy_to_host(), want)
    for _ in range(3):
        within.queue(inner, 0, 1, 0, by=-2)
    want[[3, 39, 5]] = 140, -6 - 8, 1007
    np.testing.assert_array_equal(table.copy_to_host(), want)


def test_there_may_be_more_words_than_threads():
    site, n = Site(0), 3 * package().threads + 1
    counter, table = site.counter(), package().cuda.to_device(np.zeros(n, np.int64))
    Feeds(site, table, [(i, i, ((counter, 1),)) for i in range(n)]).queue(counter, 5, 0, 0)
    np.testing.assert_array_equal(table.copy_to_host(), np.arange(n) + 5)
