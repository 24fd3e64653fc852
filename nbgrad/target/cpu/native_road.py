"""The eager road, in words: from a call in Python to a running kernel, a tensor and a node, and back along the tape.

What it does not know (a layout that was never seen, a row with attributes, an anomaly to look for) it leaves to the
same road in Python, which then teaches it (see road.py). Names in capitals without a prefix are objects and functions of
Python; with a prefix they are places: T_ and N_ in tensors and nodes, E_, R_ and P_ in entries, records and pulls.
"""

from .native_call import DATA, FREE, INCREF, MALLOC, NDARRAY, NO_MEMORY, TYPE, run
from .words import call, get, put, room, variables

# fmt: off
(
    WATCHED, TENSOR, NODE, TUPLE, NONE, TRUE, FLOAT, INT, RECORDING, ON, SLOTS, FIND_PLACE, ADD, ADD_SLOWLY, ZERO, FREED,
    TABLE, CONSTANTS, CODES, METHODS,
    NEW_ARRAY, ALLOCATE, DECREF, GET_ATTRIBUTE, NEXT, CALL, CALL_MANY, NEW_TUPLE, SET_ITEM, GET_ITEM, TUPLE_SIZE, NEW_LIST,
    SET_IN_LIST, LIST_ITEM, LIST_SIZE, APPEND, AS_INT, FROM_INT, IN_SET, DICT_ITEM, SET_DICT_ITEM, FRAME, FRAME_CODE,
    FRAME_AT, FRAME_BACK,
) = variables(45)
T_DATA, T_NODE, T_BASE, T_VERSION, T_SEEN, T_KEY, T_KEYED = variables(7)
(
    N_OP, N_INPUTS, N_ATTRS, N_SHAPE, N_DTYPE, N_SHAPES, N_HELD, N_GRAD, N_SHOWN, N_SLOT, N_PLACE, N_RECORD, N_MARK,
) = variables(13)
# An entry: what is known of a row on arguments of certain layouts. RECORDS: per set of inputs with a node, a record.
E_OP, E_A, E_B, E_C, E_PROGRAM, E_DESCR, E_NDIM, E_DIMS, E_KEY, E_SCALAR, E_IS_FLOAT, E_COUNT, E_RECORDS = range(0, 8 * 13, 8)
# A record: what the nodes of such a call share. PULLS: how many ways back there are, below 0 while Python goes them.
(
    R_NUMBER, R_OP, R_SHAPE, R_DTYPE, R_SHAPES, R_NAMES, R_SOURCE_0, R_SOURCE_1, R_SOURCE_2, R_SOURCE_3, R_ACTIVE, R_KEY,
    R_ATTRS, R_PULLS, R_FIRST_PULL,
) = range(0, 8 * 15, 8)
(
    P_INPUT, P_PROGRAM, P_DESCR, P_NDIM, P_DIMS, P_KEY, P_COUNT, P_OPERAND_0, P_OPERAND_1, P_OPERAND_2, P_OPERAND_3,
    PULL_BYTES,
) = range(0, 8 * 12, 8)
# fmt: on
TABLE_MASK, CONSTANT_MASK, CODE_MASK, PROBES = (1 << 14) - 1, (1 << 10) - 1, (1 << 9) - 1, 16
USERS, INSIDE = 1, 2  # kinds of code: where a line is the user's, and what stands between
GRADIENT = -1  # an operand of a pull; numbers from 0 are kept values, others addresses of arrays
NOT_RECORDED = -1
MOST_FRAMES = 60


def binary(self, other, method):
    """An operator of two operands: the row at once, or the slow method; as Python calls METH_O."""
    return answer(apply(get(METHODS, 16 * method), self, other, 0), self, other, 2, method)


def swapped(self, other, method):
    """An operator whose row takes the operands the other way round."""
    return answer(apply(get(METHODS, 16 * method), other, self, 0), self, other, 2, method)


def unary(self, nothing, method):
    """An operator of one operand; as Python calls METH_NOARGS."""
    return answer(apply(get(METHODS, 16 * method), self, 0, 0), self, 0, 1, method)


def answer(done, self, other, count, method):
    """Return what the road made, or what the slow method makes."""
    if done == -1:
        return 0
    if done != 0:
        return done
    operands = room(2)
    put(operands, 0, self)
    put(operands, 8, other)
    return call(CALL_MANY, get(METHODS, 16 * method + 8), operands, count, 0)


