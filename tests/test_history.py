import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError
from nbgrad.history import Kept, needs, newest_node, node_of, view_attrs
from nbgrad.ops.table import table


def test_what_a_backward_reads_depends_on_who_wants_a_gradient():
    mul = table["mul"]
    assert needs(mul, (True, False)) == ((0,), (("y", 1),))
    assert needs(mul, (True, True)) == ((0, 1), (("y", 1), ("x", 0)))
    assert needs(table["tanh"], (True,)) == ((0,), (("out", -1),))
    assert needs(table["floor"], (True,)) == ((), ())


def test_a_kept_value_is_refused_after_it_was_written():
    x = ng.tensor([1.0, 2.0])
    kept = Kept(x, None)
    x += 1.0
    owner = (ng.tensor([1.0], requires_grad=True) * 2.0).node
    with pytest.raises(GradientError, match=r"x of shape \(2,\), which was written in place 1 time"):
        kept.value(owner, "x")


def test_the_node_of_a_view_follows_writes_to_its_base():
    x = ng.tensor(np.arange(4.0), requires_grad=True) * 1.0
    view = x[1:3]
    before = newest_node(view)
    x[:] = ng.tensor(np.ones(4), requires_grad=True) * 2.0
    after = newest_node(view)
    assert after is not before
    assert after.op.name == "as_view"
    assert view_attrs(view) == {"shape": (2,), "strides": (1,), "offset": 1}
    with ng.no_grad():
        assert node_of(view) is None
