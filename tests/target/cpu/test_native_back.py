import nbgrad as ng
from nbgrad.tape.tape import reachable


def test_what_a_value_was_made_from_is_listed_once_and_in_order():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    z = y + x * y
    nodes = reachable([z.node, None, y.node])
    assert [n.slot for n in nodes] == sorted({n.slot for n in nodes})
    assert {n.op.name for n in nodes if n.op} == {"mul", "add"}
    assert reachable([z.node], since=z.node.slot) == sorted({z.node, *z.node.inputs}, key=lambda n: n.slot)
    assert reachable([z.node], since=z.node.slot + 1) == [z.node]
