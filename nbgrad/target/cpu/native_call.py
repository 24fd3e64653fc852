"""The native call, in words: a program is run on arrays, step by step, its scratch memory kept from call to call.

A program is an array of 64-bit words: how many arrays it takes, bytes of scratch, steps; then each step: its words
(see `make_step` in native.py).
"""

from .words import call, get, put, room, variables

# Where objects keep their type and arrays their data; functions of Python.
NDARRAY, TYPE, DATA, IS_SUBTYPE, BAD_ARGUMENT, NO_MEMORY, INCREF, SAVE, RESTORE, MALLOC, FREE, WORKSPACE = variables(12)
ARRAYS, SCRATCH, STEPS, FIRST_STEP = range(0, 8 * 4, 8)
KERNEL, TILES, LAUNCH, LAUNCH_STATE, POINTERS, WORDS, STEP_WORDS = range(0, 8 * 7, 8)
MEMORY, SIZE, TAKEN = range(0, 8 * 3, 8)  # words of the workspace
MOST_ARRAYS = 499
KEPT = 1 << 28  # bytes of scratch that are kept for the next program
LINE = 64


def call_program(self, args, given):
    """`call(program, *arrays)` as Python calls it: a receiver, the address of the arguments, how many there are."""
    if given < 1 or given > MOST_ARRAYS + 1 or get(get(args, 0), TYPE) != NDARRAY:
        call(BAD_ARGUMENT)
        return 0
    last = get(args, 0)
    program = get(last, DATA)
    if given != get(program, ARRAYS) + 1:
        call(BAD_ARGUMENT)
        return 0
    data = room(500)
    for i in range(given - 1):
        last = get(args, 8 + 8 * i)
        kind = get(last, TYPE)
        if kind != NDARRAY and call(IS_SUBTYPE, kind, NDARRAY) & 0xFFFFFFFF == 0:
            call(BAD_ARGUMENT)
            return 0
        put(data, 8 * i, get(last, DATA))
    if run(program, data) != 0:
        call(NO_MEMORY)
        return 0
    call(INCREF, last)
    return last


def run(program, arrays):
    """Run a program on data whose addresses stand at `arrays`; return -1 when there is no memory for its scratch."""
    need = get(program, SCRATCH)
    scratch, own = 0, 0
    if need != 0:
        scratch = work(need)
        if scratch == 0:
            own = call(MALLOC, need + LINE)
            if own == 0:
                return -1
            scratch = (own + LINE - 1) & -LINE
    block = room(480)
    step = program + FIRST_STEP
    for _ in range(get(program, STEPS)):
        pointers, words = get(step, POINTERS), get(step, WORDS)
        to = block
        for i in range(pointers):
            where = get(step, STEP_WORDS + 8 * i)
            put(to, 0, get(arrays, 8 * where) if where >= 0 else scratch - 1 - where)
            to += 8
        at = step + STEP_WORDS + 8 * pointers
        for i in range(words):
            put(to, 8 * i, get(at, 8 * i))
        tiles = get(step, TILES)
        if tiles == 1:
            call(get(step, KERNEL), block, 0)
        elif tiles > 1:
            thread = call(SAVE)
            call(get(step, LAUNCH), get(step, KERNEL), block, tiles, get(step, LAUNCH_STATE))
            call(RESTORE, thread)
        step = at + 8 * words
    if own != 0:
        call(FREE, own)
    elif need != 0:
        put(WORKSPACE, TAKEN, 0)
    return 0


def work(need):
    """Take the scratch memory that programs share, grown to `need` bytes; 0 when another thread has it."""
    if get(WORKSPACE, TAKEN) != 0 or need > KEPT:
        return 0
    if get(WORKSPACE, SIZE) < need:
        put(WORKSPACE, SIZE, 0)
        call(FREE, get(WORKSPACE, MEMORY))
        put(WORKSPACE, MEMORY, call(MALLOC, need + LINE))
        if get(WORKSPACE, MEMORY) == 0:
            return 0
        put(WORKSPACE, SIZE, need)
    put(WORKSPACE, TAKEN, 1)
    return (get(WORKSPACE, MEMORY) + LINE - 1) & -LINE
