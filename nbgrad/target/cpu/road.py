"""The eager road made native: methods of Python whose bodies are functions of words, and what those know.

A call of an operator goes from Python straight to machine code. What that has not seen before runs through a method in
Python, which then teaches it: an entry per row and layouts of arguments, a record for what the nodes of such calls
share, constants for Python numbers. Whatever is taught is kept alive here, since machine code holds addresses alone.
"""

import collections
from typing import NamedTuple

import numpy as np

from . import native_back as back
from . import native_road as road
from .memory import NEW, specification
from .native import FASTCALL, VALUES, make_builtin, make_method, python_function, slot_offsets
from .words import Native

FUNCTIONS = {
    "ALLOCATE": "PyType_GenericAlloc", "GET_ATTRIBUTE": "PyObject_GetAttr", "NEXT": "PyIter_Next",
    "CALL": "PyObject_CallNoArgs", "CALL_MANY": "PyObject_Vectorcall", "NEW_TUPLE": "PyTuple_New",
    "SET_ITEM": "PyTuple_SetItem", "GET_ITEM": "PyTuple_GetItem", "TUPLE_SIZE": "PyTuple_Size", "NEW_LIST": "PyList_New",
    "SET_IN_LIST": "PyList_SetItem", "LIST_ITEM": "PyList_GetItem", "LIST_SIZE": "PyList_Size", "APPEND": "PyList_Append",
    "AS_INT": "PyLong_AsLongLong", "FROM_INT": "PyLong_FromLongLong", "IN_SET": "PySet_Contains",
    "DICT_ITEM": "PyDict_GetItemWithError", "SET_DICT_ITEM": "PyDict_SetItem", "FRAME": "PyEval_GetFrame",
    "FRAME_CODE": "PyFrame_GetCode", "FRAME_AT": "PyFrame_GetLasti", "FRAME_BACK": "PyFrame_GetBack",
}  # fmt: skip
KEYWORDS, NO_ARGUMENTS, ONE_ARGUMENT = 0x02, 0x04, 0x08
FLAGS = {"unary": NO_ARGUMENTS, "binary": ONE_ARGUMENT, "swapped": ONE_ARGUMENT, "call": FASTCALL | KEYWORDS}


class Method(NamedTuple):
    """A method to make of `slow`, which does the same in Python; it runs `row` where that is known.

    Kinds: "unary", "binary", "swapped" (the row takes the operands the other way round); "call" is the call of rows.
    """

    owner: type
    name: str
    kind: str
    slow: object
    row: object = None


