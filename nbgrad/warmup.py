"""Fill the kernel cache with what most programs use, before they run.

Which kernels those are is found by doing what programs do, on a small scale, while kernels are only noted
(`target.cpu.wanted`): every elementwise row and reduction of the table, forward and backward, and models that use what
`nn` and `optim` have. So the list follows the table and the layers by itself.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from . import demo, nn, optim
from .base.config import config
from .base.errors import FileError, problem
from .creation import ones
from .docs import rows
from .ops.activation import gelu, relu, silu
from .ops.composite import softmax
from .ops.joining import concatenate, split
from .ops.loss import cross_entropy, mse_loss
from .ops.transcendental import sigmoid, tanh
from .target.cpu.load import cache_info
from .target.cpu.store import writable
from .target.cpu.wanted import compile_all, wanted_kernels
from .tensor import Tensor
from .transform import grad

ROWS, COLUMNS = 64, 48
OPTIMIZERS = (optim.SGD, lambda p: optim.SGD(p, momentum=0.9), optim.Adam, optim.AdamW, optim.RMSProp)


class Warmed(NamedTuple):
    """What a warm-up did: kernels compiled, kernels that were there before, bytes of the cache, seconds."""

    compiled: int
    found: int
    bytes: int
    seconds: float


def warm(quick=False, processes=2, progress=None) -> Warmed:
    """Compile the kernels that most programs use into the cache.

    Afterwards nothing should be computed in this process: kernels that were noted do nothing here.

    Parameters
    ----------
    quick : bool
        Only those of the demo's model and of other small ones, not of every row of the table.
    processes : int
        How many compile at the same time.
    progress : callable, optional
        Called with (kernels done, kernels in all) after each.

    Raises
    ------
    FileError
        When the folder of kernels cannot be written.
    """
    start = time.perf_counter()
    tasks = [*models(), *([] if quick else table())]
    wanted = wanted_kernels(lambda: [_attempt(task) for task in tasks])
    missing = wanted.missing()
    if missing and not writable():
        what = f"warmup: kernels cannot be kept in {config.cache_dir()}"
        raise problem(FileError, what, "NBGRAD_CACHE_DIR=... of a folder that can be written")
    compile_all(missing, processes, progress or (lambda done, total: None))
    return Warmed(len(missing), len(wanted.kernels) - len(missing), cache_info().bytes, time.perf_counter() - start)


def _attempt(task):
    """Run a task and say whether it came to its end: numbers that no kernel computed may lead to any exception."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            task()
        except Exception:
            return False
    return True


def array(*shape) -> Tensor:
    """Return a leaf of float32 that wants a gradient."""
    return Tensor(np.full(shape, 0.5, np.float32), requires_grad=True)


def backward(f, *args):
    """Call `f`, and take the gradient of its sum."""
    out = f(*args)
    if out.dtype.kind == "f" and out.node is not None:
        (out * ones(out.shape, dtype=out.dtype)).sum().backward()
        out = f(*args)
        out.sum().backward()


def table() -> Iterator[Callable]:
    """Give a task for each elementwise row, on equal shapes, a row of numbers, and a number; and for each reduction."""
    kinds = rows()
    for op in kinds["elementwise"]:
        count = len(op.params)
        shapes = [((ROWS, COLUMNS),) * count]
        if count == 2:
            shapes += [((ROWS, COLUMNS), (COLUMNS,)), ((ROWS, COLUMNS), ()), ((), (ROWS, COLUMNS))]
        for given in shapes:
            yield lambda op=op, given=given: backward(op, *(array(*shape) for shape in given))
    for op in kinds["reduction"]:
        for axis in (None, 0, -1):
            yield lambda op=op, axis=axis: backward(lambda x: op(x, axis=axis, keepdims=False), array(ROWS, COLUMNS))


def models() -> Iterator[Callable]:
    """Give tasks that train small models, and the demo."""
    for activation in (relu, tanh, sigmoid, gelu, silu):
        yield lambda activation=activation: train(
            nn.Sequential(nn.Linear(64, 256), activation, nn.Linear(256, 10)), (64, 64), classify, OPTIMIZERS
        )
    yield lambda: train(nn.Sequential(nn.Linear(2, 32), tanh, nn.Linear(32, 1)), (64, 2), regress)
    yield lambda: train(convolutional(), (8, 3, 16, 16), classify)
    yield lambda: train(Attention(), (4, 16), classify, integers=True)
    yield second_derivative
    yield demo_steps


def train(model, shape, loss_of, optimizers=(optim.Adam,), integers=False):
    """Take two steps with each optimizer, and predict once."""
    x = np.zeros(shape, np.int64 if integers else np.float32)
    for make in optimizers:
        optimizer = make(model)
        for _ in range(2):
            optimizer.zero_grad()
            loss = loss_of(model(Tensor(x)))
            loss.backward()
            optimizer.step()
            loss.item()
    model.eval()
    model(Tensor(x)).argmax(-1)


def classify(logits):
    """Return the cross-entropy of made-up classes."""
    return cross_entropy(logits, Tensor(np.zeros(len(logits), np.int64)))


def regress(y):
    """Return the squared distance from made-up numbers."""
    return mse_loss(y, Tensor(np.zeros(y.shape, np.float32)))


def convolutional():
    """Return a model of every layer for images."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm(16), relu, nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, stride=2, padding=1), relu,
        nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.Conv2d(32, 32, 1), nn.GroupNorm(4, 32), silu, nn.AvgPool2d(2),
        nn.GlobalAvgPool(), nn.Dropout(0.1), nn.Linear(32, 10),
    )  # fmt: skip


class Attention(nn.Module):
    """A layer of attention over embedded tokens, with what belongs to it."""

    def __init__(self):
        self.embed = nn.Embedding(100, 32)
        self.norms = nn.Sequential(nn.LayerNorm(32), nn.RMSNorm(32))
        self.project, self.out = nn.Linear(32, 96), nn.Linear(64, 10)

    def forward(self, tokens):
        x = self.norms(self.embed(tokens))
        q, k, v = (part.reshape(*x.shape[:2], 2, 16).transpose(0, 2, 1, 3) for part in split(self.project(x), 3, axis=-1))
        mixed = softmax(q @ k.swapaxes(-1, -2) * 0.25, axis=-1) @ v
        return self.out(concatenate([x, mixed.transpose(0, 2, 1, 3).reshape(x.shape)], axis=-1).mean(1))


def second_derivative():
    """Take derivatives of a derivative, as equations of physics do."""
    weights = [array(1, 32), array(32, 32), array(32, 1)]

    def net(x, ws):
        for w in ws[:-1]:
            x = tanh(x @ w)
        return x @ ws[-1]

    slope = lambda x, ws: grad(lambda x: net(x, ws).sum())(x)
    grad(lambda ws: (grad(lambda x: slope(x, ws).sum())(array(64, 1)) ** 2).mean())(weights)


def demo_steps():
    """Take the demo's steps on made-up images, and do what it does at its end."""
    images = SimpleNamespace(arrays=(np.zeros((128, *demo.SHAPE), np.float32), np.zeros(128, np.int64)))
    model = demo.build()
    optimizer = optim.Adam(model)
    for count in (64, 29):  # a batch, and the shorter one at the end of an epoch
        x, y = (a[:count] for a in images.arrays)
        loss, logits = demo.loss_of(model, x, y)
        loss.backward()
        optimizer.step()
        logits.argmax(-1)
    demo.accuracy(model, images)
    twin = demo.build().astype("float64")  # as its check of gradients
    demo.loss_of(twin, x[:8].astype(np.float64), y[:8])[0].backward()
