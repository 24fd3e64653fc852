"""The eager road, in words: from a call in Python to a running kernel, a tensor and a node, and back along the tape.

What it does not know (a layout that was never seen, a row with attributes, an anomaly to look for) it leaves to the
same road in Python, which then teaches it (see road.py). Names in capitals without a prefix are objects and functions of
Python; with a prefix they are places: T_ and N_ in tensors and nodes, E_, R_ and P_ in entries, records and pulls.
"""

from .blocks import DECREF, new_array
from .native_call import DATA, FREE, INCREF, MALLOC, NO_MEMORY, TYPE, run
from .words import call, get, put, room, variables

# fmt: off
(
    WATCHED, TENSOR, NODE, TUPLE, NONE, TRUE, FLOAT, INT, RECORDING, ON, SLOTS, FIND_PLACE, ADD, ADD_SLOWLY, ZERO, FREED,
    TABLE, CONSTANTS, CODES, METHODS,
    ALLOCATE, GET_ATTRIBUTE, NEXT, CALL, CALL_MANY, NEW_TUPLE, SET_ITEM, GET_ITEM, TUPLE_SIZE, NEW_LIST,
    SET_IN_LIST, LIST_ITEM, LIST_SIZE, APPEND, AS_INT, FROM_INT, IN_SET, DICT_ITEM, SET_DICT_ITEM, FRAME, FRAME_CODE,
    FRAME_AT, FRAME_BACK,
) = variables(43)
T_DATA, T_NODE, T_BASE, T_VERSION, T_SEEN, T_KEY, T_KEYED = variables(7)
(
    N_OP, N_INPUTS, N_ATTRS, N_SHAPE, N_DTYPE, N_SHAPES, N_HELD, N_GRAD, N_SHOWN, N_SLOT, N_PLACE, N_RECORD, N_MARK,
) = variables(13)
# An entry: what is known of a row on arguments of certain layouts. RECORDS: per set of inputs with a node, a record.
E_OP, E_A, E_B, E_C, E_PROGRAM, E_DESCR, E_SPEC, E_KEY, E_SCALAR, E_IS_FLOAT, E_COUNT, E_RECORDS = range(0, 8 * 12, 8)
# A record: what the nodes of such a call share. PULLS: how many ways back there are, below 0 while Python goes them.
(
    R_NUMBER, R_OP, R_SHAPE, R_DTYPE, R_SHAPES, R_NAMES, R_SOURCE_0, R_SOURCE_1, R_SOURCE_2, R_SOURCE_3, R_ACTIVE, R_KEY,
    R_ATTRS, R_PULLS, R_FIRST_PULL,
) = range(0, 8 * 15, 8)
# fmt: on
TABLE_MASK, CONSTANT_MASK, CODE_MASK, PROBES = (1 << 14) - 1, (1 << 10) - 1, (1 << 9) - 1, 16
USERS, INSIDE = 1, 2  # kinds of code: where a line is the user's, and what stands between
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
    key_a, key_b, key_c = layout_of(a), layout_of(b), layout_of(c)
    if key_a == 0 or (b != 0 and key_b == 0) or (c != 0 and key_c == 0):
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
    record = NOT_RECORDED
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
    inputs = 0 if record == NOT_RECORDED else inputs_of(record, count, node_a, node_b, node_c)
    made = new_array(get(entry, E_DESCR), get(entry, E_SPEC))
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
        if get(node, N_PLACE) == 0:  # Python was asked for it, and interrupted
            call(DECREF, t)
            return -1
    return t


def inputs_of(record, count, a, b, c):
    """Return the inputs of a node as a tuple: those nodes through which a gradient flows."""
    wanted = get(get(record, DATA), R_ACTIVE)
    inputs = call(NEW_TUPLE, count)
    share_item(inputs, 0, a if wanted & 1 else NONE)
    if count > 1:
        share_item(inputs, 1, b if wanted & 2 else NONE)
    if count > 2:
        share_item(inputs, 2, c if wanted & 4 else NONE)
    return inputs


def layout_of(x):
    """Return what stands for the layout of an argument: its key, or the type of a Python number; 0 if unknown."""
    if x == 0:
        return 0
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
