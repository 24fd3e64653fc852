"""DOT text: every box and every arrow, and nothing that would end a string early."""

import re

import nbgrad as ng
from nbgrad.viz import dot


def test_dot_has_all_boxes_and_arrows():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = x * ng.sin(x)
    text = dot(y)
    assert text.startswith("digraph tape {")
    assert text.endswith("}")
    assert len(re.findall(r"label=", text)) == 3
    assert sorted(re.findall(r"n\d -> n\d", text)) == ["n0 -> n1", "n0 -> n2", "n1 -> n2"]
    assert text.count('"') % 2 == 0
