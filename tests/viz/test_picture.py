"""SVG pictures: XML that parses, a box per node inside the picture, arrows that go down, names of the user escaped."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.viz import svg
from nbgrad.viz.graph import COLOURS, boxes
from nbgrad.viz.picture import HEIGHT, WIDTH

SPACE = "{http://www.w3.org/2000/svg}"


def network():
    x = ng.tensor(np.ones((4, 3)), requires_grad=True)
    w = [ng.tensor(np.ones((3, 3)), requires_grad=True) for _ in range(3)]
    h = x
    for weight in w:
        h = ng.tanh(ng.matmul(h, weight)) + h
    return (h * x).sum() + ng.logsumexp(h)


def parse(text):
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SPACE}svg"
    return root


def places(root):
    """Return (x, y) of every box, in the order of the tape."""
    return [(float(r.get("x")), float(r.get("y"))) for g in root.iter(f"{SPACE}g") for r in g.iter(f"{SPACE}rect")]


def test_a_box_per_node_inside_of_the_picture():
    y = network()
    root = parse(svg(y))
    width, height = float(root.get("width")), float(root.get("height"))
    found = places(root)
    assert len(found) == len(boxes(y)) > 10
    assert all(0 <= x <= width - WIDTH and 0 <= at <= height - HEIGHT for x, at in found)
    assert root.get("viewBox") == f"0 0 {width:.0f} {height:.0f}"


def test_boxes_do_not_overlap():
    found = places(parse(svg(network())))
    for i, (x, y) in enumerate(found):
        for u, v in found[:i]:
            assert abs(x - u) >= WIDTH or abs(y - v) >= HEIGHT


def test_arrows_go_down_from_what_is_read_to_who_reads_it():
    y = network()
    root, found = parse(svg(y)), boxes(y)
    at = places(root)
    arrows = [p.get("d") for p in root.iter(f"{SPACE}path") if p.get("marker-end")]
    wanted = [(at[j], at[i]) for i, b in enumerate(found) for j in b.inputs]
    assert len(arrows) == len(wanted)
    for d, ((x0, y0), (x1, y1)) in zip(arrows, wanted):
        numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", d)]
        np.testing.assert_allclose(numbers[:2], [x0 + WIDTH / 2, y0 + HEIGHT], atol=0.11)
        np.testing.assert_allclose(numbers[-2:], [x1 + WIDTH / 2, y1 - 2], atol=0.11)
        assert numbers[1] < numbers[-1]


def test_the_legend_has_the_kinds_that_are_there():
    y = network()
    kinds = {b.kind for b in boxes(y)}
    texts = {t.text for t in parse(svg(y)).iter(f"{SPACE}text")}
    assert kinds == texts & set(COLOURS)


def test_boxes_tell_name_shape_and_line():
    with ng.Tape() as tape:
        ng.exp(tape.watch(np.ones((2, 5), "float32"), "weights"))
    leaf, box = parse(svg(tape)).iter(f"{SPACE}g")
    assert [t.text for t in leaf.iter(f"{SPACE}text")] == ["weights", "float32 2×5"]
    assert leaf.find(f"{SPACE}title").text == "weights"
    assert box.find(f"{SPACE}title").text.startswith("test_picture.py:")


@pytest.mark.parametrize("name", ["a < b & c > d", '"quoted"', "it's", "x" * 200, "größe·β", "]]>"])
def test_names_of_the_user_are_escaped_and_cut(name):
    with ng.Tape() as tape:
        tape.watch([1.0], name) * 2.0
    shown = next(parse(svg(tape)).iter(f"{SPACE}text")).text
    assert shown == (name if len(name) <= 23 else name[:22] + "…")


def test_the_text_is_the_same_every_time():
    y = network()
    assert svg(y) == svg(y)


def test_an_empty_picture_is_a_picture():
    with ng.Tape() as tape:
        pass
    assert places(parse(svg(tape))) == []
    assert places(parse(svg(ng.ones(2)))) == []
