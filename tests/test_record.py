"""The tape in hand, and what it prints."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError


def test_gradients_are_asked_for():
    x = np.array([1.0, 2.0])
    with ng.Tape() as tape:
        x = tape.watch(x, "x")
        y = (x * x).sum()
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), [2.0, 4.0])
    with pytest.raises(GradientError, match="freed"):
        tape.gradient(y, x)


def test_a_kept_tape_answers_several_times():
    with ng.Tape(keep=True) as tape:
        x = tape.watch([1.0, 2.0])
        h = x * 3.0
        y = (h * h).sum()
    g = tape.gradient(y, {"x": x, "h": h})
    np.testing.assert_array_equal(g["x"].numpy(), [18.0, 36.0])
    np.testing.assert_array_equal(g["h"].numpy(), [6.0, 12.0])
    np.testing.assert_array_equal(tape.gradient(h, x, g=[1.0, 0.0]).numpy(), [3.0, 0.0])
    assert x.grad is None


def test_gradient_of_a_gradient():
    with ng.Tape(keep=True) as tape:
        x = tape.watch(2.0)
        y = x**3
        g = tape.gradient(y, x, create_graph=True)
    assert tape.gradient(g, x).item() == 12.0


def test_a_tape_prints_its_nodes():
    with ng.Tape() as tape:
        x = tape.watch([1.0, 2.0], "x")
        y = ng.exp(x) * 2.0
    text = str(tape)
    assert len(tape) == 2
    assert "exp(x)" in text
    assert "test_record.py" in text
    assert repr(tape) == "<Tape of 2 nodes>"
    assert y.requires_grad


def test_what_was_not_recorded_is_refused():
    with ng.Tape() as tape:
        y = ng.tensor([1.0]) * 2.0
    with pytest.raises(GradientError, match="watch"):
        tape.gradient(y, ng.tensor([1.0]))


def test_show():
    assert str(ng.show(lambda x: ng.sin(x) * 2.0, 1.0)).splitlines()[0] == "2 * sin(x)"
    assert "a constant" in ng.show(lambda x: 3.0, 1.0)
    shown = ng.show(ng.grad(lambda x: ng.exp(-(x**2))), 1.0)
    x = 0.7
    import math

    value = eval(str(shown).splitlines()[0], {"x": x, "exp": math.exp})
    np.testing.assert_allclose(value, -2 * x * math.exp(-x * x), rtol=1e-12)
