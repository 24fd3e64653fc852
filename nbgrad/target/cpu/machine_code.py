"""LLVM's half of a kernel: from a module as Numba wrote it to machine code, while another thread works on the next one.

llvmlite lets one thread at a time into LLVM, as modules share a context. Here a module has a context of its own, and the two
calls that take long, a third of all time of compiling, go past llvmlite's lock; one thread at a time makes them.
"""

import ctypes
import functools
import threading

import llvmlite.binding as llvm
from llvmlite.binding import ffi

_lock = threading.RLock()  # of the two descriptions of the processor below


def alone(module):
    """Return a copy of a module in a context of its own."""
    return llvm.parse_bitcode(module.as_bitcode(), llvm.create_context())


def optimised(module):
    """Return a module that is `alone`, rewritten in place as Numba would."""
    from numba.core import config
    from numba.core.codegen import _parse_refprune_flags
    from numba.core.llvm_bindings import create_pass_builder

    with _lock:
        rough = create_pass_builder(far(), opt=_codegen()._opt_level, loop_vectorize=_codegen()._loopvect, slp_vectorize=False)
        passes = rough.getModulePassManager()
        if config.OPT != 0:  # what makes loops fit for vectors, as Numba has it
            passes.add_loop_rotate_pass()
            passes.add_instruction_combine_pass()
            passes.add_jump_threading_pass()
        passes.add_refprune_pass(_parse_refprune_flags())
        _free(ffi.lib.LLVMPY_RunNewModulePassManager)(passes, module, rough)
        full = create_pass_builder(far(), opt=config.OPT, loop_vectorize=config.LOOP_VECTORIZE, slp_vectorize=config.SLP_VECTORIZE)
        passes = full.getModulePassManager()
        passes.add_refprune_pass(_parse_refprune_flags())
        _free(ffi.lib.LLVMPY_RunNewModulePassManager)(passes, module, full)
        module.verify()
    return module


def emitted(machine, module) -> bytes:
    """Return the object file of a module that is `alone`; `machine` is `near()` or `far()`."""
    with _lock, ffi.OutputString() as error:
        buffer = _free(ffi.lib.LLVMPY_TargetMachineEmitToMemory)(machine, module, 1, error)
        if not buffer:
            raise RuntimeError(str(error))
        try:
            return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(buffer), ffi.lib.LLVMPY_GetBufferSize(buffer))
        finally:
            ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


@functools.cache
def far():
    """Return a writer of machine code like Numba's, for which everything may lie anywhere."""
    return _machine()


@functools.cache
def near():
    """Return a writer of machine code that finds the constants of a kernel by their distance from the code.

    To Numba constants may lie anywhere: each costs an instruction that loads its address, half of all instructions of a
    loop like that of `gelu`. The engine keeps an object file in one piece. It has no room, though, for the tables by
    which such code would call functions outside of it: kernels that do are for `far`.
    """
    triple = llvm.get_process_triple()
    return _machine(reloc="pic", codemodel="small") if "x86_64" in triple and "linux" in triple else far()


def _machine(**more):
    options = {"opt": 3}
    _codegen()._customize_tm_options(options)
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(**{**options, **more})


def _codegen():
    from numba.core.registry import cpu_target

    return cpu_target.target_context.codegen()


def _free(function):
    """Return a function of LLVM's without llvmlite's lock: nobody else knows what it works on."""
    return getattr(function, "_cfn", function)
