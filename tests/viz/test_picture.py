"""SVG pictures: well-formed, one box per node, boxes of one layer side by side."""

import re
import xml.etree.ElementTree as ET

import nbgrad as ng
from nbgrad.viz import svg
from nbgrad.viz.picture import HEIGHT, WIDTH

SVG = "{http://www.w3.org/2000/svg}"


def test_the_picture_is_xml_with_a_box_per_node():
    with ng.Tape() as tape:
        x, w = tape.watch([[1.0, 2.0]], "x<1>"), tape.watch([[1.0], [2.0]], "w")
        ng.tanh(x @ w + 1.0).sum()
    root = ET.fromstring(svg(tape))
    groups = root.findall(f"{SVG}g")
    assert len(groups) == 6
    titles = [g.find(f"{SVG}text").text for g in groups]
    assert "x<1>" in titles
    assert len(root.findall(f"{SVG}path")) == 5


def test_boxes_do_not_overlap():
    x = ng.tensor([1.0], requires_grad=True)
    y = ng.sin(x) + ng.cos(x) + ng.exp(x) * ng.tanh(x)
    places = [(float(a), float(b)) for a, b in re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="150"', svg(y))]
    assert len(places) == 8
    for i, (x0, y0) in enumerate(places):
        for x1, y1 in places[i + 1 :]:
            assert abs(x0 - x1) >= WIDTH or abs(y0 - y1) >= HEIGHT


def test_an_empty_tape_is_an_empty_picture():
    with ng.Tape() as tape:
        pass
    assert ET.fromstring(svg(tape)).findall(f"{SVG}g") == []
