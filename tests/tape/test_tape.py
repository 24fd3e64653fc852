"""The tape: order, depth, memory, freed values, recording switched off and on."""

import gc
import threading
import weakref

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError
from nbgrad.tape.tape import reachable


def chain(n, x):
    y = x
    for _ in range(n):
        y = y + 1.0
    return y


@pytest.mark.usefixtures("only_new_objects_are_collected")
def test_a_deep_tape_neither_overflows_nor_leaks():
    x = ng.tensor(1.0, requires_grad=True)
    y = chain(100_000, x)
    y.backward()
    assert x.grad.item() == 1.0
    del y
    gc.collect()


def test_a_deep_tape_is_dropped_without_a_backward():
    x = ng.tensor(1.0, requires_grad=True)
    y = chain(100_000, x)
    node = weakref.ref(y.node.inputs[0])
    del y
    assert node() is None, "nodes are freed by reference counts, without the garbage collector"


def test_values_are_freed_as_the_backward_passes_them():
    x = ng.tensor(np.ones(1000), requires_grad=True)
    y = x.exp() if hasattr(x, "exp") else ng.exp(x)
    kept = weakref.ref(y.node.kept["out"].data)
    z = (y * 2.0).sum()
    del y
    z.backward()
    assert kept() is None


def test_backward_twice_needs_keep():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward(keep=True)
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [4.0, 8.0])
    with pytest.raises(GradientError, match="freed by an earlier backward"):
        y.backward()


def test_slots_grow_and_reachable_is_in_order():
    x = ng.tensor(1.0, requires_grad=True)
    a = x * 2.0
    b = a + x
    nodes = reachable([b.node])
    assert [n.slot for n in nodes] == sorted(n.slot for n in nodes)
    assert nodes == [x.node, a.node, b.node]


def test_no_grad_records_nothing_and_gives_back_what_was():
    x = ng.tensor(1.0, requires_grad=True)
    with ng.no_grad():
        assert not (x * 2.0).requires_grad
        with ng.enable_grad():
            assert (x * 2.0).requires_grad
    assert (x * 2.0).requires_grad

    @ng.no_grad()
    def f():
        return x * 2.0

    assert not f().requires_grad


def test_no_grad_survives_an_error():
    with pytest.raises(ZeroDivisionError), ng.no_grad():
        raise ZeroDivisionError
    assert (ng.tensor(1.0, requires_grad=True) * 2.0).requires_grad


def test_recording_is_per_thread():
    x = ng.tensor(1.0, requires_grad=True)
    seen = []
    with ng.no_grad():
        t = threading.Thread(target=lambda: seen.append((x * 2.0).requires_grad))
        t.start()
        t.join()
    assert seen == [True]


def test_a_node_knows_the_users_line():
    x = ng.tensor(1.0, requires_grad=True)
    y = x * 2.0
    assert y.node.where.startswith("test_tape.py:")
    assert "test_a_node_knows_the_users_line" in y.node.where
    assert "mul" in repr(y.node)
