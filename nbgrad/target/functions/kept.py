"""Machine code that Numba keeps on disk of the text of a derivative, loaded without what only compiling needs.

Numba first imports all that it knows how to compile, a fifth of a second, and then looks for machine code on disk. That
code calls C functions by name, of which most are known from the start: where all of them are, nothing else is imported.
Objects of Python that it uses lie beside it. They are read without the modules of Numba's functions that were compiled into
it: only code that runs in object mode looks into those, which derivatives never have.
"""

import pickle
import sys

import llvmlite.binding as llvm
from numba.core import config
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.environment import Environment, _rebuild_env, lookup_environment
from numba.core.runtime import _nrt_python, rtsys

from ..cpu.symbols import undefined_symbols


class Kept(FunctionCache):
    """Numba's cache of one function."""

    def __init__(self, function):
        super().__init__(function)
        place = self._impl.locator
        self._cache_file = Files(self._cache_path, self._impl.filename_base, place.get_source_stamp())

    def load_overload(self, sig, target_context):
        """Return what was compiled for a signature, or None: Numba compiles it then."""
        codegen = target_context.codegen()  # with which C's own functions get their names
        with self._guard_against_spurious_io_errors():
            found = self._cache_file.load(self._index_key(sig, codegen))
            if found is None:
                return None
            _name_counters(target_context)
            if not _is_complete(*found):
                target_context.refresh()
            return self._impl.rebuild(target_context, found)


class Files(IndexDataCacheFile):
    """The files of one function."""

    def _load_data(self, name):
        with open(self._data_path(name), "rb") as file:
            return Reader(file).load()


class Reader(pickle.Unpickler):
    """Reads what Numba wrote."""

    def find_class(self, module, name):
        return environment if name == "_rebuild_env" else super().find_class(module, name)


def environment(module, objects, name):
    """Return the objects that a function uses; one of Numba's own does not have its module imported for it."""
    if module in sys.modules or module.partition(".")[0] != "numba" or lookup_environment(name) is not None:
        return _rebuild_env(module, objects, name)
    made = Environment({"__name__": module})
    made.consts[:], made.env_name = objects, name
    Environment._memo[name] = made
    return made


def _name_counters(target_context):
    """Give the C functions that count who holds an array their names, which Numba does where it compiles some of them too."""
    if config.NRT_STATS:
        rtsys.initialize(target_context)
    for name, address in _nrt_python.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


def _is_complete(library, *rest):
    """Say whether all that an object file calls is there: LLVM would end the process where it is not."""
    (_, kind, content), starts = library, rest[-2]
    for start in starts:  # the threads of parallel loops, whose names are known from then on
        start()
    return kind == "object" and all(map(llvm.address_of_symbol, undefined_symbols(content[0])))
