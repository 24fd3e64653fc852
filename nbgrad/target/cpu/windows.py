"""The kernels of convolution: loops of `window_words.py` and `window_weights.py`, which call the innermost loops of one dtype."""

import functools
import inspect

import numpy as np

from ...plan.host import get_host
from . import window_blocks, window_ir, window_rows, window_weights, window_words
from .load import load_ir
from .words import Native

WRITERS = (
    window_blocks.positions, window_blocks.cells, window_blocks.dots, window_rows.frame, window_rows.clear, window_rows.put,
    window_rows.zero, window_rows.add_parts, window_rows.turn,
)  # fmt: skip
INNER = {write.__name__: write for write in WRITERS}
LOOPS = {  # kernel -> the innermost loops that it calls
    window_words.conv_weights: ("zero", "put", "turn"),
    window_words.conv_product: ("positions", "frame", "clear", "put"),
    window_words.conv_finished: ("positions", "frame", "clear", "put"),
    window_weights.conv_weight_sums: ("cells", "frame", "put", "turn"),
    window_weights.conv_weight_join: ("add_parts", "turn"),
    window_weights.conv_weight_dots: ("dots", "frame", "clear"),
    window_weights.conv_weight_add: ("add_parts",),
}
NAMES = {f.__name__: f for f in LOOPS}


@functools.cache
def window_address(loop: str, dtype: str) -> int:
    """Return the address of one of `LOOPS` for arrays of a dtype, compiled or read from the cache."""
    kernel = NAMES[loop]
    values = {name.upper(): inner_address(name, dtype) for name in LOOPS[kernel]}
    values["BYTES"] = np.dtype(dtype).itemsize
    return Native(f"{loop}_{dtype}", [kernel], values).address(loop)


def inner_ir(name: str, dtype: str, width: int, registers: int) -> str:
    """Return the module of LLVM IR of one innermost loop.

    Parameters
    ----------
    name : str
        One of `INNER`.
    dtype : str
        A dtype of numbers.
    width, registers : int
        Bytes of a vector, and how many the machine holds: 64 and 32 (AVX-512), 32 and 16 (AVX2), 16 and 32 (NEON).
    """
    writer = window_ir.Writer(dtype, width, registers)
    INNER[name](writer)
    return str(writer.module)


@functools.cache
def inner_address(name: str, dtype: str) -> int:
    """Return the address of an innermost loop; what the cache knows it by is the text that writes it."""
    host = get_host()
    shape = (name, dtype, host.vector_bytes, host.registers)
    text = "\n".join([str(shape), inspect.getsource(window_ir), inspect.getsource(inspect.getmodule(INNER[name]))])
    return load_ir(text, window_ir.symbol(name, dtype), make=lambda: inner_ir(*shape))
