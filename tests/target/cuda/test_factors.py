"""Factors of products as text: which numbers of a tile each thread loads."""

import pytest

from nbgrad.target.cuda.factors import FACTORS
from nbgrad.target.cuda.tiles import NARROW, SIMULATED, WIDE

pytestmark = pytest.mark.cuda
KINDS = [(kind, side) for kind in FACTORS for side in ("row", "column")]


@pytest.mark.parametrize(("kind", "side"), KINDS)
@pytest.mark.parametrize("tile", [NARROW[0], NARROW[-1], WIDE[0], SIMULATED[0]])
def test_every_number_of_a_tile_is_loaded_by_one_thread(kind, side, tile):
    size = tile.rows if side == "row" else tile.columns
    pitch = size + 1
    factor = FACTORS[kind]("a", 0, side, size, tile, "")
    written = []
    for me in range(tile.threads):
        names = {"me": me, "first": 0, "here": 1, "U": int}
        exec("\n".join(factor.origin()), names)
        for line in factor.store("to", pitch):
            place = line.partition(" = ")[0].partition("[")[2][:-1]
            written.append(eval(place, names))
    start = tile.depth * pitch + tile.run
    assert sorted(written) == [start + k * pitch + i for k in range(tile.depth) for i in range(size)]