def call_row(self, args, given, names, method):
    """The call of a row, `row(x, y)`, as Python calls METH_FASTCALL | METH_KEYWORDS: at once when all is by place."""
    if names == 0 and given > 0 and given < 4:
        b = get(args, 8) if given > 1 else 0
        c = get(args, 16) if given > 2 else 0
        done = apply(self, get(args, 0), b, c)
        if done == -1:
            return 0
        if done != 0:
            return done
    count = given
    if names != 0:
        count += call(TUPLE_SIZE, names)
    values = room(64)
    if count > 63:
        values = call(MALLOC, 8 * count + 8)
        if values == 0:
            return call(NO_MEMORY)
    put(values, 0, self)
    for i in range(count):
        put(values, 8 * i + 8, get(args, 8 * i))
    done = call(CALL_MANY, get(METHODS, 16 * method + 8), values, given + 1, names)
    if count > 63:
        call(FREE, values)
    return done


def apply(row, a, b, c):
    """Run an elementwise row, or one that was taught, on up to three arguments (0 where there is none).

    Returns a new tensor; 0 when Python must see to it, -1 when Python has an exception set.
    """
    if WATCHED != 0:
        return 0
    key_a, key_b, key_c = layout_of(a), 0, 0
    if key_a == 0:
        return 0
    if b != 0:
        key_b = layout_of(b)
        if key_b == 0:
            return 0
    if c != 0:
        key_c = layout_of(c)
        if key_c == 0:
            return 0
    entry = entry_of(row, key_a, key_b, key_c)
    if entry == 0:
        return 0
    a, b, c = tensor_of(a, entry), tensor_of(b, entry), tensor_of(c, entry)
    if a == -1 or b == -1 or c == -1:
        return 0
    node_a, node_b, node_c = node_of(a), node_of(b), node_of(c)
    if node_a == 0 or node_b == 0 or node_c == 0:
        return 0
    active = (node_a != NONE) + 2 * (node_b != NONE) + 4 * (node_c != NONE)
    record = 0
    if active != 0 and get(entry, E_IS_FLOAT) != 0:
        on = call(GET_ATTRIBUTE, RECORDING, ON)
        if on == 0:
            return -1
        call(DECREF, on)
        if on == TRUE:
            record = get(entry, E_RECORDS + 8 * active)
            if record == 0:
                return 0
    key, count = get(entry, E_KEY), get(entry, E_COUNT)
    inputs = 0
    if record != 0 and record != NOT_RECORDED:
        wanted = get(get(record, DATA), R_ACTIVE)
        inputs = call(NEW_TUPLE, count)
        share_item(inputs, 0, node_a if wanted & 1 else NONE)
        if count > 1:
            share_item(inputs, 1, node_b if wanted & 2 else NONE)
        if count > 2:
            share_item(inputs, 2, node_c if wanted & 4 else NONE)
    made = new_array(get(entry, E_DESCR), get(entry, E_NDIM), get(entry, E_DIMS))
    if made == 0:
        if inputs != 0:
            call(DECREF, inputs)
        return -1
    space = room(4)
    put(space, 0, get(get(a, T_DATA), DATA))
    if count > 1:
        put(space, 8, get(get(b, T_DATA), DATA))
    if count > 2:
        put(space, 16, get(get(c, T_DATA), DATA))
    put(space, 8 * count, get(made, DATA))
    if run(get(entry, E_PROGRAM), space) != 0:
        call(DECREF, made)
        if inputs != 0:
            call(DECREF, inputs)
        return call(NO_MEMORY) - 1
    t = new_tensor(made, key)
    if inputs != 0:
        node = new_node(record, inputs, t, a, b, c)
        put(t, T_NODE, node)
        call(DECREF, NONE)
    return t


def layout_of(x):
    """Return what stands for the layout of an argument: its key, or the type of a Python number; 0 if unknown."""
    kind = get(x, TYPE)
    if kind == TENSOR:
        return get(x, T_KEY) if get(x, T_KEYED) == get(x, T_DATA) else 0
    return kind if kind == FLOAT or kind == INT else 0


def entry_of(row, a, b, c):
    """Return the entry of a row on these layouts, or 0."""
    at = place_in_table(row, a, b, c)
    for _ in range(PROBES):
        entry = get(TABLE, 8 * (at & TABLE_MASK))
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


