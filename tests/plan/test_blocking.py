import numpy as np
import pytest

from nbgrad.plan.blocking import TILES, cut, evenly, plan_blocks, single
from nbgrad.plan.host import Host, get_host, set_host
from nbgrad.plan.plan import Layout, packed
from nbgrad.plan.product import product_of


@pytest.fixture(params=[Host(64, 32, 49152, 1 << 20), Host(32, 16, 32768, 262144), Host(16, 32, 65536, 1 << 20)])
def host(request):
    """One of several machines, planned for during a test."""
    before = get_host()
    set_host(request.param)
    yield request.param
    set_host(before)


def product(a, b, left=False, right=False, dtype="float32"):
    turn = lambda shape, turned: Layout(shape, (*packed(shape, dtype).strides[:-2], 1, shape[-2]), dtype) if turned else packed(shape, dtype)
    batch = np.broadcast_shapes(a[:-2], b[:-2])
    return product_of(turn(a, left), turn(b, right), packed((*batch, a[-2], b[-1]), dtype))


@pytest.mark.parametrize("n", [1, 16, 100, 784, 1000])
def test_blocks_are_even_and_cover(n):
    block = evenly(n, 256, 16)
    assert block % 16 == 0
    assert block <= 256
    count = -(-n // block)
    assert count == -(-n // 256)
    assert count * block - n < 16 * count


SHAPES = [((1, 1), (1, 1)), ((64, 64), (64, 64)), ((1000, 3), (3, 7)), ((3, 9000), (9000, 5)), ((2000, 2000), (2000, 2000)),
          ((5, 300, 40), (5, 40, 300))]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("turned", [False, True])
def test_a_cut_covers_the_product(host, shapes, turned):
    p = product(*shapes, right=turned)
    c = cut(p, turned)
    assert c.part % c.depth == 0
    assert (c.parts - 1) * c.part < p.k <= c.parts * c.part
    assert c.rows > 0 and c.columns > 0


@pytest.mark.parametrize("shapes", [((256, 256), (256, 256)), ((4096, 64), (64, 64)), ((64, 4096), (4096, 64)), ((64, 64), (64, 4096)),
                                    ((64, 784), (784, 256)), ((64, 128, 32), (64, 32, 128))])  # fmt: skip
def test_many_threads_are_busy_whatever_the_shape(host, shapes):
    for right in (False, True):
        step = next(s for s in plan_blocks(product(*shapes, right=right)).steps if s.kernel.loop in ("matmul", "matmul_turned"))
        assert 24 <= step.tiles <= 2 * TILES


def test_large_factors_are_packed_and_small_ones_are_read_where_they_lie(host):
    large = [s.kernel.loop for s in plan_blocks(product((2048, 2048), (2048, 2048))).steps]
    assert large == ["matmul_pack", "matmul"]
    assert [s.kernel.loop for s in plan_blocks(product((96, 96), (96, 96))).steps] == ["matmul"]


def test_columns_along_k_are_turned_first(host):
    loops = lambda m: [s.kernel.loop for s in plan_blocks(product((m, 600), (600, 600), right=True)).steps]
    assert loops(50) == ["matmul_turned"]
    assert loops(1000) == ["matmul_turn", "matmul"]


def test_a_large_left_factor_in_columns_is_packed_in_panels(host):
    steps = plan_blocks(product((2048, 2048), (2048, 2048), left=True)).steps
    assert [s.kernel.loop for s in steps] == ["matmul_pack", "matmul_pack", "matmul"]


def test_large_products_of_a_batch_share_the_scratch(host):
    one, two = (plan_blocks(product((n, 2048, 2048), (n, 2048, 2048))) for n in (1, 2))
    assert one.scratch == two.scratch
    assert len(two.steps) == 2 * len(one.steps)


def test_parts_of_k_are_joined(host):
    steps = plan_blocks(product((32, 40000), (40000, 32))).steps
    assert [s.kernel.loop for s in steps] == ["matmul", "matmul_join"]


def test_one_of_a_batch():
    p = product((2, 3, 4, 5), (3, 5, 6))
    one = single(p, 4)
    assert (one.a.start, one.b.start, one.first, one.batch) == (4 * 20, 30, 4, ())
