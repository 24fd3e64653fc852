import pytest

from nbgrad.plan.host import get_host
from nbgrad.target.cpu.host import detect


@pytest.mark.parametrize(
    ("features", "machine", "width", "registers"),
    [({"avx512f": True, "avx": True}, "x86_64-linux", 64, 32), ({"avx": True}, "x86_64-linux", 32, 16),
     ({"sse2": True}, "x86_64-linux", 16, 16), ({"neon": True}, "aarch64-linux", 16, 32)],
)  # fmt: skip
def test_registers_follow_the_features(features, machine, width, registers):
    host = detect(features, machine)
    assert (host.vector_bytes, host.registers) == (width, registers)
    assert host.level1 >= 16384
    assert host.level2 > host.level1


def test_plans_are_told():
    assert get_host().vector_bytes in (16, 32, 64)
