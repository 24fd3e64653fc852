"""The eager road in machine code: from a call in Python to a running kernel, a tensor and a node, and back.

Each function here takes Python objects as the words of their addresses. What it does not know (a layout that was never
seen, a row with attributes, an anomaly to look for) it leaves to the same road in Python, and returns 0; after that
Python teaches it (see road.py). It returns -1 when Python has an exception set.

A state holds what all of them read; `s + NAME` is the address of one of its words.
"""

from .loops_call import run

(
    WATCHED, TENSOR, NODE, NDARRAY, TUPLE, NONE, TRUE, FLOAT, INT, RECORDING, ON, SLOTS, FIND_PLACE, ADD, ADD_SLOWLY,
    TYPE, ARRAY_DATA, T_DATA, T_NODE, T_BASE, T_VERSION, T_SEEN, T_KEY, T_KEYED,
    N_OP, N_INPUTS, N_ATTRS, N_SHAPE, N_DTYPE, N_SHAPES, N_HELD, N_GRAD, N_SHOWN, N_SLOT, N_PLACE, N_RECORD, N_MARK,
    TABLE, CONSTANTS, CODES, ZERO, FREED, CALL_STATE, NO_MEMORY, NEW_ARRAY, ALLOCATE, INCREF, DECREF, GET_ATTRIBUTE, NEXT, CALL, CALL_MANY,
    NEW_TUPLE, SET_ITEM, GET_ITEM, TUPLE_SIZE, NEW_LIST, SET_IN_LIST, LIST_ITEM, LIST_SIZE, APPEND, AS_INT, FROM_INT, IN_SET,
    DICT_ITEM, SET_DICT_ITEM, FRAME, FRAME_CODE, FRAME_AT, FRAME_BACK,
    STATE_END,
) = range(0, 8 * 71, 8)  # fmt: skip
# An entry: what is known of a row on arguments of certain layouts. RECORDS: per set of inputs with a node, a record.
E_OP, E_A, E_B, E_C, E_PROGRAM, E_DESCR, E_NDIM, E_DIMS, E_KEY, E_SCALAR, E_IS_FLOAT, E_COUNT, E_RECORDS = range(0, 8 * 13, 8)
# A record: what the nodes of such a call share. PULLS: how a gradient goes back, -1 until Python did it once.
(
    R_NUMBER, R_OP, R_SHAPE, R_DTYPE, R_SHAPES, R_NAMES, R_SOURCE_0, R_SOURCE_1, R_SOURCE_2, R_SOURCE_3, R_ACTIVE, R_KEY,
    R_ATTRS, R_PULLS, R_FIRST_PULL,
) = range(0, 8 * 15, 8)  # fmt: skip
(
    P_INPUT, P_PROGRAM, P_DESCR, P_NDIM, P_DIMS, P_KEY, P_COUNT, P_OPERAND_0, P_OPERAND_1, P_OPERAND_2, P_OPERAND_3,
    PULL_BYTES,
) = range(0, 8 * 12, 8)  # fmt: skip
TABLE_MASK, CONSTANT_MASK, CODE_MASK, PROBES = (1 << 14) - 1, (1 << 10) - 1, (1 << 9) - 1, 16
USERS, INSIDE = 1, 2  # kinds of code: where a line is the user's, and what stands between
GRADIENT = -1  # an operand of a pull; numbers from 0 are kept values, others addresses of arrays
NOT_RECORDED = -1
MOST_FRAMES = 60
SPACE = 64  # where a loop's own block has room for the addresses of arrays


def road_apply(args, tile):
    """Run an elementwise row. Words: state, row, three arguments (0 where there is none); the result replaces the first."""
    put(args, 0, apply(get(args, 0), args, get(args, 8), get(args, 16), get(args, 24), get(args, 32)))


def road_pull(args, tile):
    """`pull(node, gradient, dict of gradients, live nodes or None, keep)`: take a gradient through one node."""
    done = pull(get(args, 0), args, get(args, 16), get(args, 24), get(args, 32), get(args, 40), get(args, 48))
    put(args, 0, answer(get(args, 0), done))


def road_reach(args, tile):
    """`reach(nodes, first slot, mark)`: append to a list of nodes what they were made from; the mark is a new object."""
    put(args, 0, answer(get(args, 0), reach(get(args, 0), get(args, 16), get(args, 24), get(args, 32))))


def answer(s, done):
    """Return True or None for 1 or 0, and 0, by which Python knows that it has an exception, for -1."""
    if done == -1:
        return 0
    said = get(s, TRUE) if done == 1 else get(s, NONE)
    call1(get(s, INCREF), said)
    return said


