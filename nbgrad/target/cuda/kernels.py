"""From a kernel to its text, and from there to a function of a CUDA package."""

import ast
import functools
import inspect
import re
import textwrap

from ...base.errors import KernelError, problem
from ...plan.plan import Kernel
from ..cpu.load import source_path
from ..lowering import emit_helper
from . import (
    arg_text,
    cublas,
    cudnn,
    loops_channels,
    loops_entropy,
    loops_gather,
    loops_norm,
    loops_place,
    loops_pool,
    loops_product,
    loops_random,
    loops_rows,
    loops_scan,
    loops_scatter,
    loops_sort,
    loops_window,
    map_text,
    mapped_text,
    product_text,
    reduce_text,
    simulated_kernel,
    simulated_math,
)
from .package import package
from .prelude import prelude

TEXT_MODULES = (arg_text, map_text, mapped_text, product_text, reduce_text)  # loops that rows fill: TEXTS, and LAUNCH of each
MODULES = (  # loops kept as functions: LAUNCH of each, and the HELPERS that they call
    loops_channels,
    loops_entropy,
    loops_gather,
    loops_norm,
    loops_place,
    loops_product,
    loops_pool,
    loops_random,
    loops_rows,
    loops_scan,
    loops_scatter,
    loops_sort,
    loops_window,
)
CALLS = {**cublas.CALLS, **cudnn.CALLS}  # loops that are calls of libraries -> what makes the call of a kernel
TEXTS = {loop: text for module in TEXT_MODULES for loop, text in module.TEXTS.items()}
LOOPS = {
    n: (f, module) for module in MODULES for n, f in vars(module).items()
    if inspect.isfunction(f) and f.__module__ == module.__name__ and n in module.LAUNCH
}  # fmt: skip

LAUNCH = {loop: launch for module in (*TEXT_MODULES, *MODULES) for loop, launch in module.LAUNCH.items()}


@functools.cache
def source(kernel: Kernel) -> str:
    """Return the whole text of the file that holds a kernel.

    Raises
    ------
    KernelError
        For a loop that has no text for CUDA.
    """
    name = kernel.name
    if kernel.loop in CALLS:
        return f"# {name}: a call of {CALLS[kernel.loop].__module__.rpartition('.')[2]}.{CALLS[kernel.loop].__name__}\n"
    if kernel.loop in TEXTS:
        body = TEXTS[kernel.loop](kernel, name)
    else:
        body = _loop_text(kernel, name)
    body = re.sub(r"\n\s*\n(?= +\S)", "\n", body)
    return f"{prelude(package(), kernel.dtypes)}\n{body if package().simulated else unsigned(body)}"


def unsigned(text) -> str:
    """Return a text in which kernels and their helpers count the places of arrays by unsigned numbers.

    Numba counts a negative one from the end of the array. None of ours is, but the compiler cannot know: each access has four
    instructions more, and loops whose addresses it could count up compute each anew.
    """
    tree = ast.parse(text)
    for fn in tree.body:
        if isinstance(fn, ast.FunctionDef) and any(ast.unparse(d) in ("kernel", "helper") for d in fn.decorator_list):
            _Unsigned(fn).visit(fn)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


class _Unsigned(ast.NodeTransformer):
    def __init__(self, fn):
        made = [n for n in ast.walk(fn) if isinstance(n, ast.Assign) and ast.unparse(n.value).startswith(("cuda.shared", "cuda.local"))]
        self.arrays = {a.arg for a in fn.args.args} | {n.targets[0].id for n in made}

    def visit_Subscript(self, node):
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id in self.arrays:
            node.slice = ast.Tuple(list(map(_cast, node.slice.elts))) if isinstance(node.slice, ast.Tuple) else _cast(node.slice)
        return node


def _cast(index):
    """Return an index as an unsigned number."""
    return index if isinstance(index, (ast.Constant, ast.Slice)) else ast.Call(ast.parse("np.uint64", mode="eval").body, [index], [])


def _loop_text(kernel, name):
    """Return the text of a loop kept as a function in `loops_*.py`, with its static choices as constants."""
    if kernel.loop not in LOOPS:
        raise problem(KernelError, f"the loop {kernel.loop} is not there on CUDA", 'the same on the CPU: x.to("cpu")')
    fn, module = LOOPS[kernel.loop]
    helpers: dict = {}
    for helper in getattr(module, "HELPERS", {}).get(kernel.loop, ()):
        if isinstance(helper, tuple):  # a name, and what writes the text for a kernel
            helpers[helper[0]] = helper[1](kernel)
        else:
            emit_helper(helper, helpers)
    tree = ast.parse(textwrap.dedent(inspect.getsource(fn))).body[0]
    tree.name, tree.decorator_list = name, []
    text = "\n".join([*helpers.values(), "", "", "@kernel", ast.unparse(tree), ""])
    # Choices that only the CPU's loop reads are left out: kernels that differ in nothing else are one text, compiled once.
    constants = [f"S{i} = {value!r}" for i, value in enumerate(kernel.static) if re.search(rf"\bS{i}\b", text)]
    for used in sorted(set(fn.__code__.co_names) - set(helpers)):
        value = getattr(module, used, None)
        if isinstance(value, (bool, int, float)):
            constants.append(f"{used} = {value!r}")
    return "\n".join([*constants, text])


@functools.cache
def function(kernel: Kernel, watched=False):
    """Return a kernel as a function of the package: called with its words, then its operands, each a flat array.

    One that is `watched` takes an array before them, and does nothing where that does not begin with 0. For a call of a
    library, which has no grid: what takes the words, a list of the operands and the stream.
    """
    if kernel.loop in CALLS:
        return CALLS[kernel.loop](kernel)
    text = source(kernel)
    return _loaded(_watched(text) if watched else text, kernel.name)


@functools.cache
def compiled(body, name, watched=False):
    """Return the kernel of a text that stands for no op: what `prelude` returns comes above it."""
    text = f"{prelude(package(), ())}\n{body if package().simulated else unsigned(body)}"
    return _loaded(_watched(text) if watched else text, name)


def _watched(text) -> str:
    """Return a text whose kernel asks first whether it is to run (see `watch`)."""
    tree = ast.parse(text)
    for fn in tree.body:
        if isinstance(fn, ast.FunctionDef) and any(ast.unparse(d) == "kernel" for d in fn.decorator_list):
            fn.args.args.insert(0, ast.arg("halted"))
            fn.body[:0] = ast.parse("if halted[0] != 0:\n    return").body
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _loaded(text, name):
    file, space = str(source_path(text, name)), {"__name__": f"nbgrad_cuda_{name}"}  # beside it the package keeps its machine code
    if package().simulated:
        space |= {**simulated_kernel.NAMES, **simulated_math.NAMES}
    exec(compile(text, file, "exec"), space)
    return space[name]


def grid(kernel: Kernel, words) -> tuple | None:
    """Return (blocks, threads of each) of the launch of a kernel with these words of its plan; None for a call of a library.

    Raises
    ------
    KernelError
        For a loop that is not there on CUDA.
    """
    if kernel.loop in CALLS:
        return None
    if kernel.loop not in LAUNCH:
        raise problem(KernelError, f"the loop {kernel.loop} is not there on CUDA", 'the same on the CPU: x.to("cpu")')
    return LAUNCH[kernel.loop](words).grid(package())
