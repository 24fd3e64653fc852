import pytest

from nbgrad.plan.host import Host, block_columns, block_shape, get_host, set_host


@pytest.fixture
def hosts():
    """The function that sets the host, which is given back."""
    before = get_host()
    yield set_host
    set_host(before)


@pytest.mark.parametrize(("width", "registers", "height"), [(64, 32, 12), (32, 16, 6), (16, 32, 12), (16, 16, 6)])
def test_sums_and_operands_fit_the_registers(hosts, width, registers, height):
    hosts(Host(width, registers))
    assert block_shape("float32") == (height, 2, width)
    assert height * 2 + 3 <= registers
    assert block_columns("float32") == 2 * width // 4
    assert block_columns("float64") == 2 * width // 8
