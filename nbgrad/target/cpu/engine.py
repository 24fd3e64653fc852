"""The one engine that machine code is loaded into: llvmlite alone, without Numba."""

import functools
import hashlib
import os
import threading
from importlib.util import find_spec
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm

from ...base.config import config
from ...base.errors import KernelError, problem

FORMAT = "5"  # raise it when kernels must be compiled anew though their text stays
lock = threading.RLock()
shared: dict = {}  # first letters of the name of functions that kernels share -> what loads one by name


@functools.cache
def fingerprint() -> str:
    """Return what machine code depends on besides its text: versions, processor, flags."""
    features = llvm.get_host_cpu_features().flatten()
    parts = [FORMAT, llvmlite.__version__, _numba_version(), llvm.get_process_triple(), llvm.get_host_cpu_name()]
    return "\n".join([*parts, features, *config.code_flags])


def _numba_version():
    """Return Numba's version without importing it: from its version file, or all of that file if it looks otherwise."""
    text = (Path(find_spec("numba").origin).parent / "_version.py").read_text(encoding="utf-8")
    return text.split('"version": "')[1].split('"')[0] if '"version": "' in text else text


def key(text: str) -> str:
    """Return the hash that names the machine code of `text` on this machine."""
    return hashlib.blake2b(f"{fingerprint()}\n{text}".encode(), digest_size=16).hexdigest()


@functools.cache
def machine():
    """Return LLVM's description of this processor, set as Numba sets it for code that is run in place."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    reloc = "static" if target.name.startswith("x86") else "default"
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(),
        opt=3, reloc=reloc, codemodel="jitdefault", jit=True,
    )  # fmt: skip


@functools.cache
def _engine():
    llvm.check_jit_execution()
    # llvmlite's memory manager puts the parts of an object file side by side; code finds its constants by distance.
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine(), use_lmm=True)


def compile_ir(text: str, optimise=True) -> bytes:
    """Return the object file of a module of LLVM IR; `optimise` runs the passes that rewrite it first."""
    with lock:
        return machine().emit_object(_parsed(text, optimise))


def assembly_of(text: str, optimise=True) -> str:
    """Return the assembly of what `compile_ir` makes."""
    with lock:
        return machine().emit_assembly(_parsed(text, optimise))


def _parsed(text, optimise):
    module = llvm.parse_assembly(text)
    module.verify()
    if optimise:
        builder = llvm.create_pass_builder(machine(), llvm.create_pipeline_tuning_options(speed_level=3))
        builder.getModulePassManager().run(module, builder)
    return module


def require(symbol: str, names: tuple) -> None:
    """Check that this process has the functions that an object file calls, before LLVM would end it for a missing one.

    Numba registers its helpers with LLVM when it is imported, which is done here only when a name is missing.

    Raises
    ------
    KernelError
        When one of `names` is nowhere to be found.
    """
    _engine()  # LLVM searches the process itself only once there is an engine
    missing = [n for n in names if not llvm.address_of_symbol(n) and not _share(n)]
    if missing:
        from numba.core.registry import cpu_target

        cpu_target.target_context.refresh()
        missing = [n for n in missing if not llvm.address_of_symbol(n)]
    if missing:
        raise problem(KernelError, f"{symbol} calls {', '.join(missing)}, which this process does not have",
                      "a function of math, or a row of the op table")  # fmt: skip


def _share(name):
    """Load a function that kernels share, and let the kernels loaded from now on call it by its name."""
    for start, load in shared.items():
        if name.startswith(start):
            llvm.add_symbol(name, load(name))
            return True
    return False


def load_object(data: bytes, symbol: str) -> int:
    """Load an object file, whose needs were checked by `require`, and return the address of its function `symbol`."""
    with lock:
        engine = _engine()
        engine.add_object_file(llvm.ObjectFileRef.from_data(data))
        engine.finalize_object()
        address = engine.get_function_address(symbol)
    if not address:
        raise problem(KernelError, f"the machine code of {symbol} does not define it", "python -m nbgrad cache --clear")
    return address


def _after_fork():
    """In a forked child: a thread of the parent that held the lock is not here to release it."""
    global lock
    lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