def tensor_of(x, entry):
    """Return an argument as a tensor: a Python number as the constant that Python made of it, or -1; 0 stays 0."""
    if x == 0 or get(x, TYPE) == TENSOR:
        return x
    dtype = get(entry, E_SCALAR)
    at = CONSTANTS + 24 * (((x >> 4) ^ (dtype >> 5)) & CONSTANT_MASK)
    return get(at, 16) if get(at, 0) == x and get(at, 8) == dtype else -1


def node_of(t):
    """Return the node of a tensor, None where there is none; 0 for a view whose memory was written meanwhile."""
    if t == 0:
        return NONE
    if get(t, T_BASE) != NONE:
        if call(LIST_ITEM, get(t, T_VERSION), 0) != get(t, T_SEEN):
            return 0
    return get(t, T_NODE)


def new_array(descr, ndim, dims):
    """Return a new row-major array, or 0 when there is no memory."""
    call(INCREF, descr)
    return call(NEW_ARRAY, NDARRAY, descr, ndim, dims, 0, 0, 0, 0)


def new_tensor(made, key):
    """Return a tensor without history that owns the array `made`."""
    t = call(ALLOCATE, TENSOR, 0)
    put(t, T_DATA, made)
    share(t, T_KEYED, made)
    share(t, T_KEY, key)
    share(t, T_NODE, NONE)
    share(t, T_BASE, NONE)
    share(t, T_VERSION, NONE)
    share(t, T_SEEN, ZERO)
    return t


def new_node(record, inputs, t, a, b, c):
    """Return the node of a call; it owns `inputs`."""
    n = call(ALLOCATE, NODE, 0)
    words = get(record, DATA)
    share(n, N_OP, get(words, R_OP))
    share(n, N_SHAPE, get(words, R_SHAPE))
    share(n, N_DTYPE, get(words, R_DTYPE))
    share(n, N_SHAPES, get(words, R_SHAPES))
    share(n, N_ATTRS, get(words, R_ATTRS))
    share(n, N_GRAD, NONE)
    share(n, N_SHOWN, NONE)
    share(n, N_RECORD, record)
    names = get(words, R_NAMES)
    held = call(NEW_TUPLE, 3 * names)
    for i in range(names):
        source = get(words, R_SOURCE_0 + 8 * i)
        x = t if source < 0 else a if source == 0 else b if source == 1 else c
        version = version_of(x)
        share_item(held, 3 * i, get(x, T_DATA))
        share_item(held, 3 * i + 1, version)
        share_item(held, 3 * i + 2, call(LIST_ITEM, version, 0))
    put(n, N_INPUTS, inputs)
    put(n, N_HELD, held)
    put(n, N_SLOT, call(NEXT, SLOTS))
    put(n, N_PLACE, place_of())
    return n


def new_reference(x):
    call(INCREF, x)
    return x


def share(x, slot, value):
    """Set a slot of a new object to a value that others hold, too."""
    call(INCREF, value)
    put(x, slot, value)


def share_item(items, i, value):
    """Set an item of a new tuple to a value that others hold, too."""
    call(INCREF, value)
    call(SET_ITEM, items, i, value)


def version_of(t):
    """Return the counter of writes to the memory of a tensor, made when first asked for."""
    version = get(t, T_VERSION)
    if version == NONE:
        version = call(NEW_LIST, 1)
        call(INCREF, ZERO)
        call(SET_IN_LIST, version, 0, ZERO)
        put(t, T_VERSION, version)
        call(DECREF, NONE)
    return version


def place_of():
    """Return (code, instruction) of the user's line that runs, found among the frames; Python is asked about new code."""
    frame, owned = 0, 0
    if FRAME_AT != 0:
        frame = call(FRAME)
    for _ in range(MOST_FRAMES):
        if frame == 0:
            break
        code = call(FRAME_CODE, frame)
        call(DECREF, code)
        at = CODES + 16 * ((code >> 4) & CODE_MASK)
        kind = get(at, 8) if get(at, 0) == code else 0
        if kind == INSIDE:
            back = call(FRAME_BACK, frame)
            if owned:
                call(DECREF, frame)
            frame, owned = back, 1
            continue
        if kind != USERS:
            break
        place = call(NEW_TUPLE, 2)
        share_item(place, 0, code)
        call(SET_ITEM, place, 1, call(FROM_INT, call(FRAME_AT, frame) & 0x7FFFFFFF))
        if owned:
            call(DECREF, frame)
        return place
    if owned and frame != 0:
        call(DECREF, frame)
    return call(CALL, FIND_PLACE)


