"""What the words agree on with Python; what they do with memory is tested in test_memory.py."""

from nbgrad.target.cpu import blocks
from nbgrad.target.cpu.memory import NEW
from nbgrad.target.cpu.native import VALUES
from nbgrad.target.cpu.words import Native, Variable


def test_every_variable_has_a_value():
    names = {name for name, value in vars(blocks).items() if isinstance(value, Variable)}
    assert names <= {*VALUES, *NEW, "KEPT", "MOVE", "CLEAR", "ADVISE"}
    assert all(NEW.values())


def test_sizes_are_rounded_up_by_an_eighth_at_most():
    import ctypes

    rounded = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(Native("test_blocks", [blocks.rounded], {}).address("rounded"))
    for size in (1, 63, 64, 65, 1024, 1025, 16384, 100_000, 2**20 - 1, 2**20 + 1, 10**9):
        found = rounded(size)
        assert size <= found <= max(size * 9 / 8, size + blocks.LINE)
        assert found % blocks.LINE == 0
        assert rounded(found) == found
