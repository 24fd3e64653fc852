"""Boxes of a tape: one per node, inputs by number, names of the user."""

import nbgrad as ng
from nbgrad.viz.graph import COLOURS, boxes


def test_boxes_of_a_tape_and_of_a_tensor():
    with ng.Tape() as tape:
        x = tape.watch([1.0, 2.0], "x")
        y = (ng.exp(x) * 2.0).sum()
    found = boxes(tape)
    assert [b.kind for b in found] == ["leaf", "elementwise", "elementwise", "reduction"]
    assert found[0].title == "x"
    assert found[1].inputs == (0,)
    assert found[2].title == "mul(2)"
    assert found[2].detail == "float64 2"
    assert "test_graph.py" in found[3].tip
    assert {b.kind for b in found} <= set(COLOURS)
    assert [b.inputs for b in boxes(y)] == [b.inputs for b in found]
