"""Checkpoints: a run saved whole, so that it can be killed at any moment and go on; nothing in them is unpickled."""

import os
from typing import NamedTuple

import numpy as np

from ..base.errors import ArgumentError, FileError, problem
from ..base.files import reading, reason
from .folder import ARRAYS, STATE, add, read_checked, whole_ones
from .state import checked_state, natural, read_state
from .tensors import ROOM, tensor_chunks


class Checkpoint(NamedTuple):
    """What `load_checkpoint` read, besides what it put into the model and the optimizer.

    Attributes
    ----------
    path : str
        Folder it came from.
    epoch, step : int
    random : dict of int, or None
        For `nbgrad.random.set_state`.
    extra : object
        As saved, in JSON's types: tuples have become lists, and keys of dicts texts.
    """

    path: str
    epoch: int
    step: int
    random: object
    extra: object


def save_checkpoint(path, model=None, optimizer=None, random=None, epoch=0, step=0, extra=None, keep=3):
    """Save a run as the newest checkpoint in a folder; should that fail at any moment, the ones before it are unharmed.

    Parameters
    ----------
    path : path-like
        Folder of the checkpoints of one run; made when it is not there.
    model, optimizer : optional
        Objects with `state()` and `load_state(state)`. A model's state is a dict of arrays by name, an optimizer's is
        {"arrays": dict, "scalars": dict}.
    random : module or dict of int, optional
        `nbgrad.random`, or what its `get_state()` gave.
    epoch, step : int, 0 or more
        How far the run has come.
    extra : optional
        Anything that JSON can hold: numbers, texts, lists, dicts with texts as keys.
    keep : int, at least 1, or None
        How many checkpoints to keep in the folder; None for all.

    Returns
    -------
    str
        Folder of the new checkpoint, `path`/ckpt-000001 and so on.

    Raises
    ------
    FileError
        When it cannot be written, as on a full disk.
    ArgumentError, DtypeError
        When something given cannot be saved.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = save_checkpoint(folder, epoch=2, extra={"loss": 0.25})
    ...     load_checkpoint(folder).extra
    {'loss': 0.25}
    """
    if keep is not None and not (natural(keep) and keep):
        what = f"save_checkpoint: keep={keep!r} must be a whole number above 0, or None"
        raise problem(ArgumentError, what, "keep=3")
    arrays, state = gather(model, optimizer, random, epoch, step, extra)
    chunks = tensor_chunks(arrays)
    try:
        return add(os.path.abspath(path), chunks, state, keep)
    except OSError as error:
        raise problem(FileError, f"save_checkpoint({os.fspath(path)!r}): {reason(error)}", ROOM) from error


def load_checkpoint(path, model=None, optimizer=None, random=None):
    """Read a checkpoint, and set a model, an optimizer and the random numbers to it: all of them, or none.

    Parameters
    ----------
    path : path-like
        Folder given to `save_checkpoint`, of which the latest checkpoint is read, or the folder of one checkpoint.
    model, optimizer : optional
        Built the same way as those saved: equal names, shapes and dtypes.
    random : module, optional
        `nbgrad.random`.

    Returns
    -------
    Checkpoint

    Raises
    ------
    FileError
        When there is no checkpoint, when it is damaged, or when it does not fit. Then nothing has been set.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = [save_checkpoint(folder, step=s) for s in (10, 20)]
    ...     load_checkpoint(folder).step
    20
    """
    call = f"load_checkpoint({os.fspath(path)!r})"
    with reading(call, "a folder that save_checkpoint has written to") as file:
        folder = resolve(path, file)
        file.fix = advice(folder)
        state = read_state(os.path.join(folder, STATE), file)
        arrays = read_checked(os.path.join(folder, ARRAYS), state["arrays"], file)
        file.fix = "a model, an optimizer and options like those that were saved"
        parts = sort_out(arrays, state, model, optimizer, random, file)
        put(parts, file)
    return Checkpoint(folder, state["epoch"], state["step"], state["random"], state["extra"])


