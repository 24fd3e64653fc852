"""Rules as statements."""

from nbgrad.ad.matrices import RULES
from nbgrad.ad.rule_text import rule_text
from nbgrad.ad.statements import Array, Do, walk

V, M = Array("float64", 1), Array("float64", 2)


def test_rules_are_read_once_and_check_no_shapes():
    rule = RULES["dot21"].vjp["a"]
    f = rule_text(rule, (M, V, V))
    assert rule_text(rule, (M, V, V)) is f
    assert not any(isinstance(s, Do) for s in walk(f.body))
