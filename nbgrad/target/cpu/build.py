"""From the text of a kernel file to machine code, by Numba: one exported function `void(int64 args, int64 tile)`."""

import copy
import functools
import linecache
import re
import sys
import types
from pathlib import Path

from ...base.errors import KernelError, problem
from . import engine, machine_code, store
from .symbols import undefined_symbols


def stem(text: str, name: str) -> str:
    """Return the name, without suffix, of the files of a kernel in the cache."""
    return f"{name[:100]}_{engine.key(text)}"


def symbol(text: str, name: str) -> str:
    """Return the name of a kernel in its object file."""
    return f"nbgrad_{stem(text, name)}"


def source_path(text: str, name: str) -> Path:
    """Return the file that holds the source of a kernel, written if it is not there."""
    file = f"{stem(text, name)}.py"
    path = store.path(file)
    return path if path.exists() else store.write(file, text.encode())


def build_object(text: str, name: str) -> store.Object:
    """Compile a kernel to an object file.

    Raises
    ------
    KernelError
        When Numba cannot compile it. The message names the file and line; `details` holds all that Numba says.
    """
    with compiling(text, name):
        return finished(linked(text, name), symbol(text, name))


def finished(module, exported) -> store.Object:
    """Return the object file of a kernel that is `linked`: LLVM's half of the work, which needs no lock of Numba's."""
    module = machine_code.optimised(module)
    if not _calls_others(module):
        data = machine_code.emitted(machine_code.near(), module.clone())
        needs = undefined_symbols(data)  # LLVM may have made a call of its own, of memcpy
        if not needs:
            return store.Object(exported, needs, data)
    data = machine_code.emitted(machine_code.far(), module)
    return store.Object(exported, undefined_symbols(data), data)


def _calls_others(module) -> bool:
    """Say whether a module calls functions outside of it, which may be far away."""
    return any(f.is_declaration and not f.name.startswith("llvm.") for f in module.functions)


def build_assembly(text: str, name: str) -> str:
    """Return the assembly of what `build_object` makes."""
    with compiling(text, name):
        module = machine_code.optimised(linked(text, name))
        far = undefined_symbols(machine_code.emitted(machine_code.near(), module.clone()))
        return (machine_code.far() if far else machine_code.near()).emit_assembly(module)


def build_function(text: str, name: str):
    """Return the kernel as Numba's function, compiled the usual way."""
    with compiling(text, name):
        function = _function(text, name)
        function.compile("void(int64, int64)")
    return function


class compiling:  # noqa: N801 - a statement: `with compiling(text, name):`
    """Hold Numba's lock, and turn what Numba raises into a `KernelError` of three lines."""

    def __init__(self, text, name):
        self.text, self.name = text, name

    def __enter__(self):
        from numba.core.compiler_lock import global_compiler_lock

        self.lock = global_compiler_lock
        self.lock.acquire()

    def __exit__(self, kind, error, trace):
        self.lock.release()
        if isinstance(error, Exception) and not isinstance(error, KernelError):
            raise _explained(error, self.text, self.name) from None


