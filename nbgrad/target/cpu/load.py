"""The address of the machine code of a kernel: read from the cache, or compiled."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import build, engine, store
from .symbols import undefined_symbols

instead = None  # while kernels are only noted, what to ask for an address: see `wanted`
_addresses: dict = {}
_counts = {"compiled": 0, "read": 0}


def load(text: str, name: str) -> int:
    """Return the address of the machine code `void(int64 args, int64 tile)` of a kernel.

    Machine code is kept in the cache folder beside the source, named by a hash of the text, the versions and the
    processor. A kernel that is found there is loaded without importing Numba. Safe to call from several threads, and
    from many processes that share a cache.

    Parameters
    ----------
    text : str
        A self-contained file: what `prelude` returns, and below it `@kernel` over `def name(args, tile)`.
    name : str
        The function.

    Raises
    ------
    KernelError
        When Numba cannot compile the text; the message names the file that was written.

    Examples
    --------
    >>> from nbgrad.target.cpu.prelude import prelude
    >>> double = "@kernel\\ndef double(args, tile):\\n    at1(args)[tile] = at0(args)[tile] + at0(args)[tile]\\n"
    >>> load(prelude(("float32", "float32")) + double, "double") > 0
    True
    """
    address = _addresses.get((text, name))
    if address is not None:
        return address
    if instead is not None:
        return instead(text, name)
    found = _read(text, name)
    if found is not None:
        return _place(text, name, found)
    with build.compiling(text, name):
        if (text, name) in _addresses:  # another thread compiled it before this one had Numba's lock
            return _addresses[text, name]
        return _place(text, name, _write(text, name, build.build_object(text, name)))


def load_all(kernels) -> None:
    """Load kernels, each a pair (text, name): while LLVM works on one of them, Numba begins with the next.

    Most of LLVM's half runs without any lock, so that two processors have something to do.

    Raises
    ------
    KernelError
        As `load`.
    """
    missing = []
    for text, name in dict.fromkeys(kernels) if instead is None else ():
        if (text, name) not in _addresses:
            found = _read(text, name)
            missing += [(text, name)] if found is None else []
            if found is not None:
                _place(text, name, found)
    if len(missing) < 2:
        for kernel in missing:
            load(*kernel)
        return
    with ThreadPoolExecutor(1) as behind:
        halves = []
        for text, name in missing:
            with build.compiling(text, name):
                halves.append(behind.submit(_finish, text, name, build.linked(text, name)))
        for half in halves:
            half.result()


def _finish(text, name, module):
    _place(text, name, _write(text, name, build.finished(module, build.symbol(text, name))))


def load_ir(text: str, name: str, optimise=True, make=None) -> int:
    """Return the address of the function `name` of a module of LLVM IR, its machine code cached the same way.

    With `make`, a function that returns the module, `text` is only what the cache knows it by.
    """
    if (text, name) in _addresses:
        return _addresses[text, name]
    found = _read(text, name)
    if found is None:
        data = engine.compile_ir(make() if make else text, optimise)
        found = _write(text, name, store.Object(name, undefined_symbols(data), data))
    return _place(text, name, found)


def _read(text, name):
    found = store.read_object(build.stem(text, name) + ".o")
    _counts["read"] += found is not None
    return found


def _write(text, name, found):
    store.write_object(build.stem(text, name) + ".o", found)
    _counts["compiled"] += 1
    return found


def _place(text, name, found):
    """Load an object file into the engine, once."""
    engine.require(found.symbol, found.needs)
    with engine.lock:
        if (text, name) not in _addresses:
            _addresses[text, name] = engine.load_object(found.data, found.symbol)
        return _addresses[text, name]


def source_path(text: str, name: str) -> Path:
    """Return the file that holds the source of a kernel, written if it is not there."""
    return build.source_path(text, name)


def kernel_function(text: str, name: str):
    """Return the kernel as Numba's function, compiled: for `inspect_asm()`, `inspect_llvm()` and a debugger."""
    return build.build_function(text, name)


def assembly(text: str, name: str) -> str:
    """Return the assembly of exactly the machine code that `load` loads."""
    return build.build_assembly(text, name)


class CacheInfo(NamedTuple):
    """Where kernels are kept, how many and how large, and what this process did: compiled them, or read them."""

    folder: Path
    kernels: int
    bytes: int
    compiled: int
    read: int


def cache_info() -> CacheInfo:
    """Return the state of the kernel cache.

    >>> cache_info().kernels >= 0
    True
    """
    files = store.files()
    return CacheInfo(store.folders()[-1], sum(f.suffix == ".o" for f in files), sum(map(store.size, files)), **_counts)


def clear_cache() -> int:
    """Delete the kernel cache on disk and return how many files there were; kernels that are loaded stay loaded."""
    return store.clear()
