"""Boxes in layers: each behind what it reads, legends that fit the width, pictures of nothing and of very much."""

import time
import xml.etree.ElementTree as ElementTree

from nbgrad.base.layers import HEIGHT, WIDTH, Box, columns, draw, layers

SPACE = "{http://www.w3.org/2000/svg}"


def box(*inputs, kind="a"):
    return Box("title", "detail", kind, inputs, "tip")


def test_layers_follow_what_is_read():
    assert layers([box(), box(0), box(1), box(0, 2)]) == [0, 1, 2, 3]
    assert layers([]) == []


def test_what_reads_nothing_stands_above_its_first_reader():
    assert layers([box(), box(), box(0), box(2), box(1, 3)]) == [0, 2, 1, 2, 3]


def test_boxes_of_a_layer_have_places_of_their_own():
    boxes = [box(), *[box(0) for _ in range(7)], box(*range(1, 8))]
    depth = layers(boxes)
    place = columns(boxes, depth)
    assert len({(depth[i], place[i]) for i in range(len(boxes))}) == len(boxes)
    assert place[0] == place[8] == 0


def test_legends_take_more_lines_where_they_must():
    legend = [("#fff", f"kind number {i} of many & others") for i in range(9)]
    root = ElementTree.fromstring(draw([box()], {"a": "#eee"}, legend))
    marks = [r for r in root if r.tag == f"{SPACE}rect" and r.get("width") == "12"]
    assert len(marks) == 9
    assert len({m.get("y") for m in marks}) == 9
    assert all(float(m.get("y")) + 12 <= float(root.get("height")) for m in marks)
    short = ElementTree.fromstring(draw([box()], {"a": "#eee"}, legend[:1]))
    assert float(root.get("height")) > float(short.get("height")) > HEIGHT


def test_a_drawing_shows_itself_in_notebooks():
    drawn = draw([box()], {"a": "#eee"}, [])
    assert drawn._repr_svg_() == str(drawn)
    assert f'width="{WIDTH}"' in drawn


def test_a_thousand_boxes_are_drawn_in_no_time():
    boxes = [box(*{max(0, i - 1), i // 2} - {i}) if i else box() for i in range(2000)]
    start = time.process_time()
    assert draw(boxes, {"a": "#eee"}, []).count("<g>") == 2000
    assert time.process_time() - start < 5
