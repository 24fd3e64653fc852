"""DOT text: a node per box, an edge per arrow, and quotes that do not end a string."""

import re

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.viz import dot
from nbgrad.viz.graph import COLOURS, boxes

STRING = r'"(?:[^"\\]|\\.)*"'
NODE = re.compile(rf"  n(\d+) \[label=({STRING}), fillcolor=({STRING}), tooltip=({STRING})\];")
EDGE = re.compile(r"  n(\d+) -> n(\d+);")


def parse(text):
    """Return (nodes by number, edges) of DOT text, every line of which must be understood."""
    first, style, *lines, last = text.splitlines()
    assert (first, last) == ("digraph tape {", "}")
    assert style.startswith("  node [") and style.endswith("];")
    nodes, edges = {}, []
    for line in lines:
        node, edge = NODE.fullmatch(line), EDGE.fullmatch(line)
        assert node or edge, line
        if node:
            nodes[int(node[1])] = [s[1:-1] for s in node.groups()[1:]]
        else:
            edges.append((int(edge[1]), int(edge[2])))
    return nodes, edges


def test_nodes_and_edges_are_the_boxes():
    x = ng.tensor(np.ones((2, 3)), requires_grad=True)
    y = ng.tanh(x) * x
    nodes, edges = parse(dot(y))
    assert {i: label.split(r"\n") for i, (label, _, _) in nodes.items()} == {i: [b.title, b.detail] for i, b in enumerate(boxes(y))}
    assert sorted(edges) == [(0, 1), (0, 2), (1, 2)]
    assert [colour for _, colour, _ in nodes.values()] == [COLOURS["leaf"], COLOURS["elementwise"], COLOURS["elementwise"]]
    assert "test_dot.py:" in nodes[2][2]


@pytest.mark.parametrize("name", ['a "quoted" name', "back\\slash\\", "ends in \\\"", "tape } n0 -> n0;"])
def test_names_of_the_user_stay_within_their_quotes(name):
    with ng.Tape() as tape:
        tape.watch([1.0], name) * 2.0
    nodes, edges = parse(dot(tape))
    assert nodes[0][0].split(r"\n")[0].replace('\\"', '"').replace("\\\\", "\\") == name
    assert edges == [(0, 1)]


def test_an_empty_tape_is_an_empty_picture():
    with ng.Tape() as tape:
        pass
    assert parse(dot(tape)) == ({}, [])


def test_edges_name_nodes_that_are_there():
    x = ng.tensor([[3.0, 1.0, 2.0]], requires_grad=True)
    y = ng.softmax(ng.sort(x) @ x.T) + ng.concatenate([x, x], 1).sum()
    nodes, edges = parse(dot(y))
    assert sorted(nodes) == list(range(len(nodes)))
    assert {i for edge in edges for i in edge} == set(nodes)
    assert all(a < b for a, b in edges)
