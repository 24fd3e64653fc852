"""A tape as text: the listing of a tape or of what a tensor was made from."""

import nbgrad as ng
from nbgrad.viz import text


def test_of_a_tensor():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = ng.tanh(x * 2.0)
    lines = text(y).splitlines()
    assert [line.split()[0] for line in lines] == ["%0", "%1", "%2"]
    assert "tanh(%1)" in lines[2]
    assert "test_text_viz.py:" in lines[2]
    assert "test_text_viz.py:" not in text(y, where=False)


def test_of_a_tape():
    with ng.Tape() as tape:
        ng.exp(tape.watch([1.0], "x"))
    assert text(tape) == str(tape)
    assert text(tape, where=False) != text(tape)
    assert text(tape, where=False).splitlines()[1].split()[1] == "exp(x)"


def test_of_a_constant():
    assert text(ng.ones(2)) == ""
