"""The way back along the tape, in words: gradients through nodes, and the list of what a value was made from."""

from .blocks import DECREF, new_array
from .native_call import DATA, INCREF, NO_MEMORY, TYPE, run
from .native_road import (
    ADD,
    ADD_SLOWLY,
    APPEND,
    AS_INT,
    CALL_MANY,
    DICT_ITEM,
    FREED,
    GET_ITEM,
    IN_SET,
    LIST_ITEM,
    LIST_SIZE,
    N_HELD,
    N_INPUTS,
    N_MARK,
    N_RECORD,
    N_SLOT,
    NONE,
    R_FIRST_PULL,
    R_KEY,
    R_NAMES,
    R_PULLS,
    SET_DICT_ITEM,
    T_DATA,
    T_NODE,
    TRUE,
    TUPLE,
    TUPLE_SIZE,
    WATCHED,
    apply,
    layout_of,
    new_reference,
    new_tensor,
)
from .words import call, get, put, room

(
    P_INPUT, P_PROGRAM, P_DESCR, P_SPEC, P_KEY, P_COUNT, P_OPERAND_0, P_OPERAND_1, P_OPERAND_2, P_OPERAND_3,
    PULL_BYTES,
) = range(0, 8 * 11, 8)  # fmt: skip
GRADIENT = -1  # an operand of a pull; numbers from 0 are kept values, others addresses of arrays


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
    made = new_array(get(way, P_DESCR), get(way, P_SPEC))
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
