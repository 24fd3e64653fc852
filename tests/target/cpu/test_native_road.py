import nbgrad as ng
from nbgrad.tape.tape import reachable
from nbgrad.target.cpu import native_road as road


def test_the_place_in_the_table_is_that_of_machine_code():
    """Python writes the table and machine code reads it: a product that overflowed would part them."""
    top = (1 << 47) - 16
    assert 0 <= road.place_in_table(top, top, top, top) <= road.TABLE_MASK
    mixed = (top >> 4) * (40503 + 30011 + 50021 + 60013)
    assert mixed < 1 << 63


def test_what_a_value_was_made_from_is_listed_once_and_in_order():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    z = y + x * y
    nodes = reachable([z.node, None, y.node])
    assert [n.slot for n in nodes] == sorted({n.slot for n in nodes})
    assert {n.op.name for n in nodes if n.op} == {"mul", "add"}
    assert reachable([z.node], since=z.node.slot) == sorted({z.node, *z.node.inputs}, key=lambda n: n.slot)
    assert reachable([z.node], since=z.node.slot + 1) == [z.node]