def pull(self, args, given):
    """`pull(node, g, grads, live, keep)`: take a gradient through one node, True; None when Python must see to it.

    `grads` is a dict node -> gradient, `live` a set of nodes or None for all.
    """
    done = take_back(get(args, 0), get(args, 8), get(args, 16), get(args, 24), get(args, 32))
    return 0 if done == -1 else new_reference(TRUE if done == 1 else NONE)


def take_back(node, g, grads, live, keep):
    record, held = get(node, N_RECORD), get(node, N_HELD)
    if record == 0 or record == NONE or get(held, TYPE) != TUPLE or WATCHED != 0:
        return 0
    words = get(record, DATA)
    if get(words, R_PULLS) < 0 or layout_of(g) != get(words, R_KEY) or get(g, T_NODE) != NONE:
        return 0
    for i in range(get(words, R_NAMES)):
        version = call(GET_ITEM, held, 3 * i + 1)
        if call(LIST_ITEM, version, 0) != call(GET_ITEM, held, 3 * i + 2):
            return 0
    for i in range(get(words, R_PULLS)):
        way = words + R_FIRST_PULL + i * PULL_BYTES
        source = call(GET_ITEM, get(node, N_INPUTS), get(way, P_INPUT))
        if live != NONE and call(IN_SET, live, source) & 0xFFFFFFFF != 1:
            continue
        part = partial_of(way, g, held)
        if part == -1:
            return -1
        if add_to(grads, source, part) == -1:
            return -1
    if keep != TRUE:
        call(INCREF, FREED)
        put(node, N_HELD, FREED)
        call(DECREF, held)
    return 1


def partial_of(way, g, held):
    """Return the gradient of one input: that of the output as it is, or through a kernel."""
    program = get(way, P_PROGRAM)
    if program == 0:
        call(INCREF, g)
        return g
    made = new_array(get(way, P_DESCR), get(way, P_NDIM), get(way, P_DIMS))
    if made == 0:
        return -1
    count, key = get(way, P_COUNT), get(way, P_KEY)
    space = room(5)
    for i in range(count):
        operand = get(way, P_OPERAND_0 + 8 * i)
        if operand == GRADIENT:
            operand = get(g, T_DATA)
        elif operand < 4:
            operand = call(GET_ITEM, held, 3 * operand)
        put(space, 8 * i, get(operand, DATA))
    put(space, 8 * count, get(made, DATA))
    if run(program, space) != 0:
        call(DECREF, made)
        return call(NO_MEMORY) - 1
    return new_tensor(made, key)


def add_to(grads, source, part):
    """Add a gradient, which is given away, to that of a node; return -1 where Python raised."""
    before = call(DICT_ITEM, grads, source)
    if before != 0:
        total = apply(ADD, before, part, 0)
        if total == 0:
            space = room(2)
            put(space, 0, before)
            put(space, 8, part)
            total = call(CALL_MANY, ADD_SLOWLY, space, 2, 0)
        call(DECREF, part)
        if total == -1 or total == 0:
            return -1
        part = total
    done = call(SET_DICT_ITEM, grads, source, part) & 0xFFFFFFFF
    call(DECREF, part)
    return -1 if done != 0 else 0


def reach(self, args, given):
    """`reach(nodes, since, mark)`: append to a list of nodes what they were made from, each once.

    Nodes whose slot is below `since` are listed, but not passed; `mark` is an object that no other walk has.
    """
    nodes, first, mark = get(args, 0), call(AS_INT, get(args, 8)), get(args, 16)
    i = 0
    for k in range(call(LIST_SIZE, nodes)):
        set_mark(call(LIST_ITEM, nodes, k), mark)
    while i < call(LIST_SIZE, nodes):
        node = call(LIST_ITEM, nodes, i)
        i += 1
        inputs = get(node, N_INPUTS)
        if call(AS_INT, get(node, N_SLOT)) < first:
            continue
        for k in range(call(TUPLE_SIZE, inputs)):
            source = call(GET_ITEM, inputs, k)
            if source != NONE and get(source, N_MARK) != mark:
                set_mark(source, mark)
                call(APPEND, nodes, source)
    return new_reference(NONE)


def set_mark(node, mark):
    """Say that a node is listed: marks are objects of their own, so that nothing has to be wiped out afterwards."""
    before = get(node, N_MARK)
    call(INCREF, mark)
    put(node, N_MARK, mark)
    if before != 0:
        call(DECREF, before)
