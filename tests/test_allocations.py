"""A run of a program allocates nothing: neither Python, nor NumPy, nor any kernel asks for memory."""

import tracemalloc

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.plan.calls import Loop, Reversal, Stop, While
from nbgrad.target.cpu import build, store
from nbgrad.target.cpu.kernels import source
from nbgrad.target.cpu.program import REPLAY
from nbgrad.target.cpu.symbols import undefined_symbols
from nbgrad.target.cpu.windows import NAMES as WINDOWS

ASKING = {"malloc", "calloc", "realloc", "free", "posix_memalign", "aligned_alloc", "_Znwm", "PyMem_RawMalloc"}
TUPLE = 400  # bytes: the arguments of the one call from Python
rng = np.random.default_rng(0)
normal = lambda *shape: ng.tensor(rng.standard_normal(shape).astype("float32"))


def trained(model, x, y):
    optimizer = ng.optim.Adam(model)

    @ng.compile
    def step(x, y):
        loss = ng.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step, (x, y)


def dense():
    return trained(ng.nn.Sequential(ng.nn.Linear(30, 40), ng.tanh, ng.nn.Linear(40, 5)), normal(16, 30), ng.tensor(rng.integers(0, 5, 16)))


def convolutional():
    model = ng.nn.Sequential(ng.nn.Conv2d(1, 4, 3, padding=1), ng.relu, ng.nn.MaxPool2d(2), ng.nn.Flatten(), ng.nn.Linear(64, 5))
    return trained(model, normal(8, 1, 8, 8), ng.tensor(rng.integers(0, 5, 8)))


def recurrent():
    w = normal(6, 6)

    @ng.compile
    def gradient(h, xs):
        def loss(h):
            return (ng.scan(lambda h, x: (ng.tanh(h @ w + x), None), h, xs)[0] ** 2).sum()

        return ng.grad(loss)(h)

    return gradient, (normal(4, 6), normal(9, 4, 6))


def repeated():
    @ng.compile
    def gradient(x):
        return ng.grad(lambda x: ng.while_loop(lambda c: (c * c).sum() < 100.0, lambda c: c * 1.5, x).sum())(x)

    return gradient, (ng.tensor([0.1, 0.2]),)


def checkpointed():
    w = normal(6, 6)

    @ng.compile
    def gradient(h, xs, c):
        def loss(h, c):
            h = ng.scan(lambda h, x: (ng.tanh(h @ w + x), None), h, xs, checkpoint=True)[0]
            return (h * h).sum() + ng.while_loop(lambda c: (c * c).sum() < 100.0, lambda c: c * 1.5, c, checkpoint=True).sum()

        return ng.grad(loss, (0, 1))(h, c)

    return gradient, (normal(4, 6), normal(9, 4, 6), ng.tensor([0.1, 0.2]))


STEPS = pytest.mark.parametrize("made", [dense, convolutional, recurrent, repeated, checkpointed])


@STEPS
def test_python_and_numpy_allocate_nothing(made):
    step, args = made()
    step(*args)
    run = step.latest
    given, original = [], run.program.run
    run.program.run = lambda arrays, caller=None: (given.append(list(arrays)), original(arrays))[1]
    step(*args)
    (table, *_), arrays = run.program._free[-1], given[0]
    REPLAY(table, *arrays)
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(100):
            REPLAY(table, *arrays)
        now, most = tracemalloc.get_traced_memory()
        assert now - before < TUPLE
        assert most - before < TUPLE
    finally:
        tracemalloc.stop()


@STEPS
def test_no_kernel_can_ask_for_memory(made):
    step, args = made()
    step(*args)
    found = list(kernels_of(step.latest.program.schedule))
    assert found
    for kernel in found:
        if kernel.loop not in WINDOWS:
            code = store.read_object(build.stem(source(kernel), kernel.name) + ".o")
            assert not ASKING & set(undefined_symbols(code.data)), kernel.loop


def kernels_of(schedule):
    """Yield the kernels of a schedule and of the loops in it."""
    for wave in schedule.waves:
        for item in wave:
            if isinstance(item, Stop):
                continue
            if isinstance(item.kernel, Loop):
                yield from kernels_of(item.kernel.schedule)
            elif isinstance(item.kernel, While):
                yield from kernels_of(item.kernel.condition.schedule)
                yield from kernels_of(item.kernel.body.schedule)
            elif isinstance(item.kernel, Reversal):
                yield from kernels_of(item.kernel.again.schedule)
                yield from kernels_of(item.kernel.back.schedule)
            else:
                yield item.kernel
