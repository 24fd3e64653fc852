from nbgrad.target.cpu import native_road as road


def test_the_place_in_the_table_is_that_of_machine_code():
    """Python writes the table and machine code reads it: a product that overflowed would part them."""
    top = (1 << 47) - 16
    assert 0 <= road.place_in_table(top, top, top, top) <= road.TABLE_MASK
    mixed = (top >> 4) * (40503 + 30011 + 50021 + 60013)
    assert mixed < 1 << 63
