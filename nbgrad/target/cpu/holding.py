"""Whether objects of Python are still what they were: a list of checks, gone through in machine code."""

import types

import numpy as np

from .native import FASTCALL, VALUES, make_builtin, memory_of, python_function, slot_offsets
from .native_replay import ELEMENT, ELEMENTS, ENTRIES, ITEM, OTHER, SAME, holds
from .words import Native


class Checks:
    """Checks that are gone through in order; the first that fails ends it.

    Examples
    --------
    >>> space, value = {"a": 1}, object()
    >>> checks = Checks()
    >>> checks.item(space, "a", space["a"])
    >>> checks.hold(), space.update(a=value), checks.hold()
    (True, None, False)
    """

    def __init__(self):
        self._rows, self._kept, self._table = [], [], None
        self._nothing = {}

    def _add(self, kind, of, key, expected, *kept):
        self._rows.append((kind, of, key, expected))
        self._kept += kept

    def slot(self, x, name, expected, same=True):
        """Check that a slot of an object holds an object, or (`same` False) another one."""
        self._add(SAME if same else OTHER, id(x), offsets_of(type(x))[name], id(expected), x, expected)

    def cell(self, cell, expected):
        """Check what a closure's cell holds."""
        self._add(SAME, id(cell), CELL, id(expected), cell, expected)

    def item(self, space, name, expected):
        """Check an entry of a dict."""
        self._add(ITEM, id(space), id(name), id(expected), space, name, expected)

    def absent(self, space, name):
        """Check that a dict has no entry of a name."""
        self._rows.append((ITEM, id(space), id(name), 0))
        self._kept += (space, name)

    def never(self):
        """Let the checks fail, for what only Python can look at."""
        self._add(ENTRIES, id(self._nothing), 0, 1)

    def items(self, space):
        """Check all entries of a dict or a list, and that there are no others."""
        listed = isinstance(space, list)
        self._add(ELEMENTS if listed else ENTRIES, id(space), 0, len(space), space)
        for key, value in enumerate(space) if listed else space.items():
            self._add(ELEMENT if listed else ITEM, id(space), key if listed else id(key), id(value), key, value)

    def hold(self) -> bool:
        """Go through the checks."""
        if self._table is None:
            self._table = np.array([len(self._rows), *[word for row in self._rows for word in row]], np.int64)
        return HOLDS(self._table)


def offsets_of(cls) -> dict:
    """Return where objects of a class with `__slots__` keep each of them."""
    if cls not in _offsets:
        _offsets[cls] = slot_offsets(cls)
    return _offsets[cls]


def _cell_offset():
    mark = object()
    return 8 * memory_of(types.CellType(mark)).index(id(mark))


_offsets: dict = {}
CELL = _cell_offset()
_functions = {"DICT_ITEM": "PyDict_GetItem", "DICT_SIZE": "PyDict_Size", "LIST_ITEM": "PyList_GetItem", "LIST_SIZE": "PyList_Size"}
_native = Native("holds", [holds], {
    **VALUES, **{name: python_function(f) for name, f in _functions.items()}, "FALSE": id(False), "TRUE": id(True),
})  # fmt: skip
HOLDS = make_builtin("holds", _native.address("holds"), FASTCALL, "holds(checks)\n--\n\nSay whether all checks hold.")