def apply(s, args, row, a, b, c):
    if get(s, WATCHED) != 0:
        return 0
    key_a, key_b, key_c = layout_of(s, a), 0, 0
    if key_a == 0:
        return 0
    if b != 0:
        key_b = layout_of(s, b)
        if key_b == 0:
            return 0
    if c != 0:
        key_c = layout_of(s, c)
        if key_c == 0:
            return 0
    entry = entry_of(s, row, key_a, key_b, key_c)
    if entry == 0:
        return 0
    a, b, c = tensor_of(s, a, entry), tensor_of(s, b, entry), tensor_of(s, c, entry)
    if a == -1 or b == -1 or c == -1:
        return 0
    nothing = get(s, NONE)
    node_a, node_b, node_c = node_of(s, a), node_of(s, b), node_of(s, c)
    if node_a == 0 or node_b == 0 or node_c == 0:
        return 0
    active = (node_a != nothing) + 2 * (node_b != nothing) + 4 * (node_c != nothing)
    record = 0
    if active != 0 and get(entry, E_IS_FLOAT) != 0:
        on = call2(get(s, GET_ATTRIBUTE), get(s, RECORDING), get(s, ON))
        if on == 0:
            return -1
        call1(get(s, DECREF), on)
        if on == get(s, TRUE):
            record = get(entry, E_RECORDS + 8 * active)
            if record == 0:
                return 0
    key, count = get(entry, E_KEY), get(entry, E_COUNT)
    inputs = 0
    if record != 0 and record != NOT_RECORDED:
        wanted = get(get(record, get(s, ARRAY_DATA)), R_ACTIVE)
        inputs = call1(get(s, NEW_TUPLE), count)
        share_item(s, inputs, 0, node_a if wanted & 1 else nothing)
        if count > 1:
            share_item(s, inputs, 1, node_b if wanted & 2 else nothing)
        if count > 2:
            share_item(s, inputs, 2, node_c if wanted & 4 else nothing)
    made = new_array(s, get(entry, E_DESCR), get(entry, E_NDIM), get(entry, E_DIMS))
    if made == 0:
        if inputs != 0:
            call1(get(s, DECREF), inputs)
        return -1
    at_data = get(s, T_DATA)
    memory = get(s, ARRAY_DATA)
    put(args, SPACE, get(get(a, at_data), memory))
    if count > 1:
        put(args, SPACE + 8, get(get(b, at_data), memory))
    if count > 2:
        put(args, SPACE + 16, get(get(c, at_data), memory))
    put(args, SPACE + 8 * count, get(made, memory))
    if run(get(s, CALL_STATE), get(entry, E_PROGRAM), args + SPACE) != 0:
        call1(get(s, DECREF), made)
        if inputs != 0:
            call1(get(s, DECREF), inputs)
        return call0(get(s, NO_MEMORY)) - 1
    t = new_tensor(s, made, key)
    if inputs != 0:
        node = new_node(s, record, inputs, t, a, b, c)
        put(t, get(s, T_NODE), node)
        call1(get(s, DECREF), nothing)
    return t


def layout_of(s, x):
    """Return what stands for the layout of an argument: its key, or the type of a Python number; 0 if unknown."""
    kind = get(x, get(s, TYPE))
    if kind == get(s, TENSOR):
        return get(x, get(s, T_KEY)) if get(x, get(s, T_KEYED)) == get(x, get(s, T_DATA)) else 0
    return kind if kind == get(s, FLOAT) or kind == get(s, INT) else 0


def entry_of(s, row, a, b, c):
    """Return the entry of a row on these layouts, or 0."""
    at = place_in_table(row, a, b, c)
    for _ in range(PROBES):
        entry = get(get(s, TABLE), 8 * (at & TABLE_MASK))
        if entry == 0:
            return 0
        if get(entry, E_OP) == row and get(entry, E_A) == a and get(entry, E_B) == b and get(entry, E_C) == c:
            return entry
        at += 1
    return 0


def place_in_table(row, a, b, c):
    """Mix addresses into one number; addresses end in zeros."""
    mixed = (row >> 4) * 40503 + (a >> 4) * 30011 + (b >> 4) * 50021 + (c >> 4) * 60013
    return (mixed ^ (mixed >> 14)) & TABLE_MASK


def tensor_of(s, x, entry):
    """Return an argument as a tensor: a Python number as the constant that Python made of it, or -1; 0 stays 0."""
    if x == 0 or get(x, get(s, TYPE)) == get(s, TENSOR):
        return x
    dtype = get(entry, E_SCALAR)
    at = get(s, CONSTANTS) + 24 * (((x >> 4) ^ (dtype >> 5)) & CONSTANT_MASK)
    return get(at, 16) if get(at, 0) == x and get(at, 8) == dtype else -1


def node_of(s, t):
    """Return the node of a tensor, None where there is none; 0 for a view whose memory was written meanwhile."""
    if t == 0:
        return get(s, NONE)
    if get(t, get(s, T_BASE)) != get(s, NONE):
        if call2(get(s, LIST_ITEM), get(t, get(s, T_VERSION)), 0) != get(t, get(s, T_SEEN)):
            return 0
    return get(t, get(s, T_NODE))


