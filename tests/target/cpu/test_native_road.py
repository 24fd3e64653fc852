import numpy as np
import pytest

import nbgrad as ng
from nbgrad.road import ROAD
from nbgrad.target.cpu import native_road as road


def test_the_place_in_the_table_is_that_of_machine_code():
    """Python writes the table and machine code reads it: a product that overflowed would part them."""
    top = (1 << 47) - 16
    assert 0 <= road.place_in_table(top, top, top, top) <= road.TABLE_MASK
    mixed = (top >> 4) * (40503 + 30011 + 50021 + 60013)
    assert mixed < 1 << 63


def test_an_interrupt_while_the_line_is_looked_for_is_an_interrupt(monkeypatch):
    """It comes out of the call as it is, and what was made is gone."""
    x = ng.tensor(np.ones(3))

    def call():
        """Take a sum through a row, in code that was not seen before."""
        scope = {"ng": ng}
        exec("def f(x):\n    return ng.tanh(x).sum()", scope)
        return ng.grad(scope["f"])(x)

    def stop(*args):
        raise KeyboardInterrupt

    want = call().numpy()
    with monkeypatch.context() as m:
        m.setattr(ROAD, "classify", stop)
        with pytest.raises(KeyboardInterrupt):
            call()
    np.testing.assert_array_equal(call().numpy(), want)
