"""What plans know of the machine: its vector registers and caches. The target says which; plans only read it."""

from typing import NamedTuple

import numpy as np


class Host(NamedTuple):
    """A processor, as far as the shape of a product depends on it.

    vector_bytes, registers : size and number of the vector registers;
    level1, level2 : bytes of the caches that one core has for itself.
    """

    vector_bytes: int = 16
    registers: int = 16
    level1: int = 32768
    level2: int = 524288


_host = [Host()]


def set_host(host: Host) -> None:
    """Plan for this machine from now on; plans that were made stay as they are."""
    _host[0] = host


def get_host() -> Host:
    """Return the machine that is planned for.

    >>> get_host().vector_bytes in (16, 32, 64)
    True
    """
    return _host[0]


def block_shape(dtype: str) -> tuple:
    """Return rows, vectors and bytes of a vector of the block of sums that a micro-kernel holds in registers.

    Two vectors of columns and as many rows as leave room for the operands: 24 of 32 registers or 12 of 16 are sums.
    """
    host = get_host()
    return (12 if host.registers >= 32 else 6), 2, host.vector_bytes


def block_columns(dtype: str) -> int:
    """Return the columns of the block: the width of a sliver of the right factor.

    >>> block_columns("float32") == 2 * block_columns("float64")
    True
    """
    _, vectors, width = block_shape(dtype)
    return vectors * width // np.dtype(dtype).itemsize
