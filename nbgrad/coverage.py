"""What of the op table is there on each target: every row is run, forward and backward, and compiled for GPUs.

Each target but the CPU is asked in a process of its own: Numba's simulator takes the place of CUDA in a whole process.
"""

import functools
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .base.config import config
from .base.errors import KernelError, problem
from .cuda import why_not
from .docs import find, rows
from .ops.table import table
from .samples import samples
from .tape.rules import flows, told
from .target.cuda.noted import noted_kernels
from .target.cuda.package import package
from .target.cuda.ptx import ARCHITECTURES, ptx
from .tensor import Tensor
from .transform import vjp

TARGETS = ("cpu", "simulator", "ptx", "device")
SHOWN = {"cpu": "CPU", "simulator": "simulator", "ptx": "PTX", "device": "device"}
ROOM = {"float32": 3e-5, "float64": 1e-11}  # how far sums of another order may be from the CPU's, of the largest number
ASKED = "from nbgrad.coverage import tell; tell({!r}, {!r}, {!r}, {!r})"


class Answer(NamedTuple):
    """What a target says about a row.

    why : what is not there or not right, "" when all is. Where `op` is "", the target itself is not there.
    """

    target: str
    op: str
    why: str = ""


def results(op, sample, device="cpu") -> list:
    """Return what a call of a row gives on a device, and the gradients of its arrays of floats, as NumPy's arrays."""
    tensors = [Tensor(a).to(device) for a in sample.arrays]
    places = [i for i, t in enumerate(tensors) if t.dtype.kind == "f" and told(op, i) and flows(op, i)]

    def call(*floats):
        given = dict(zip(places, floats))
        out = op(*[given.get(i, t) for i, t in enumerate(tensors)], **sample.attrs)
        return (*out,) if op.several else (out,)

    outs, pull = vjp(call, *[tensors[i] for i in places])
    wanted = places and outs[0].dtype.kind == "f"
    grads = pull(tuple([_weights(o, device) for o in outs])) if wanted else ()
    return [t.numpy() for t in (*outs, *grads)]


def _weights(out, device):
    """Return the gradient that is taken back from a result: numbers up to 1, each another."""
    numbers = np.arange(1, out.size + 1).reshape(out.shape) / max(1, out.size)
    return Tensor(numbers.astype(out.dtype)).to(device)


def difference(op, device, dtype="float32") -> str:
    """Run the samples of a row on a device and on the CPU; return what differs, "" when nothing does."""
    for sample in samples(op, dtype):
        for i, (a, b) in enumerate(zip(results(op, sample), results(op, sample, device))):
            if (a.shape, a.dtype) != (b.shape, b.dtype):
                return f"array {i} is {b.dtype}{list(b.shape)}, not {a.dtype}{list(a.shape)}"
            room = ROOM[dtype] * np.abs(a[np.isfinite(a)]).max(initial=1.0) if a.dtype.kind == "f" else 0.0
            if not np.allclose(a, b, rtol=0.0, atol=room, equal_nan=True):
                return f"array {i} differs from the CPU's for {sample.attrs}"
    return ""


def kernels(op, dtype="float32") -> list:
    """Return the kernels that the samples of a row launch on a GPU, forward and backward.

    >>> [k.loop for k in kernels(table["tanh"])]
    ['map', 'map']
    """
    return noted_kernels(lambda: [results(op, sample, "meta") for sample in samples(op, dtype)])


def answer(op, target, dtype="float32", architectures=ARCHITECTURES) -> Answer:
    """Return what a target of this process says about a row: whatever is raised is why it is not there."""
    try:
        if target == "ptx":
            for kernel in kernels(op, dtype):
                for architecture in architectures:
                    _compile(kernel, architecture)
            return Answer(target, op.name)
        return Answer(target, op.name, difference(op, "cpu" if target == "cpu" else "cuda", dtype))
    except Exception as error:
        return Answer(target, op.name, f"{type(error).__name__}: {error}".splitlines()[0][:200])


@functools.cache
def _compile(kernel, architecture):
    """Compile a kernel; rows share many."""
    assert ".visible .entry" in ptx(kernel, architecture), "a kernel without an entry"


def absent(target) -> str:
    """Return why a target cannot be asked in this process; "" when it can."""
    if target == "simulator":
        return "" if package().simulated else f"{package().name} has no simulator"
    if target == "device":
        return why_not() or ""
    if target == "ptx":
        return "numba-cuda is not installed: pip install nbgrad[cu13]" if package().name == "builtin" else answer(table["neg"], "ptx").why
    return ""


def tell(target, names, dtype="float32", architectures=ARCHITECTURES):
    """Print what a target says about rows, one answer per line, as JSON."""
    rows()
    missing = absent(target)
    found = [Answer(target, "", missing)] if missing else (answer(table[name], target, dtype, architectures) for name in names)
    for one in found:
        print(json.dumps(one), flush=True)


def asked(targets, names, dtype="float32", architectures=ARCHITECTURES) -> Iterator[Answer]:
    """Ask targets about rows, all at the same time, each in a process of its own.

    Raises
    ------
    KernelError
        When a process ends before it has answered.
    """
    processes = []
    for target in targets:
        environ = config.environ(NUMBA_ENABLE_CUDASIM="1" if target == "simulator" else "0")
        command = [sys.executable, "-c", ASKED.format(target, tuple(names), dtype, architectures)]
        processes.append(subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    for target, process in zip(targets, processes):
        with process:
            for line in process.stdout:
                yield Answer(*json.loads(line))
            errors = process.stderr.read()
        if process.returncode:
            last = (errors.strip().splitlines() or ["no message"])[-1]
            raise problem(KernelError, f"{SHOWN[target]}: the process that was asked ended with {process.returncode}: {last}")


def coverage_text(names=(), dtype="float32", progress=lambda done, total: None) -> str:
    """Return a table: per row what the CPU, the simulator, the compiler for GPUs and a GPU say, then the sums.

    Parameters
    ----------
    names : sequence of str
        Rows; all of them when there are none.
    dtype : str
        "float32" or "float64", of the samples.
    progress : callable
        Called with (answers there, answers in all).
    """
    names = [find(name).name for name in names] or [op.name for found in rows().values() for op in found]
    answers, total = {}, len(names) * len(TARGETS)
    for one in asked(TARGETS, names, dtype):
        answers[one.target, one.op] = one
        progress(len(answers), total)
    progress(total, total)
    width = max(map(len, names))
    lines = ["  ".join(["op".ljust(width), *SHOWN.values()])]
    for name in names:
        given = [answers.get((target, name)) for target in TARGETS]
        marks = ["-" if one is None else "no" if one.why else "yes" for one in given]
        lines.append("  ".join([name.ljust(width), *[mark.ljust(len(SHOWN[t])) for t, mark in zip(TARGETS, marks)]]).rstrip())
        lines += [f"  {SHOWN[one.target]}: {one.why}" for one in given if one is not None and one.why]
    return "\n".join([*lines, "", *_sums(answers, names)])


def _sums(answers, names):
    for target in TARGETS:
        if (target, "") in answers:
            yield f"{SHOWN[target]}: not there; {answers[target, ''].why}"
            continue
        given = [answers[target, name] for name in names]
        yield f"{SHOWN[target]}: {sum(not one.why for one in given)} of {len(names)} rows"
