"""How scans are shared out."""

import pytest

from nbgrad.target.cuda.package import package
from nbgrad.target.cuda.plans_scan import ENOUGH, Scan

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("lines", [1, 100, ENOUGH])
@pytest.mark.parametrize("n", [1, 17, 1000, 10**7])
@pytest.mark.parametrize("inner", [1, 2])
def test_segments_cover_a_line(lines, n, inner):
    scan = Scan(lines, n, inner, cut=True)
    assert scan.segments * scan.per >= n > (scan.segments - 1) * scan.per
    assert scan.static[0] in (1, package().lanes, package().threads)
    if lines == ENOUGH:
        assert scan.segments == 1


def test_few_long_lines_are_cut():
    assert Scan(1, 10**7, 1, cut=True).segments > 10
    assert Scan(1, 10**7, 1).segments == 1
    assert Scan(1, 100, 1, reverse=True).step("running_sum", ("float32",) * 3, (0, 1, 1)).words[4:6] == (99, -1)
