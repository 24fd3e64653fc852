"""The native call: a program is run on arrays, step by step, with one piece of memory for all that lies between.

A program is an array of 64-bit words: how many arrays it takes, bytes of scratch, steps; then each step: its words
(see `make_program` in native.py). Its state is made there, too.
"""

(
    C_NDARRAY, C_TYPE, C_DATA, C_IS_SUBTYPE, C_BAD_ARGUMENT, C_NO_MEMORY, C_INCREF, C_SAVE, C_RESTORE, C_ALLOCATE, C_FREE,
    WORK, WORK_SIZE, WORK_TAKEN, C_END,
) = range(0, 8 * 15, 8)  # fmt: skip
ARRAYS, SCRATCH, STEPS, FIRST_STEP = range(0, 8 * 4, 8)
KERNEL, TILES, LAUNCH, LAUNCH_STATE, POINTERS, WORDS, STEP_WORDS = range(0, 8 * 7, 8)
MOST_ARGUMENTS = 500
KEPT = 1 << 28  # bytes of scratch that are kept for the next program
LINE = 64


def native_call(args, tile):
    """`call(program, *arrays)`. Words: state, number of arguments, the arguments; the result replaces the first."""
    put(args, 0, call_program(get(args, 0), args, get(args, 8)))


def call_program(s, args, given):
    if given < 1 or given > MOST_ARGUMENTS or get(get(args, 16), get(s, C_TYPE)) != get(s, C_NDARRAY):
        call0(get(s, C_BAD_ARGUMENT))
        return 0
    last = get(args, 16)
    program = get(last, get(s, C_DATA))
    if given != get(program, ARRAYS) + 1:
        call0(get(s, C_BAD_ARGUMENT))
        return 0
    for i in range(given - 1):
        last = get(args, 24 + 8 * i)
        kind = get(last, get(s, C_TYPE))
        if kind != get(s, C_NDARRAY) and call2(get(s, C_IS_SUBTYPE), kind, get(s, C_NDARRAY)) & 0xFFFFFFFF == 0:
            call0(get(s, C_BAD_ARGUMENT))
            return 0
        put(args, 24 + 8 * i, get(last, get(s, C_DATA)))
    if run(s, program, args + 24) != 0:
        call0(get(s, C_NO_MEMORY))
        return 0
    call1(get(s, C_INCREF), last)
    return last


def run(s, program, arrays):
    """Run a program on data whose addresses stand at `arrays`; return -1 when there is no memory for its scratch."""
    need = get(program, SCRATCH)
    scratch, own = 0, 0
    if need != 0:
        scratch = work(s, need)
        if scratch == 0:
            own = call1(get(s, C_ALLOCATE), need + LINE)
            if own == 0:
                return -1
            scratch = (own + LINE - 1) & -LINE
    block = room()
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
            call2(get(step, KERNEL), block, 0)
        elif tiles > 1:
            thread = call0(get(s, C_SAVE))
            call4(get(step, LAUNCH), get(step, KERNEL), block, tiles, get(step, LAUNCH_STATE))
            call1(get(s, C_RESTORE), thread)
        step = at + 8 * words
    if own != 0:
        call1(get(s, C_FREE), own)
    elif need != 0:
        put(s, WORK_TAKEN, 0)
    return 0


def work(s, need):
    """Take the scratch memory that programs share, grown to `need` bytes; 0 when another thread has it."""
    if get(s, WORK_TAKEN) != 0 or need > KEPT:
        return 0
    if get(s, WORK_SIZE) < need:
        put(s, WORK_SIZE, 0)
        call1(get(s, C_FREE), get(s, WORK))
        put(s, WORK, call1(get(s, C_ALLOCATE), need + LINE))
        if get(s, WORK) == 0:
            return 0
        put(s, WORK_SIZE, need)
    put(s, WORK_TAKEN, 1)
    return (get(s, WORK) + LINE - 1) & -LINE


HELPERS = {"native_call": ("road_words.py", call_program)}
