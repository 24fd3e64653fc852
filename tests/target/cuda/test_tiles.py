"""Tiles of products: what a kernel takes for granted of them, and how products are cut."""

import pytest

from nbgrad.target.cuda import tiles
from nbgrad.target.cuda.package import Package
from nbgrad.target.cuda.tiles import NARROW, SIMULATED, WIDE, shares

pytestmark = pytest.mark.cuda
DEVICE = Package("numba-cuda", None, False, "")


@pytest.mark.parametrize("tile", [*NARROW, *WIDE, *SIMULATED])
def test_threads_share_a_tile_evenly(tile):
    columns, rows = tile.columns // tile.wide, tile.rows // tile.tall
    assert columns % tile.across == rows % tile.down == 0
    assert tile.tall % tile.runs[0] == tile.wide % tile.runs[1] == 0
    assert tile.threads % (tile.across * tile.down) == 0
    for side in (tile.rows, tile.columns):
        assert side * tile.depth >= tile.threads
        assert side * tile.depth % tile.threads == tile.threads % side == tile.threads % tile.depth == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("m", "k", "n", "count"), [(1, 1, 1, 1), (4096, 4096, 4096, 1), (10, 10**6, 10, 1), (64, 64, 64, 500), (7, 4096, 9, 3)])
def test_tiles_and_parts_cover_a_product(m, k, n, count, dtype, monkeypatch):
    monkeypatch.setattr(tiles, "package", lambda: DEVICE)
    cut = shares(m, k, n, count, dtype)
    assert cut.row_blocks * cut.tile.rows >= m > (cut.row_blocks - 1) * cut.tile.rows
    assert cut.column_blocks * cut.tile.columns >= n > (cut.column_blocks - 1) * cut.tile.columns
    assert cut.parts * cut.part >= k > (cut.parts - 1) * cut.part
    assert shares(m, k, n, count, dtype, split=False).parts == 1


def test_tiles_suit_the_shape(monkeypatch):
    monkeypatch.setattr(tiles, "package", lambda: DEVICE)
    assert shares(8192, 8192, 8192, 1, "float32")[0].threads == 256
    assert shares(8192, 8192, 8192, 1, "float32").tile[:2] == (128, 128)
    assert shares(16, 512, 10**5, 1, "float32").tile.rows == 16
    assert shares(32, 10**5, 32, 1, "float32").parts > 16