def new_array(s, descr, ndim, dims):
    """Return a new row-major array, or 0 when there is no memory."""
    call1(get(s, INCREF), descr)
    return call8(get(s, NEW_ARRAY), get(s, NDARRAY), descr, ndim, dims, 0, 0, 0, 0)


def new_tensor(s, made, key):
    """Return a tensor without history that owns the array `made`."""
    t = call2(get(s, ALLOCATE), get(s, TENSOR), 0)
    nothing, increase = get(s, NONE), get(s, INCREF)
    put(t, get(s, T_DATA), made)
    put(t, get(s, T_KEYED), made)
    put(t, get(s, T_KEY), key)
    put(t, get(s, T_NODE), nothing)
    put(t, get(s, T_BASE), nothing)
    put(t, get(s, T_VERSION), nothing)
    put(t, get(s, T_SEEN), get(s, ZERO))
    call1(increase, made)
    call1(increase, key)
    call1(increase, nothing)
    call1(increase, nothing)
    call1(increase, nothing)
    call1(increase, get(s, ZERO))
    return t


def new_node(s, record, inputs, t, a, b, c):
    """Return the node of a call; it owns `inputs`."""
    n = call2(get(s, ALLOCATE), get(s, NODE), 0)
    words = get(record, get(s, ARRAY_DATA))
    share(s, n, N_OP, get(words, R_OP))
    share(s, n, N_SHAPE, get(words, R_SHAPE))
    share(s, n, N_DTYPE, get(words, R_DTYPE))
    share(s, n, N_SHAPES, get(words, R_SHAPES))
    share(s, n, N_ATTRS, get(words, R_ATTRS))
    share(s, n, N_GRAD, get(s, NONE))
    share(s, n, N_SHOWN, get(s, NONE))
    share(s, n, N_RECORD, record)
    names = get(words, R_NAMES)
    held = call1(get(s, NEW_TUPLE), 3 * names)
    for i in range(names):
        source = get(words, R_SOURCE_0 + 8 * i)
        x = t if source < 0 else a if source == 0 else b if source == 1 else c
        version = version_of(s, x)
        share_item(s, held, 3 * i, get(x, get(s, T_DATA)))
        share_item(s, held, 3 * i + 1, version)
        share_item(s, held, 3 * i + 2, call2(get(s, LIST_ITEM), version, 0))
    put(n, get(s, N_INPUTS), inputs)
    put(n, get(s, N_HELD), held)
    put(n, get(s, N_SLOT), call1(get(s, NEXT), get(s, SLOTS)))
    put(n, get(s, N_PLACE), place_of(s))
    return n


def share(s, x, slot, value):
    """Set a slot of a new object to a value that others hold, too."""
    call1(get(s, INCREF), value)
    put(x, get(s, slot), value)


def share_item(s, items, i, value):
    """Set an item of a new tuple to a value that others hold, too."""
    call1(get(s, INCREF), value)
    call3(get(s, SET_ITEM), items, i, value)


def version_of(s, t):
    """Return the counter of writes to the memory of a tensor, made when first asked for."""
    version = get(t, get(s, T_VERSION))
    if version == get(s, NONE):
        version = call1(get(s, NEW_LIST), 1)
        call1(get(s, INCREF), get(s, ZERO))
        call3(get(s, SET_IN_LIST), version, 0, get(s, ZERO))
        put(t, get(s, T_VERSION), version)
        call1(get(s, DECREF), get(s, NONE))
    return version


def place_of(s):
    """Return (code, instruction) of the user's line that runs, found among the frames; Python is asked about new code."""
    frame, owned = 0, False
    if get(s, FRAME_AT) != 0:
        frame = call0(get(s, FRAME))
    for _ in range(MOST_FRAMES):
        if frame == 0:
            break
        code = call1(get(s, FRAME_CODE), frame)
        call1(get(s, DECREF), code)
        at = get(s, CODES) + 16 * ((code >> 4) & CODE_MASK)
        kind = get(at, 8) if get(at, 0) == code else 0
        if kind == INSIDE:
            back = call1(get(s, FRAME_BACK), frame)
            if owned:
                call1(get(s, DECREF), frame)
            frame, owned = back, True
            continue
        if kind != USERS:
            break
        place = call1(get(s, NEW_TUPLE), 2)
        share_item(s, place, 0, code)
        call3(get(s, SET_ITEM), place, 1, call1(get(s, FROM_INT), call1(get(s, FRAME_AT), frame) & 0x7FFFFFFF))
        if owned:
            call1(get(s, DECREF), frame)
        return place
    if owned and frame != 0:
        call1(get(s, DECREF), frame)
    return call1(get(s, CALL), get(s, FIND_PLACE))