def _explained(error, text, name):
    """Build the error: Numba's first telling line, and the place in the generated file that it speaks of."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    path = source_path(text, name)
    noise = ("Failed in", "During:", "File ", "There are", "Overload of")
    telling = [s for s in map(str.strip, message.splitlines()) if s and not s.startswith(noise)]
    lines = re.findall(re.escape(path.name) + r'"?,? ?(?:line |\()(\d+)', message)
    line = lines[-1] if lines else getattr(error, "lineno", None)
    place = f"{path}:{line}" if line else str(path)
    reason = re.sub(r"""^(['"])(.*)\1$""", r"\2", telling[0]) if telling else repr(error)
    result = problem(KernelError, f"{name}: Numba cannot compile {place}: {type(error).__name__}: {reason}",
                     "read that file; a kernel knows arithmetic, comparisons, math functions and rows of the op table")
    result.details = message
    return result


def _function(text, name):
    """Return Numba's function of a kernel, from its source file; a debugger and a traceback find its lines there."""
    path = source_path(text, name)
    title = f"nbgrad_kernels.{path.stem}"
    module = sys.modules.get(title)
    if module is None:
        if not path.exists():
            linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
        module = types.ModuleType(title)
        module.__file__ = str(path)
        sys.modules[title] = module  # Numba looks the module of a function up
        try:
            exec(compile(text, str(path), "exec"), vars(module))
        except BaseException:
            del sys.modules[title]
            raise
        _share(vars(module))
    function = getattr(module, name)
    if not hasattr(function, "_compiler"):
        raise problem(KernelError, f"{name}: Numba's compiler is switched off", "unset NUMBA_DISABLE_JIT")
    return function


_helpers: dict = {}  # code of a helper -> Numba's function of it


def _share(found):
    """Put helpers that another kernel had compiled in place of equal ones.

    A helper that looks up no global name but `word` means the same in each kernel. That of `matmul` takes Numba as long as
    a third of the kernel.
    """
    for name, thing in found.items():
        code = getattr(getattr(thing, "py_func", None), "__code__", None)
        if code is not None and name not in ("kernel", "helper") and not (set(code.co_names) & set(found)) - {"word"}:
            found[name] = _helpers.setdefault((code.co_code, code.co_consts, code.co_names, code.co_varnames), thing)


def linked(text, name):
    """Return the module of a kernel: all of its functions as Numba wrote them, called `symbol`.

    Numba's own wrapper for C (`cfunc`) takes Python's lock to report exceptions. Kernels raise none, so the wrapper
    here ignores the status that a Numba function returns, and what computes it falls away. Numba's engine never sees
    the module: it is linked and optimised once, with the wrapper in place, and given to the caller.
    """
    function, exported = _function(text, name), symbol(text, name)
    parts = _lowered(function)
    library = parts["library"]
    library.add_llvm_module(_wrapper(parts, exported))
    module = library._final_module
    for other in dict.fromkeys(library._linking_libraries):
        module.link_in(other._get_module_for_linking(), preserve=True)
    turns = function.py_func.__globals__.get("TURNS")
    if turns is not None:
        module = interleaved(module, turns)
    _hide_all_but(exported, module)
    return machine_code.alone(module)


def interleaved(module, turns):
    """Return a module whose loops take so many vectors at a time, each instruction for all of them in a row.

    LLVM takes one vector after the other where the body of a loop is long. A processor then meets the next one too late
    to work on it while it waits for results of this one.
    """
    import llvmlite.binding as llvm

    lines, known, text = [], set(), str(module)
    number = 1 + max(map(int, re.findall(r"^!(\d+) =", text, re.M)), default=0)
    notes = [f'!{number} = !{{!"llvm.loop.interleave.count", i32 {turns}}}']
    for line in text.splitlines():
        label = re.match(r'("[^"]+"|[\w.$-]+):', line)
        if line.startswith("define"):
            known = set()
        elif label:
            known.add(label[1])
        elif line.startswith("  br ") and known.intersection(re.findall(r'label %("[^"]+"|[\w.$-]+)', line)):  # back to the head
            loop = number + len(notes)
            line += f", !llvm.loop !{loop}"
            notes.append(f"!{loop} = distinct !{{!{loop}, !{number}}}")
        lines.append(line)
    return llvm.parse_assembly("\n".join([*lines, *notes]))


def _lowered(function):
    """Compile up to the point where Numba would link; return what it made, by name."""
    from numba import types as t

    def customize(flags):
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        return flags

    compiler = copy.copy(function._compiler)
    compiler._customize_flags, compiler.pipeline_class = customize, _pipeline()
    return compiler.compile((t.int64, t.int64), t.void)._asdict()


@functools.cache
def _pipeline():
    """Return Numba's passes without those for closures and whole arrays, which no kernel has: a tenth of Numba's time."""
    from numba.core.compiler import CompilerBase, DefaultPassBuilder
    from numba.core.typed_passes import InlineOverloads, NopythonRewrites
    from numba.core.untyped_passes import InlineClosureLikes

    class Pipeline(CompilerBase):
        def define_pipelines(self):
            passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
            spare = (InlineClosureLikes, InlineOverloads, NopythonRewrites)
            passes.passes = [step for step in passes.passes if step[0] not in spare]
            passes.finalize()
            return [passes]

    return Pipeline


def _wrapper(parts, exported):
    """Return the function that C calls, into which the kernel is inlined; loops in it take the widest vectors there are.

    LLVM prefers vectors of 256 bits on many processors with AVX-512, for the sake of code that seldom uses them. And it
    aligns the stack to 16 bytes: vectors that find no register would lie in two lines of the cache each (a third more
    time of a long chain of functions, three times of four).
    """
    import llvmlite.binding as llvm
    from llvmlite import ir

    context, word = parts["target_context"], ir.IntType(64)
    module = parts["library"].create_ir_module(f"{exported}.wrapper")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [word, word]), exported)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    callee = context.declare_function(module, parts["fndesc"])
    signature = parts["signature"]
    context.call_conv.call_function(builder, callee, signature.return_type, signature.args, function.args)
    builder.ret_void()
    wide = ' "prefer-vector-width"="512"' if "+avx512f" in context.codegen()._tm_features else ""
    text = str(module).replace(")\n{", f') "stackrealign"{wide}\n{{', 1)  # llvmlite knows no attributes of two words
    return llvm.parse_assembly(text)


def _hide_all_but(exported, module):
    """Keep other definitions private: kernels share an engine, and Numba's names repeat from process to process."""
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name != exported and not value.name.startswith("llvm."):
            value.linkage = "internal"
