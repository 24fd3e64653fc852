"""Machine code that Numba keeps on disk of the text of a derivative, loaded without what only compiling needs.

Numba first imports all that it knows how to compile, a fifth of a second, and then looks for machine code on disk. That
code calls C functions by name, of which most are known from the start: where all of them are, nothing else is imported.
"""

import llvmlite.binding as llvm
from numba.core.caching import FunctionCache
from numba.core.runtime import rtsys

from ..cpu.symbols import undefined_symbols


class Kept(FunctionCache):
    """Numba's cache of one function."""

    def load_overload(self, sig, target_context):
        """Return what was compiled for a signature, or None: Numba compiles it then."""
        rtsys.initialize(target_context)  # the functions that count who holds an array
        with self._guard_against_spurious_io_errors():
            found = self._cache_file.load(self._index_key(sig, target_context.codegen()))
            if found is None:
                return None
            if not _is_complete(*found):
                target_context.refresh()
            return self._impl.rebuild(target_context, found)


def _is_complete(library, *rest):
    """Say whether all that an object file calls is there: LLVM would end the process where it is not."""
    (_, kind, content), starts = library, rest[-2]
    for start in starts:  # the threads of parallel loops, whose names are known from then on
        start()
    return kind == "object" and all(map(llvm.address_of_symbol, undefined_symbols(content[0])))
