"""The demo: a digit classifier on real images, trained by gradients that nbgrad computed."""

import hashlib
import time
from itertools import islice
from pathlib import Path

import numpy as np

from .base.errors import require
from .base.files import remove
from .compiling.compile import compile
from .data import batches, load_digits
from .gradcheck import gradcheck
from .io import latest_checkpoint, load_checkpoint, save_checkpoint
from .nn import Conv2d, Flatten, Linear, MaxPool2d, Module, Sequential
from .ops.activation import relu
from .ops.loss import cross_entropy
from .optim import Adam
from .optim import schedule as schedules
from .random import seed as set_seed
from .record import Tape
from .tape.tape import no_grad
from .tensor import Tensor
from .viz import svg

SHAPE = (1, 8, 8)
RATE = 3e-3


def build(seed=0) -> Module:
    """Return the classifier: two convolutions with pooling, then two dense layers, to 10 classes."""
    set_seed(seed)
    return Sequential(
        Conv2d(1, 16, 3, padding=1), relu, MaxPool2d(2),
        Conv2d(16, 32, 3, padding=1), relu, MaxPool2d(2),
        Flatten(), Linear(128, 64), relu, Linear(64, 10),
    )  # fmt: skip


def loss_of(model, x, y):
    """Return mean cross-entropy and logits of one batch."""
    logits = model(Tensor(x))
    return cross_entropy(logits, Tensor(y)), logits


def accuracy(model, dataset) -> float:
    """Return the share of right predictions."""
    x, y = dataset.arrays
    with no_grad():
        return float((predict(model, x) == y).mean())


def predict(model, x) -> np.ndarray:
    """Return the class of each image."""
    with no_grad():
        return model(Tensor(x)).argmax(-1).numpy()


def fingerprint(model) -> str:
    """Return a hash of all weights: equal only when they are equal bit for bit."""
    h = hashlib.sha256()
    for name, value in sorted(model.state().items()):
        h.update(name.encode())
        h.update(np.ascontiguousarray(np.asarray(value)).tobytes())
    return h.hexdigest()[:16]


