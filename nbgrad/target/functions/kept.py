"""Machine code that Numba keeps on disk of the text of a derivative, loaded without what only compiling needs.

Numba first imports all that it knows how to compile, a fifth of a second, and then looks for machine code on disk. That
code calls C functions by name, of which most are known from the start: where all of them are, nothing else is imported.
"""

import llvmlite.binding as llvm
from numba.core import config
from numba.core.caching import FunctionCache
from numba.core.runtime import _nrt_python, rtsys

from ..cpu.symbols import undefined_symbols


class Kept(FunctionCache):
    """Numba's cache of one function."""

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
