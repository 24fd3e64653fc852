"""The eager road made native: methods of Python whose bodies are the loops of `loops_road.py`, and what they know.

A call of an operator goes from Python straight to machine code. What that has not seen before runs through a method in
Python, which then teaches it: an entry per row and layouts of arguments, a record for what the nodes of such calls
share, constants for Python numbers. Whatever is taught is kept alive here, since machine code holds addresses alone.
"""

import collections
import ctypes

import numpy as np

from ...plan.plan import Kernel
from . import loops_road as loops
from .kernels import address
from .native import STATE, array_offsets, make_builtin, python_function, slot_offsets
from .road_methods import build

NEW_FROM_DESCR = 94  # place of PyArray_NewFromDescr in NumPy's table of functions
TENSOR_SLOTS = ("data", "node", "base", "version", "seen", "key", "keyed")
NODE_SLOTS = (
    "op", "inputs", "attrs", "shape", "dtype", "shapes", "held", "grad", "shown", "slot", "place", "record", "mark",
)  # fmt: skip


class Road:
    """The native road of one class of tensors.

    Parameters
    ----------
    tensor, node : type
        Classes with `__slots__`; the road fills the slots of new objects as their constructors do.
    find_place : function
        `find_place() -> (code, instruction)` of the user's line; it tells `classify` what it saw.
    **known : objects
        recording (its `on` says whether nodes are made), slots (iterator of numbers), add (the row), freed.
    """

    def __init__(self, tensor, node, find_place, **known):
        self.tensor, self.node = tensor, node
        self.words = np.zeros(loops.STATE_END // 8, np.int64)
        self.table = np.zeros(loops.TABLE_MASK + 1 + loops.PROBES, np.int64)
        self.constants, self.codes = np.zeros(3 * (loops.CONSTANT_MASK + 1), np.int64), np.zeros(2 * (loops.CODE_MASK + 1), np.int64)
        self.always, self.alive, self.held, self.seen_code = [], [], {}, {}
        self.replaced: collections.deque = collections.deque(maxlen=256)  # another thread may still compute with them
        self.entries: dict = {}
        self.records: list = []
        self._fill(find_place, **known)

    def _fill(self, find_place, recording, slots, add, add_slowly, freed):
        type_at, data_at = array_offsets()
        t, n = slot_offsets(self.tensor), slot_offsets(self.node)
        objects = {
            "TENSOR": self.tensor, "NODE": self.node, "NDARRAY": np.ndarray, "TUPLE": tuple, "NONE": None, "TRUE": True,
            "FLOAT": float, "INT": int, "RECORDING": recording, "ON": "on", "SLOTS": slots,
            "FIND_PLACE": find_place, "ADD": add, "ADD_SLOWLY": add_slowly, "ZERO": 0, "FREED": freed,
        }  # fmt: skip
        functions = {
            "ALLOCATE": "PyType_GenericAlloc", "INCREF": "Py_IncRef", "DECREF": "Py_DecRef", "GET_ATTRIBUTE": "PyObject_GetAttr",
            "NEXT": "PyIter_Next", "CALL": "PyObject_CallNoArgs", "CALL_MANY": "PyObject_Vectorcall",
            "NEW_TUPLE": "PyTuple_New", "SET_ITEM": "PyTuple_SetItem", "GET_ITEM": "PyTuple_GetItem",
            "TUPLE_SIZE": "PyTuple_Size", "NEW_LIST": "PyList_New", "SET_IN_LIST": "PyList_SetItem",
            "LIST_ITEM": "PyList_GetItem", "LIST_SIZE": "PyList_Size", "APPEND": "PyList_Append",
            "AS_INT": "PyLong_AsLongLong", "FROM_INT": "PyLong_FromLongLong", "IN_SET": "PySet_Contains",
            "DICT_ITEM": "PyDict_GetItemWithError", "SET_DICT_ITEM": "PyDict_SetItem", "FRAME": "PyEval_GetFrame",
            "FRAME_CODE": "PyFrame_GetCode", "FRAME_AT": "PyFrame_GetLasti", "FRAME_BACK": "PyFrame_GetBack", "NO_MEMORY": "PyErr_NoMemory",
        }  # fmt: skip
        numbers = {
            "TYPE": type_at, "ARRAY_DATA": data_at, "CALL_STATE": STATE.ctypes.data, "NEW_ARRAY": numpy_function(NEW_FROM_DESCR),
            "TABLE": self.table.ctypes.data, "CONSTANTS": self.constants.ctypes.data, "CODES": self.codes.ctypes.data,
            **{f"T_{name.upper()}": at for name, at in t.items() if name in TENSOR_SLOTS},
            **{f"N_{name.upper()}": at for name, at in n.items() if name in NODE_SLOTS},
        }  # fmt: skip
        self.always.append(objects)
        given = {**{k: id(v) for k, v in objects.items()}, **{k: python_function(v) for k, v in functions.items()}, **numbers}
        for name, value in given.items():
            self.words[getattr(loops, name) // 8] = value

    # -- what Python teaches

    def watch(self, by):
        """Count who wants to see every op (anomaly detection, an open `Tape`): while one does, Python runs them."""
        self.words[loops.WATCHED // 8] += by

    def classify(self, code, inside):
        """Say whether a line of `code` is the user's, or stands between the user and an op."""
        at = (id(code) >> 4) & loops.CODE_MASK
        self.seen_code[at] = code
        self.codes[2 * at : 2 * at + 2] = id(code), loops.INSIDE if inside else loops.USERS

    def constant(self, value, dtype, t):
        """Remember the tensor `t` of a Python number in `dtype`."""
        at = ((id(value) >> 4) ^ (id(dtype) >> 5)) & loops.CONSTANT_MASK
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
        dims = np.array(shape or (0,), np.int64)
        entry = np.zeros(loops.E_RECORDS // 8 + 8, np.int64)
        ids = [*map(id, keys), 0, 0][:3]
        descr = np.dtype(dtype)
        entry[: loops.E_RECORDS // 8] = (
            id(row), *ids, program.ctypes.data, id(descr), len(shape), dims.ctypes.data, id(key), id(scalar), descr.kind == "f", len(keys),
        )  # fmt: skip
        at = loops.place_in_table(id(row), *ids)
        for place in range(at, at + loops.PROBES):
            place &= loops.TABLE_MASK
            if not self.table[place]:
                self.entries[(row, *keys)] = entry
                self.alive.append((entry, row, keys, program, dims, descr, key, scalar))
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
        at = loops.E_RECORDS // 8 + sum(bool(w) << i for i, w in enumerate(wanting))
        if entry is None or entry[at]:
            return
        if node is None:
            entry[at] = loops.NOT_RECORDED
            return
        sources = [*[i for _, i in names], 0, 0, 0, 0][:4]
        record = np.zeros(loops.R_FIRST_PULL // 8 + 3 * loops.PULL_BYTES // 8, np.int64)
        shared = (node.shape, node.dtype, node.shapes, node.attrs)
        record[: loops.R_FIRST_PULL // 8] = (
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
        return record[loops.R_PULLS // 8] == -1

    def learn_pulls(self, record, pulls):
        """Remember how a gradient goes back: per active input (number, None) for as it is, or (number, program,
        operands, shape, dtype, key); operands are "g", numbers of kept values, or arrays. None: Python does it."""
        if pulls is None:
            record[loops.R_PULLS // 8] = -2
            return
        for i, (index, *way) in enumerate(pulls):
            words = record[loops.R_FIRST_PULL // 8 + i * loops.PULL_BYTES // 8 :]
            words[0] = index
            if way[0] is None:
                continue
            program, operands, shape, dtype, key = way
            dims, descr = np.array(shape or (0,), np.int64), np.dtype(dtype)
            found = [loops.GRADIENT if o == "g" else o if isinstance(o, int) else id(o) for o in operands]
            self.records[record[0]] += (program, operands, dims, descr, key)
            words[1 : 7 + len(found)] = (program.ctypes.data, id(descr), len(shape), dims.ctypes.data, id(key), len(found), *found)
        record[loops.R_PULLS // 8] = len(pulls)

    def build(self, methods):
        """Return one builtin method per `Method`, then the functions `pull` and `reach` (see loops_road.py)."""
        self.always.append(methods)
        apply, pull, reach = (address(Kernel(name, ())) for name in ("road_apply", "road_pull", "road_reach"))
        functions = [int(self.words[at // 8]) for at in (loops.CALL_MANY, loops.TUPLE_SIZE)]
        made = build(methods, apply, self.words.ctypes.data, *functions)
        return made, make_builtin("pull", pull, self.words), make_builtin("reach", reach, self.words)


def numpy_function(index):
    """Return the address of a function of NumPy's C interface."""
    core = np._core if hasattr(np, "_core") else np.core
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    table = get(core._multiarray_umath._ARRAY_API, None)
    return ctypes.c_void_p.from_address(table + 8 * index).value