class Training:
    """One run: model, optimizer, history, and the folder that holds its checkpoints and pictures."""

    def __init__(self, out, epochs, batch, seed, checkpoints=True, compiled=False):
        self.out, self.epochs, self.batch, self.seed = Path(out), epochs, batch, seed
        self.checkpoints = self.out / "checkpoints" if checkpoints else None
        self.train, self.test = load_digits(shape=SHAPE)
        self.model = build(seed)
        steps = epochs * -(-len(self.train) // batch)
        self.optimizer = Adam(self.model, lr=schedules.cosine(RATE, steps))
        self.epoch, self.losses, self.seconds = 0, [], []
        self.update = compile(self.taken) if compiled else self.taken

    def resume(self) -> bool:
        """Go on from the newest whole checkpoint, if there is one."""
        if self.checkpoints is None or latest_checkpoint(self.checkpoints) is None:
            return False
        found = load_checkpoint(self.checkpoints, model=self.model, optimizer=self.optimizer)
        self.epoch, self.losses = found.epoch, list(found.extra["losses"])
        return True

    def save(self):
        """Write a checkpoint, whole or not at all."""
        if self.checkpoints is not None:
            save_checkpoint(
                self.checkpoints,
                model=self.model,
                optimizer=self.optimizer,
                epoch=self.epoch,
                step=len(self.losses),
                extra={"losses": self.losses},
            )

    def step(self, x, y):
        """Take one step; return loss and accuracy on the batch."""
        start = time.perf_counter()
        loss, logits = self.update(x, y)
        self.seconds.append(time.perf_counter() - start)
        self.losses.append(loss.item())
        return self.losses[-1], float((logits.detach().numpy().argmax(-1) == y).mean())

    def taken(self, x, y):
        """Update the weights; return loss and scores. This is what `--compile` compiles."""
        loss, logits = loss_of(self.model, x, y)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss, logits

    def run(self, bar):
        """Train to the last epoch, with a checkpoint after each."""
        while self.epoch < self.epochs:
            for x, y in batches(self.train, self.batch, seed=self.seed, epoch=self.epoch):
                loss, right = self.step(x, y)
                bar.update()
                bar.set_postfix(epoch=self.epoch + 1, loss=f"{loss:.4f}", accuracy=f"{right:.2f}", refresh=False)
            self.epoch += 1
            self.save()


def check(model, dataset) -> str:
    """Compare the model's gradient with finite differences in float64, and say so."""
    x, y = dataset.arrays[0][:8].astype(np.float64), dataset.arrays[1][:8]
    # relu and pooling have kinks: the step is small enough that hardly a unit crosses one
    twin = build().astype("float64")
    twin.load_state({k: np.asarray(v, dtype=np.float64) for k, v in model.state().items()})
    parameters = twin.parameters()
    gradcheck(lambda p: cross_entropy(twin.apply(p, Tensor(x)), Tensor(y)), {k: v.detach().numpy() for k, v in parameters.items()},
              modes=("reverse",), directions=2, eps=1e-9)  # fmt: skip
    count = sum(v.size for v in parameters.values())
    return f"gradient check     {count:,} parameters against finite differences: passed"


def run(out="demo-output", epochs=20, batch=64, seed=0, resume=False, quiet=False, compiled=False) -> float:
    """Train, check, draw; return the accuracy on the test images.

    Parameters
    ----------
    out : path
        Folder for checkpoints and pictures.
    epochs, batch, seed : int
    resume : bool
        Go on from the newest checkpoint in `out`.
    quiet : bool
        No progress bar.
    compiled : bool
        Take the steps with `nbgrad.compile`.
    """
    tqdm = require("tqdm.auto", "demo")
    start = time.perf_counter()
    training = Training(out, epochs, batch, seed, compiled=compiled)
    if resume and training.resume():
        print(f"resumed after epoch {training.epoch}")
    elif training.checkpoints.exists():
        _clear(training.checkpoints)
    total = epochs * -(-len(training.train) // batch)
    print(
        f"training a small convolutional network on {len(training.train)} images of digits, testing on {len(training.test)}"
    )
    with tqdm.tqdm(total=total, initial=len(training.losses), disable=quiet, unit="step", mininterval=0.2) as bar:
        training.run(bar)
    print(check(training.model, training.test))
    right = accuracy(training.model, training.test)
    print(f"test accuracy      {100 * right:.2f} %")
    if training.seconds:
        print(
            f"time per step      {1e6 * float(np.median(training.seconds)):.0f} us (median of {len(training.seconds)})"
            + (f"; op by op {1e6 * eager_seconds(training):.0f} us" if compiled else "")
        )
    print(f"weights            {fingerprint(training.model)}")
    for line in draw(training):
        print(line)
    print(f"all of it          {time.perf_counter() - start:.1f} s")
    return right


def eager_seconds(training, steps=30) -> float:
    """Return the median time of a step that is not compiled, of a model like the one trained."""
    twin = Training(training.out, 1, training.batch, training.seed, checkpoints=False)
    for x, y in islice(batches(twin.train, twin.batch, seed=twin.seed), steps):
        twin.step(x, y)
    return float(np.median(twin.seconds))


def _clear(folder):
    """Remove the checkpoints of an earlier run; what else is in the folder is left."""
    for path in folder.glob("ckpt-*"):
        remove(path)


def draw(training) -> list:
    """Write the loss curve, the predictions and the tape of one step; return a line about each."""
    out = training.out
    out.mkdir(parents=True, exist_ok=True)
    loss_picture(training, out / "loss.png")
    predictions_picture(training, out / "predictions.png")
    x, y = training.train.arrays[0][:64], training.train.arrays[1][:64]
    with Tape() as tape:
        for name, p in training.model.named_parameters():
            tape.watch(p, name)
        loss, _ = loss_of(training.model, x, y)
        tape.gradient(loss, training.model.parameters(), create_graph=True)  # the backward is on the tape too
    (out / "tape.svg").write_text(svg(tape), encoding="utf-8")
    return [f"picture            {(out / name).resolve()}" for name in ("loss.png", "predictions.png", "tape.svg")]


def _axes(rows, columns, **kwargs):
    require("matplotlib", "demo")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", **kwargs)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def loss_picture(training, path):
    """Draw the loss of every step and its running mean."""
    figure, ax = _axes(1, 1, figsize=(7, 4), dpi=120)
    losses = np.asarray(training.losses)
    steps = np.arange(1, len(losses) + 1)
    ax.plot(steps, losses, color="#9ecae1", lw=0.8, label="each step")
    width = min(25, len(losses))
    ax.plot(
        steps[width - 1 :],
        np.convolve(losses, np.ones(width) / width, "valid"),
        color="#08519c",
        lw=1.8,
        label=f"mean of {width}",
    )
    ax.set(xlabel="step", ylabel="cross-entropy", yscale="log", title="Digits: training loss")
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def predictions_picture(training, path, rows=6, columns=12):
    """Draw test images with their predictions: all mistakes first, framed and named in red."""
    x, y = training.test.arrays
    guess = predict(training.model, x)
    order = np.concatenate([np.flatnonzero(guess != y), np.flatnonzero(guess == y)])[: rows * columns]
    figure, axes = _axes(rows, columns, figsize=(columns * 0.8, rows * 0.95), dpi=120)
    for ax, i in zip(axes.flat, order):
        ax.imshow(x[i].reshape(8, 8), cmap="gray_r", interpolation="nearest")
        wrong = guess[i] != y[i]
        ax.set_title(
            f"{guess[i]}, is {y[i]}" if wrong else str(guess[i]),
            fontsize=8,
            color="#cb181d" if wrong else "black",
            pad=2,
        )
        ax.set(xticks=[], yticks=[])
        for side in ax.spines.values():
            side.set(color="#cb181d" if wrong else "#bdbdbd", linewidth=2 if wrong else 0.6)
    figure.suptitle(f"Predictions on test images; mistakes ({int((guess != y).sum())} of {len(y)}) in red", fontsize=10)
    figure.savefig(path)