def pull(s, args, node, g, grads, live, keep):
    nothing, data = get(s, NONE), get(s, ARRAY_DATA)
    record, held = get(node, get(s, N_RECORD)), get(node, get(s, N_HELD))
    if record == 0 or record == nothing or get(held, get(s, TYPE)) != get(s, TUPLE) or get(s, WATCHED) != 0:
        return 0
    words = get(record, data)
    if get(words, R_PULLS) < 0 or layout_of(s, g) != get(words, R_KEY) or get(g, get(s, T_NODE)) != nothing:
        return 0
    for i in range(get(words, R_NAMES)):
        version = call2(get(s, GET_ITEM), held, 3 * i + 1)
        if call2(get(s, LIST_ITEM), version, 0) != call2(get(s, GET_ITEM), held, 3 * i + 2):
            return 0
    for i in range(get(words, R_PULLS)):
        way = words + R_FIRST_PULL + i * PULL_BYTES
        source = call2(get(s, GET_ITEM), get(node, get(s, N_INPUTS)), get(way, P_INPUT))
        if live != nothing and call2(get(s, IN_SET), live, source) & 0xFFFFFFFF != 1:
            continue
        part = partial_of(s, args, way, g, held)
        if part == -1:
            return -1
        if add_to(s, args, grads, source, part) == -1:
            return -1
    if keep != get(s, TRUE):
        call1(get(s, INCREF), get(s, FREED))
        put(node, get(s, N_HELD), get(s, FREED))
        call1(get(s, DECREF), held)
    return 1


def partial_of(s, args, way, g, held):
    """Return the gradient of one input: that of the output as it is, or through a kernel."""
    program = get(way, P_PROGRAM)
    if program == 0:
        call1(get(s, INCREF), g)
        return g
    made = new_array(s, get(way, P_DESCR), get(way, P_NDIM), get(way, P_DIMS))
    if made == 0:
        return -1
    count, key = get(way, P_COUNT), get(way, P_KEY)
    memory = get(s, ARRAY_DATA)
    for i in range(count):
        operand = get(way, P_OPERAND_0 + 8 * i)
        if operand == GRADIENT:
            operand = get(g, get(s, T_DATA))
        elif operand < 4:
            operand = call2(get(s, GET_ITEM), held, 3 * operand)
        put(args, SPACE + 8 * i, get(operand, memory))
    put(args, SPACE + 8 * count, get(made, memory))
    if run(get(s, CALL_STATE), program, args + SPACE) != 0:
        call1(get(s, DECREF), made)
        return call0(get(s, NO_MEMORY)) - 1
    return new_tensor(s, made, key)


def add_to(s, args, grads, source, part):
    """Add a gradient, which is given away, to that of a node; return -1 where Python raised."""
    before = call2(get(s, DICT_ITEM), grads, source)
    if before != 0:
        total = apply(s, args, get(s, ADD), before, part, 0)
        if total == 0:
            put(args, SPACE, before)
            put(args, SPACE + 8, part)
            total = call4(get(s, CALL_MANY), get(s, ADD_SLOWLY), args + SPACE, 2, 0)
        call1(get(s, DECREF), part)
        if total == -1 or total == 0:
            return -1
        part = total
    done = call3(get(s, SET_DICT_ITEM), grads, source, part) & 0xFFFFFFFF
    call1(get(s, DECREF), part)
    return -1 if done != 0 else 0


def reach(s, nodes, since, mark):
    first = call1(get(s, AS_INT), since)
    i = 0
    for k in range(call1(get(s, LIST_SIZE), nodes)):
        set_mark(s, call2(get(s, LIST_ITEM), nodes, k), mark)
    while i < call1(get(s, LIST_SIZE), nodes):
        node = call2(get(s, LIST_ITEM), nodes, i)
        i += 1
        inputs = get(node, get(s, N_INPUTS))
        if call1(get(s, AS_INT), get(node, get(s, N_SLOT))) < first:
            continue
        for k in range(call1(get(s, TUPLE_SIZE), inputs)):
            source = call2(get(s, GET_ITEM), inputs, k)
            if source != get(s, NONE) and get(source, get(s, N_MARK)) != mark:
                set_mark(s, source, mark)
                call2(get(s, APPEND), nodes, source)
    return 1


def set_mark(s, node, mark):
    """Say that a node is listed: marks are objects of their own, so that nothing has to be wiped out afterwards."""
    before = get(node, get(s, N_MARK))
    call1(get(s, INCREF), mark)
    put(node, get(s, N_MARK), mark)
    if before != 0:
        call1(get(s, DECREF), before)


HELPERS = {
    "road_apply": ("road_words.py", apply), "road_pull": ("road_words.py", pull, answer),
    "road_reach": ("road_words.py", reach, answer),
}  # fmt: skip