class Road:
    """The native road of one class of tensors.

    Parameters
    ----------
    tensor, node : type
        Classes with `__slots__`; the road fills the slots of new objects as their constructors do.
    find_place : function
        `find_place() -> (code, instruction)` of the user's line; it tells `classify` what it saw.
    methods : list of Method
        What to make; the result is in `made`, beside the functions `pull` and `reach`.
    **known : objects
        recording (its `on` says whether nodes are made), slots (iterator of numbers), add (the row), add_slowly (the same
        by Python), freed.
    """

    def __init__(self, tensor, node, find_place, methods, **known):
        self.table = np.zeros(road.TABLE_MASK + 1 + road.PROBES, np.int64)
        self.constants = np.zeros(3 * (road.CONSTANT_MASK + 1), np.int64)
        self.codes = np.zeros(2 * (road.CODE_MASK + 1), np.int64)
        self.methods = np.array([w for m in methods for w in (id(m.row), id(m.slow))], np.int64)
        self.alive: list = []
        self.older: list = []
        self.held: dict = {}
        self.seen_code: dict = {}
        self.replaced: collections.deque = collections.deque(maxlen=256)  # another thread may still compute with them
        self.entries: dict = {}
        self.records: list = []
        self.watchers = 0
        objects = {
            "TENSOR": tensor, "NODE": node, "TUPLE": tuple, "NONE": None, "TRUE": True, "FLOAT": float, "INT": int, "ON": "on",
            "ZERO": 0, "FIND_PLACE": find_place, **{name.upper(): value for name, value in known.items()},
        }  # fmt: skip
        self.always = [methods, objects]
        self.native = Native("road", [*ways_of(methods), back.pull, back.reach], {
            **VALUES, **NEW, "WATCHED": 0, "METHODS": self.methods.ctypes.data,
            "TABLE": self.table.ctypes.data, "CONSTANTS": self.constants.ctypes.data, "CODES": self.codes.ctypes.data,
            **{f"T_{name.upper()}": at for name, at in slot_offsets(tensor).items()},
            **{f"N_{name.upper()}": at for name, at in slot_offsets(node).items()},
            **{name: python_function(f) for name, f in FUNCTIONS.items()}, **{name: id(o) for name, o in objects.items()},
        })  # fmt: skip
        find = self.native.address
        made = lambda i, m: make_method(m.owner, m.name, find(f"method{i}"), FLAGS[m.kind], m.slow.__doc__)
        self.made = [made(i, m) for i, m in enumerate(methods)]
        self.pull, self.reach = (make_builtin(name, find(name), FASTCALL) for name in ("pull", "reach"))

    # -- what Python teaches

    def watch(self, by):
        """Count who wants to see every op (anomaly detection, an open `Tape`): while one does, Python runs them."""
        self.watchers += by
        self.native.set("WATCHED", self.watchers)

    def classify(self, code, inside):
        """Say whether a line of `code` is the user's, or stands between the user and an op."""
        at = (id(code) >> 4) & road.CODE_MASK
        self.seen_code[at] = code
        self.codes[2 * at : 2 * at + 2] = id(code), road.INSIDE if inside else road.USERS

    def constant(self, value, dtype, t):
        """Remember the tensor `t` of a Python number in `dtype`."""
        at = ((id(value) >> 4) ^ (id(dtype) >> 5)) & road.CONSTANT_MASK
        self.replaced.append(self.held.get(at))
        self.held[at] = (value, dtype, t)
        self.constants[3 * at : 3 * at + 3] = id(value), id(dtype), id(t)

    def learn(self, row, keys, program, shape, dtype, key, scalar):
        """Remember how a row runs on arguments of these layouts (keys, or the type of a Python number).

        `program` takes the arguments and a new row-major array of `shape` and `dtype`, whose layout is `key`; `scalar`
        is the dtype that Python numbers take.
        """
        if len(keys) > 3 or (row, *keys) in self.entries:
            return
        spec = specification(shape, dtype)
        entry = np.zeros(road.E_RECORDS // 8 + 8, np.int64)
        ids = [*map(id, keys), 0, 0][:3]
        descr = np.dtype(dtype)
        entry[: road.E_RECORDS // 8] = (
            id(row), *ids, program.ctypes.data, id(descr), spec.ctypes.data, id(key), id(scalar), descr.kind == "f", len(keys),
        )  # fmt: skip
        at = road.place_in_table(id(row), *ids)
        for place in range(at, at + road.PROBES):
            place &= road.TABLE_MASK
            if not self.table[place]:
                self.entries[(row, *keys)] = entry
                self.alive.append((entry, row, keys, program, spec, descr, key, scalar))
                self.table[place] = entry.ctypes.data
                return

    def forget(self):
        """Forget all entries (what they held stays alive until the next time: another thread may be on the road)."""
        self.table[:] = 0
        self.entries.clear()
        self.older, self.alive = self.alive, []

    def learn_record(self, row, keys, wanting, node, names, active, key):
        """Remember what nodes of such calls share: made for the node of one, whose inputs `wanting` had nodes."""
        entry = self.entries.get((row, *keys))
        at = road.E_RECORDS // 8 + sum(bool(w) << i for i, w in enumerate(wanting))
        if entry is None or entry[at]:
            return
        if node is None:
            entry[at] = road.NOT_RECORDED
            return
        sources = [*[i for _, i in names], 0, 0, 0, 0][:4]
        record = np.zeros(road.R_FIRST_PULL // 8 + 3 * back.PULL_BYTES // 8, np.int64)
        shared = (node.shape, node.dtype, node.shapes, node.attrs)
        record[: road.R_FIRST_PULL // 8] = (
            len(self.records), id(row), *map(id, shared[:3]), len(names), *sources, sum(1 << i for i in active), id(key),
            id(node.attrs), -1,
        )  # fmt: skip
        self.records.append((record, names, shared, key))
        entry[at] = id(record)

    def names(self, record):
        """Return the ((name, input number or -1), ...) that nodes of a record keep."""
        return self.records[record[0]][1]

    def wants_pulls(self, record) -> bool:
        """Say whether nobody has said yet how gradients go back through nodes of this record."""
        return record[road.R_PULLS // 8] == -1

    def learn_pulls(self, record, pulls):
        """Remember how a gradient goes back: per active input (number, None) for as it is, or (number, program,
        operands, shape, dtype, key); operands are "g", numbers of kept values, or arrays. None: Python does it."""
        if pulls is None:
            record[road.R_PULLS // 8] = -2
            return
        for i, (index, *way) in enumerate(pulls):
            words = record[road.R_FIRST_PULL // 8 + i * back.PULL_BYTES // 8 :]
            words[0] = index
            if way[0] is None:
                continue
            program, operands, shape, dtype, key = way
            spec, descr = specification(shape, dtype), np.dtype(dtype)
            found = [back.GRADIENT if o == "g" else o if isinstance(o, int) else id(o) for o in operands]
            self.records[record[0]] += (program, operands, spec, descr, key)
            words[1 : 6 + len(found)] = (program.ctypes.data, id(descr), spec.ctypes.data, id(key), len(found), *found)
        record[road.R_PULLS // 8] = len(pulls)


def ways_of(methods):
    """Return the functions that Python calls, one per method, as `Native` takes them."""
    functions = {"unary": road.unary, "binary": road.binary, "swapped": road.swapped, "call": road.call_row}
    return [(f"method{i}", functions[m.kind], i) for i, m in enumerate(methods)]