def latest_checkpoint(path):
    """Return the folder of the latest checkpoint in the folder `path`, or None when there is none.

    Examples
    --------
    >>> latest_checkpoint("a folder that is not there") is None
    True
    """
    found = whole_ones(path)
    return found[-1] if found else None


def gather(model, optimizer, random, epoch, step, extra):
    """Return (arrays by name, state) of a run."""
    arrays, scalars = {}, None
    if model is not None:
        arrays.update({f"model.{name}": a for name, a in model.state().items()})
    if optimizer is not None:
        own = optimizer.state()
        arrays.update({f"optimizer.{name}": a for name, a in own["arrays"].items()})
        scalars = dict(own["scalars"])
    random = random.get_state() if hasattr(random, "get_state") else random
    state = {"epoch": epoch, "step": step, "model": model is not None, "optimizer": scalars}
    return arrays, checked_state({**state, "random": random, "extra": extra})


def resolve(path, file):
    """Return the folder of the checkpoint that `path` means."""
    path = os.path.abspath(path)
    if os.path.lexists(os.path.join(path, STATE)):
        return path
    found = whole_ones(path)
    if not found:
        raise file.error("there is no checkpoint")
    return found[-1]


def advice(folder):
    """Return what to try when the checkpoint in `folder` is damaged."""
    found = whole_ones(os.path.dirname(folder))
    before = found[: found.index(folder)] if folder in found else ()
    return f"the one before it: load_checkpoint({before[-1]!r})" if before else "another checkpoint"


def sort_out(arrays, state, model, optimizer, random, file):
    """Return (what it is, how to set it, its present state, its new state) for all that is to be set."""
    own = {"model": {}, "optimizer": {}}
    for name, a in arrays.items():
        kind, _, rest = name.partition(".")
        if kind not in own:
            raise file.error(f"the array {name!r} belongs to neither the model nor the optimizer")
        own[kind][rest] = a
    parts = []
    if model is not None:
        present = copied(model.state())
        check_saved("model", state["model"], file)
        check_fit(present, own["model"], file)
        parts.append(("the model", model.load_state, present, own["model"]))
    if optimizer is not None:
        present = optimizer.state()
        present = {"arrays": copied(present["arrays"]), "scalars": dict(present["scalars"])}
        check_saved("optimizer", state["optimizer"] is not None, file)
        new = {"arrays": own["optimizer"], "scalars": state["optimizer"]}
        parts.append(("the optimizer", optimizer.load_state, present, new))
    if random is not None:
        check_saved("random", state["random"] is not None, file)
        parts.append(("the random numbers", random.set_state, random.get_state(), state["random"]))
    return parts


def check_saved(what, there, file):
    """Raise unless the checkpoint holds what is asked for."""
    if not there:
        raise file.error(f"it was saved without {what}=...")


def copied(arrays):
    """Return copies of arrays or Tensors by name."""
    return {name: np.array(a) for name, a in arrays.items()}


def check_fit(own, saved, file):
    """Raise unless the saved arrays have the names, shapes and dtypes of the model's own."""
    for name in [*own, *saved]:
        if name not in saved or name not in own:
            raise file.error(f"{name!r} is {'not in the checkpoint' if name in own else 'unknown to the model'}")
        a, b = own[name], saved[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            raise file.error(f"{name!r} is {b.dtype}{b.shape}, in the model {a.dtype}{a.shape}")


def put(parts, file):
    """Set all parts to their new state; when one refuses, set it and those before it back."""
    done = []
    try:
        for part in parts:
            done.append(part)
            part[1](part[3])
    except BaseException as error:
        for _, set_state, present, _ in reversed(done):
            set_state(present)
        if not isinstance(error, Exception):
            raise
        raise file.error(f"{done[-1][0]} cannot take its state: {str(error).partition(chr(10))[0]}") from error
