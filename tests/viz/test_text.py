"""The text of a tape."""

import nbgrad as ng
from nbgrad.viz import text


def test_text_of_a_tensor_and_of_a_tape():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    with ng.Tape() as tape:
        y = ng.exp(x) * 2.0
    lines = text(y, where=False).splitlines()
    assert [line.split()[1] for line in lines] == ["leaf", "exp(%0)", "mul(%1,"]
    assert "test_text.py" in text(tape)
