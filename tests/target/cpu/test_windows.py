import pytest

from nbgrad.target.cpu.windows import INNER, LOOPS, NAMES, inner_address, inner_ir, window_address


def test_every_loop_says_what_it_calls():
    assert {name for called in LOOPS.values() for name in called} == set(INNER)
    assert set(NAMES) == {f.__name__ for f in LOOPS}


def test_addresses_are_of_machine_code_and_kept():
    assert window_address("conv_weight_add", "float64") == window_address("conv_weight_add", "float64") != 0
    assert inner_address("zero", "float64") == inner_address("zero", "float64") != 0


@pytest.mark.parametrize("name", INNER)
def test_innermost_loops_on_float32_hold_no_double(name):
    assert "double" not in inner_ir(name, "float32", 64, 32)
