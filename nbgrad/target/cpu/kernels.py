"""From a kernel to its text, and from there to the address of its machine code."""

import ast
import functools
import inspect
import re
import textwrap
from pathlib import Path

from ...base.errors import KernelError, problem
from ...ops.elementary import find
from ...plan.calling import ALONE
from ...plan.plan import Kernel
from ..lowering import emit_helper
from . import (
    loops_channels,
    loops_entropy,
    loops_gather,
    loops_matmul,
    loops_norm,
    loops_place,
    loops_pool,
    loops_random,
    loops_rows,
    loops_scan,
    loops_scatter,
    loops_sort,
)
from .call_text import call_text
from .emit import emit_inline
from .load import load, load_all
from .map_reduce_text import TEXTS as MAP_REDUCE_TEXTS
from .prelude import prelude
from .reduce_text import TEXTS as REDUCE_TEXTS
from .templates import map_text
from .windows import NAMES as WINDOWS
from .windows import window_address

TEXTS = {"map": map_text, "call": call_text, ALONE: call_text, **REDUCE_TEXTS, **MAP_REDUCE_TEXTS}
LOOPS = {}
for module in (
    loops_channels, loops_entropy, loops_gather, loops_matmul, loops_norm, loops_place, loops_pool, loops_random,
    loops_rows, loops_scan, loops_scatter, loops_sort,
):  # fmt: skip
    LOOPS.update(
        {n: (f, module) for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__}
    )


@functools.cache
def source(kernel: Kernel) -> str:
    """Return the whole text of the file that holds a kernel."""
    name = kernel.name
    if kernel.loop in TEXTS:
        body = TEXTS[kernel.loop](kernel, name)
    else:
        body = _loop_text(kernel, name)
    body = re.sub(r"\n\s*\n(?= +\S)", "\n", body)  # parts of a template that a kernel does not need leave blank lines
    return f"{prelude(kernel.dtypes)}\n{body}"


def _loop_text(kernel, name):
    """Return the text of a loop kept as a function in `loops_*.py`, with its static choices as constants."""
    if kernel.loop not in LOOPS:
        raise problem(KernelError, f"no loop named {kernel.loop!r} for this target", "add it to target/cpu/loops_*.py")
    fn, module = LOOPS[kernel.loop]
    helpers, elementary = {}, {}
    for helper in getattr(module, "HELPERS", {}).get(kernel.loop, ()):
        if isinstance(helper, str):
            helpers[helper] = Path(__file__).with_name(helper).read_text()
        elif isinstance(helper, tuple):  # a name, and what writes the text for a kernel
            helpers[helper[0]] = helper[1](kernel)
        elif inspect.isbuiltin(helper):  # math.exp: in the loop and its helpers, the function of the first dtype
            found = find(helper.__name__, kernel.dtypes[0])
            if found is not None:
                emit_inline(found, helpers)
                elementary[f"math.{helper.__name__}("] = f"{found.__name__}("
        else:
            emit_helper(helper, helpers)
    tree = ast.parse(textwrap.dedent(inspect.getsource(fn))).body[0]
    tree.name, tree.decorator_list = name, []
    constants = [f"S{i} = {value!r}" for i, value in enumerate(kernel.static)]
    for used in sorted(set(fn.__code__.co_names) - set(helpers)):
        value = getattr(module, used, None)
        if isinstance(value, (bool, int, float)):
            constants.append(f"{used} = {value!r}")
    text = "\n".join([*constants, *helpers.values(), "", "", "@kernel", ast.unparse(tree), ""])
    for called, found in elementary.items():
        text = text.replace(called, found)
    return text


@functools.cache
def address(kernel: Kernel) -> int:
    """Return the machine address of a kernel, compiled or read from the cache."""
    if kernel.loop in WINDOWS:
        return window_address(kernel.loop, kernel.dtypes[0])
    return load(source(kernel), kernel.name)


def prepare(kernels) -> None:
    """Compile or read kernels that will be asked for, which takes less time together than one by one."""
    load_all([(source(k), k.name) for k in kernels if k.loop not in WINDOWS])
