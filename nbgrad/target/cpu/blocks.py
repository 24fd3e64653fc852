"""Memory of large arrays, in words: what one array gives back, the next of its size takes.

A new page of memory costs the system more than most kernels spend on it, and vectors at addresses that are no multiples
of 64 bytes lie in two lines of the cache each. NumPy calls these functions with Python's lock held (its NEP 49).
"""

from .native_call import DATA, FREE, INCREF, MALLOC, NDARRAY
from .words import call, get, put, variables

# A table of blocks that wait for their next array, the oldest first; functions of C.
KEPT, MOVE, CLEAR, ADVISE = variables(4)
# NumPy's functions that make an array and set what gives it memory; our handler, which names the functions below.
NEW_ARRAY, SET_HANDLER, HANDLER, DECREF = variables(4)
COUNT, BYTES, MOST_BYTES, FIRST = range(0, 8 * 4, 8)  # of the table
ADDRESS, SIZE, SLOT = range(0, 8 * 3, 8)  # of a block in it, and in the head of the block
S_BYTES, S_NDIM, S_DIMS = range(0, 8 * 3, 8)  # of the specification of an array: the lengths of its axes come last
MOST_BLOCKS = 128
LINE, PAGE = 64, 4096
HEAD = 16  # bytes before a block: the address that the system gave, and the block's size
LEAST = 1 << 14  # bytes of an array from which this pays
HUGE, USE_HUGE = 1 << 22, 14  # bytes from which large pages are asked for, as NumPy does; MADV_HUGEPAGE


def new_array(descr, spec):
    """Return a new row-major array, or 0 when there is no memory."""
    call(INCREF, descr)
    if get(spec, S_BYTES) < LEAST:
        return call(NEW_ARRAY, NDARRAY, descr, get(spec, S_NDIM), spec + S_DIMS, 0, 0, 0, 0)
    before = call(SET_HANDLER, HANDLER)
    if before == 0:
        return 0
    made = call(NEW_ARRAY, NDARRAY, descr, get(spec, S_NDIM), spec + S_DIMS, 0, 0, 0, 0)
    call(DECREF, call(SET_HANDLER, before))
    call(DECREF, before)
    return made


def make_array(self, args, given):
    """`make_array(dtype, spec)` as Python calls it: the address of the arguments, how many there are."""
    return new_array(get(args, 0), get(get(args, 8), DATA))


def allocate(context, size):
    """Return memory for `size` bytes, 0 when there is none."""
    size = rounded(size)
    block = kept_block(size)
    return block if block != 0 else new_block(size)


def allocate_zeros(context, count, size):
    """Return cleared memory for `count` things of `size` bytes."""
    block = allocate(context, count * size)
    if block != 0:
        call(CLEAR, block, 0, count * size)
    return block


def reallocate(context, block, size):
    """Return memory for `size` bytes that begins as `block` does, and give that back."""
    made = allocate(context, size)
    if made != 0 and block != 0:
        before = get(block, SIZE - HEAD)
        call(MOVE, made, block, size if size < before else before)
        release(context, block, 0)
    return made


def release(context, block, size):
    """Keep a block for the next array, and give the oldest ones to the system when there are too many."""
    if block == 0:
        return 0
    size = get(block, SIZE - HEAD)
    if size > get(KEPT, MOST_BYTES):
        return call(FREE, get(block, ADDRESS - HEAD))
    while get(KEPT, COUNT) == MOST_BLOCKS or get(KEPT, BYTES) + size > get(KEPT, MOST_BYTES):
        call(FREE, get(taken(KEPT + FIRST), ADDRESS - HEAD))
    slot = KEPT + FIRST + SLOT * get(KEPT, COUNT)
    put(slot, ADDRESS, block)
    put(slot, SIZE, size)
    put(KEPT, COUNT, get(KEPT, COUNT) + 1)
    put(KEPT, BYTES, get(KEPT, BYTES) + size)
    return 0


def kept_block(size):
    """Return the block of this size that was given back last: the likeliest to be in the cache; 0 when there is none."""
    slot = KEPT + FIRST + SLOT * get(KEPT, COUNT)
    for _ in range(get(KEPT, COUNT)):
        slot -= SLOT
        if get(slot, SIZE) == size:
            return taken(slot)
    return 0


def taken(slot):
    """Take a block out of the table."""
    block, end = get(slot, ADDRESS), KEPT + FIRST + SLOT * get(KEPT, COUNT)
    put(KEPT, COUNT, get(KEPT, COUNT) - 1)
    put(KEPT, BYTES, get(KEPT, BYTES) - get(slot, SIZE))
    call(MOVE, slot, slot + SLOT, end - slot - SLOT)
    return block


def new_block(size):
    """Ask the system for a block."""
    whole = call(MALLOC, size + LINE + HEAD)
    if whole == 0:
        return 0
    block = (whole + HEAD + LINE - 1) & -LINE
    put(block, ADDRESS - HEAD, whole)
    put(block, SIZE - HEAD, size)
    if size >= HUGE and ADVISE != 0:
        first = (block + PAGE - 1) & -PAGE
        call(ADVISE, first, (block + size - first) & -PAGE, USE_HUGE)
    return block


def rounded(size):
    """Return the size of the block for an array: its first four bits stay, so that arrays of similar sizes share blocks."""
    step = LINE
    while step << 4 < size:
        step = step << 1
    return (size + step - 1) & -step
