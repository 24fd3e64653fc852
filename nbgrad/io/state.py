"""The numbers and texts of a checkpoint: a JSON file that carries its own checksum, and the types it may hold."""

import hashlib
import json

import numpy as np

from ..base.errors import ArgumentError, problem
from ..base.files import open_regular, reason
from .tensors import unique

FORMAT = {"format": "nbgrad checkpoint", "version": 1}
MOST = 2**26


def natural(x):
    """Say whether x is an int, not a bool, and not negative."""
    return type(x) is int and x >= 0


def flat(x):
    """Say whether x is a dict of numbers and texts, or None."""
    return x is None or (isinstance(x, dict) and not any(isinstance(v, (dict, list)) for v in x.values()))


TYPES = {
    "epoch": natural,
    "step": natural,
    "model": lambda x: isinstance(x, bool),
    "optimizer": flat,
    "random": lambda x: flat(x) and all(type(v) is int for v in (x or {}).values()),
    "extra": lambda x: True,
}


def checked_state(state):
    """Return a state as JSON will give it back, with FORMAT added.

    Raises
    ------
    ArgumentError
        When something in it cannot be read back.
    """
    out = {**FORMAT, **{name: plain(name, value) for name, value in state.items()}}
    for name, good in TYPES.items():
        if not good(out[name]):
            what = f"save_checkpoint: {name} cannot be {str(out[name])[:80]}"
            raise problem(ArgumentError, what, "whole numbers for epoch, step and random; numbers and texts elsewhere")
    return out


def plain(name, value):
    """Return a value as JSON will give it back."""
    try:
        return json.loads(json.dumps(value, default=scalar), object_pairs_hook=unique)
    except (TypeError, ValueError, RecursionError) as error:
        what = f"save_checkpoint: {name} cannot be written as JSON: {reason(error)}"
        raise problem(ArgumentError, what, "numbers, texts, lists, and dicts with texts as keys") from None


def scalar(value):
    """Return a NumPy number as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not a number, text, list or dict")


def digest(state):
    """Return the checksum of a state, whatever the layout of its text."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def state_text(state):
    """Return the bytes of the file that holds a state."""
    text = json.dumps({"sha256": digest(state), "state": state}, indent=1).encode()
    if len(text) > MOST:
        what = f"save_checkpoint: numbers and texts take {len(text)} bytes, above {MOST}"
        raise problem(ArgumentError, what, "arrays in the model, long histories in a file of their own")
    return text


def read_state(path, file):
    """Return the state in a file, with its checksum and types checked; `file` is the `reading` that reports."""
    f, size = open_regular(path)
    with f:
        if size > MOST:
            raise file.error(f"the state has {size} bytes, above {MOST}")
        outer = json.loads(f.read().decode(), object_pairs_hook=unique)
    if not isinstance(outer, dict) or set(outer) != {"sha256", "state"} or digest(outer["state"]) != outer["sha256"]:
        raise file.error("the state does not agree with its own checksum")
    state = outer["state"]
    told = {name: state.get(name) for name in FORMAT} if isinstance(state, dict) else None
    if told != FORMAT:
        raise file.error(f"the state is {str(told)[:80]}, and what is read is {FORMAT}")
    for name, good in {**TYPES, "arrays": is_receipt}.items():
        if name not in state or not good(state[name]):
            raise file.error(f"the state has {name}={str(state.get(name))[:80]}")
    return state


def is_receipt(x):
    """Say whether x tells the size and checksum of a file."""
    return isinstance(x, dict) and natural(x.get("bytes")) and isinstance(x.get("sha256"), str)
