import subprocess
import sys

from nbgrad.target.cpu import native_road as road

INTERRUPTED = """
import nbgrad as ng
from nbgrad.road import ROAD

def call():
    scope = {"ng": ng}
    exec("def f(x):\\n    return ng.tanh(x).sum()", scope)  # code that was not seen before
    return ng.grad(scope["f"])(ng.tensor([1.0, 2.0]))

def stop(*args):
    raise KeyboardInterrupt

want, known = call().numpy(), ROAD.classify
ROAD.classify = stop
try:
    call()
except KeyboardInterrupt:
    print("interrupted")
ROAD.classify = known
print((call().numpy() == want).all())
"""


def test_the_place_in_the_table_is_that_of_machine_code():
    """Python writes the table and machine code reads it: a product that overflowed would part them."""
    top = (1 << 47) - 16
    assert 0 <= road.place_in_table(top, top, top, top) <= road.TABLE_MASK
    mixed = (top >> 4) * (40503 + 30011 + 50021 + 60013)
    assert mixed < 1 << 63


def test_an_interrupt_while_the_line_is_looked_for_comes_out_as_it_is():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=300)
    assert done.stdout.split() == ["interrupted", "True"], done.stderr
