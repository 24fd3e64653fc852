"""Run one op on arrays: look up its plan, load its kernels, call them. The road of every eager op."""

import ast
import functools
import inspect
import re
import textwrap
from pathlib import Path

import numpy as np

from ...base.errors import KernelError, problem
from ...ops.elementary import find
from ...plan.mapping import plan_map
from ...plan.plan import Kernel, Layout, packed, plan_primitive
from ...plan.reducing import plan_arg, plan_reduce
from . import loops_conv, loops_gather, loops_matmul, loops_place, loops_random, loops_road, loops_rows, loops_scan, loops_scatter, loops_sort, loops_window
from .emit import emit_helper, emit_inline
from .load import load
from .native import call, make_program
from .prelude import prelude
from .templates import TEXTS

empty = np.empty
LOOPS = {}
for module in (loops_conv, loops_gather, loops_matmul, loops_place, loops_random, loops_road, loops_rows, loops_scan, loops_scatter, loops_sort, loops_window):
    LOOPS.update(
        {n: (f, module) for n, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__}
    )


def kernel_name(kernel: Kernel) -> str:
    """Return a readable name of a kernel: loop, row and dtypes."""
    row = getattr(kernel.body, "name", None)
    return "_".join([kernel.loop, *([row] if row else []), *dict.fromkeys(kernel.dtypes)])


@functools.cache
def source(kernel: Kernel) -> str:
    """Return the whole text of the file that holds a kernel."""
    name = kernel_name(kernel)
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
    return load(source(kernel), kernel_name(kernel))


class Launch:
    """A plan ready to run on arrays of one layout: programs, and which buffers each takes."""

    __slots__ = ("copies", "dtype", "programs", "scratch", "shape", "single", "zero")

    def __init__(self, plan):
        self.shape, self.dtype, self.zero, self.copies = plan.shape, np.dtype(plan.dtype), plan.zero, plan.copies
        self.scratch = tuple((shape, np.dtype(d)) for shape, d in plan.scratch)
        self.programs = [
            (make_program(address(s.kernel), s.words, s.tiles, len(s.pointers)), s.pointers) for s in plan.steps
        ]
        plain = len(self.programs) == 1 and not (self.scratch or self.copies or self.zero)
        inputs_then_out = plain and self.programs[0][1] == tuple(range(len(self.programs[0][1])))
        self.single = self.programs[0][0] if inputs_then_out else None

    def __call__(self, arrays, out=None):
        if self.single is not None:
            if out is None:
                out = empty(self.shape, self.dtype)
            call(self.single, *arrays, out)
            return out
        if out is None:
            out = (np.zeros if self.zero else empty)(self.shape, self.dtype)
        if self.copies:
            arrays = [copy(a) if i in self.copies else a for i, a in enumerate(arrays)]
        buffers = [*arrays, out, *(np.empty(shape, d) for shape, d in self.scratch)]
        for program, pointers in self.programs:
            call(program, *[buffers[i] for i in pointers])
        return out


class SeveralLaunch(Launch):
    """A launch that makes several arrays: called with the inputs, it returns them in a list."""

    __slots__ = ("results",)

    def __init__(self, plan):
        super().__init__(plan._replace(shape=(), dtype="float64"))
        self.results = tuple((shape, np.dtype(d)) for shape, d in zip(plan.shape, plan.dtype))

    def __call__(self, arrays, out=None):
        made = [empty(shape, d) for shape, d in self.results]
        if self.copies:
            arrays = [copy(a) if i in self.copies else a for i, a in enumerate(arrays)]
        if self.single is not None:
            call(self.single, *arrays, *made)
            return made
        buffers = [*arrays, *made, *(empty(shape, d) for shape, d in self.scratch)]
        for program, pointers in self.programs:
            call(program, *[buffers[i] for i in pointers])
        return made


def layout(a) -> Layout:
    """Return the layout of an array whose strides are whole elements."""
    size = a.itemsize
    return Layout(a.shape, tuple([s // size for s in a.strides]), a.dtype.name)


def copy(a):
    """Return a row-major copy of a strided array."""
    return np.ascontiguousarray(a)


_launches: dict = {}


def run_map(op, arrays, shape, dtype, out=None):
    """Run an elementwise row on arrays that broadcast to `shape`; `out` may be a strided array to fill."""
    return map_launch(op, arrays, shape, dtype, out)(arrays, out)


def map_launch(op, arrays, shape, dtype, out=None):
    """Return what runs an elementwise row on arrays of these layouts."""
    key = (op, dtype, out is not None and out.strides, *[(a.dtype, a.shape, a.strides) for a in arrays], shape)
    launch = _launches.get(key)
    if launch is None:
        target = packed(shape, dtype.name) if out is None else layout(out)
        launch = _launches[key] = Launch(plan_map(op, tuple(map(layout, arrays)), target))
        _trim()
    return launch


def run_reduce(op, x, axes, shape, dtype, acc):
    """Run a reduction row over `axes` into a new array."""
    key = (op, x.dtype, x.shape, x.strides, axes, shape)
    launch = _launches.get(key)
    if launch is None:
        launch = _launches[key] = Launch(plan_reduce(op, layout(x), axes, packed(shape, dtype.name), acc.name))
        _trim()
    return launch((x,))


def primitive_launch(op, arrays, attrs, shape, dtype):
    """Return what runs a primitive on arrays of these layouts; shape and dtype are tuples for a row with several results."""
    key = (op, *[(a.dtype, a.shape, a.strides) for a in arrays], *attrs.values(), shape, dtype)
    launch = _launches.get(key)
    if launch is None:
        layouts, make = tuple(map(layout, arrays)), Launch
        if op.several:
            out, make = tuple([packed(s, d.name) for s, d in zip(shape, dtype)]), SeveralLaunch
        else:
            out = packed(shape, dtype.name)
        if op.name == "arg_extreme":
            plan = plan_arg(attrs["largest"], layouts[0], attrs["axis"], out)
        else:
            plan = plan_primitive(op, layouts, attrs, out)
        launch = _launches[key] = make(plan)
        _trim()
    return launch


def _trim(limit=20000):
    """Forget the oldest half when many layouts were seen (shapes that change at every call)."""
    if len(_launches) > limit:
        for key in list(_launches)[: limit // 2]:
            del _launches[key]
