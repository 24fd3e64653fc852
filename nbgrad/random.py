"""Random numbers: a generator is a seed and a counter, and what it draws depends on nothing else.

Philox4x32-10 (`nbgrad.ops.random`), so that any number of threads, any device and any later machine draws the same numbers.
`device` says where they are drawn: "cpu", "cuda" or "cuda:1".
"""

import os
import threading

import numpy as np

from .base.arguments import integer, lengths
from .base.errors import ArgumentError, problem
from .ops import random as rows
from .ops.gather import take
from .ops.table import lift
from .ops.transcendental import log1p
from .tape.tape import recording
from .target.run import number_of, on_device, put
from .tensor import Tensor

STATE = ("seed", "stream", "counter")


class Generator:
    """A source of random numbers; drawing moves its counter on, safely from several threads.

    Parameters
    ----------
    seed : int, optional
        0 to 2**64 - 1; taken from the operating system when left out.
    stream : int
        Number of an independent sequence of the same seed, 0 to 2**64 - 1.

    Examples
    --------
    >>> Generator(1).uniform(2).numpy().tolist() == Generator(1).uniform(2).numpy().tolist()
    True
    """

    followed = True  # a program that is recorded is told the keys anew

    def __init__(self, seed=None, stream=0):
        self._lock = threading.Lock()
        self.seed(int.from_bytes(os.urandom(8), "little") if seed is None else seed, stream)

    def seed(self, seed, stream=0):
        """Start again at the first number of `seed`."""
        self.set_state({"seed": seed, "stream": stream, "counter": 0})

    def get_state(self) -> dict:
        """Return what the next numbers depend on: seed, stream, and the counter in blocks of four words."""
        with self._lock:
            return dict(zip(STATE, self._state))

    def set_state(self, state):
        """Go back (or on) to a state that `get_state` gave."""
        if not isinstance(state, dict) or set(state) != set(STATE):
            raise problem(
                ArgumentError, f"the state of a generator has the keys {STATE}, not {state!r}", "generator.get_state()"
            )
        words = [integer(state[k], k, 0, 2**64 - 1) for k in STATE]
        with self._lock:
            self._state = words

    def key(self, words, device="cpu"):
        """Return the key array for the next `words` 32-bit words on a device, and move the counter past them."""
        key, recorder = self._next(words), recording.recorder
        if recorder is not None:
            recorder.refresh(key, lambda: self._next(words), lambda: self._next(-words))
            return key if device == "cpu" else on_device(key, number_of(device))
        return put(key, device)

    def _next(self, words):
        """Return the key of so many words, and move past them; of a negative number, back to where they began."""
        blocks = -(-abs(words) // rows.WORDS)
        with self._lock:
            seed, stream, counter = self._state
            self._state = [seed, stream, (counter + (blocks if words > 0 else -blocks)) % 2**64]
        return np.array([seed, stream, counter], np.uint64).view(np.int64)

    def bits(self, shape=(), device="cpu"):
        """Draw uniform 32-bit words (uint32).

        >>> Generator(0).bits(1).dtype
        dtype('uint32')
        """
        shape = lengths(shape)
        return rows.random_bits(Tensor(self.key(size(shape), device)), shape=shape)

    def uniform(self, shape=(), low=0.0, high=1.0, dtype="float32", device="cpu"):
        """Draw from [low, high).

        Parameters
        ----------
        shape : int or tuple of int
            Broadcast with `low` and `high`.
        low, high : float or Tensor
            Gradients flow to tensors: the numbers are `low + u * (high - low)`.
        dtype : str
            "float32" (24 random bits) or "float64" (53).

        Examples
        --------
        >>> 2.0 <= float(Generator(0).uniform((), 2.0, 3.0)) < 3.0
        True
        """
        u = self._fractions(lengths(shape), dtype, device)
        if type(low) in (int, float) and type(high) in (int, float):
            return u if (low, high) == (0, 1) else u * (high - low) + low
        return lift(low) + u * (lift(high) - low)

    def _fractions(self, shape, dtype, device):
        dtype = float_name(dtype)
        if dtype == "float32":
            return rows.random_float32(Tensor(self.key(size(shape), device)), shape=shape)
        return rows.random_float64(Tensor(self.key(2 * size(shape), device)), shape=shape)

    def normal(self, shape=(), mean=0.0, std=1.0, dtype="float32", device="cpu"):
        """Draw from the normal distribution, by Box and Muller's cosine of two uniform numbers.

        Parameters
        ----------
        shape : int or tuple of int
            Broadcast with `mean` and `std`.
        mean, std : float or Tensor
            Gradients flow to tensors: the numbers are `mean + std * z`.
        dtype : str
            "float32" (|z| up to 5.7) or "float64" (up to 8.5).

        Examples
        --------
        >>> Generator(0).normal((2, 3), mean=1.0).shape
        (2, 3)
        """
        shape = lengths(shape)
        z = rows.normal_from_uniforms(self._fractions(shape, dtype, device), self._fractions(shape, dtype, device))
        if type(mean) in (int, float) and type(std) in (int, float):
            return z if (mean, std) == (0, 1) else z * std + mean
        return z * std + mean

    def exponential(self, shape=(), scale=1.0, dtype="float32", device="cpu"):
        """Draw from the exponential distribution of mean `scale` (a float or a Tensor, to which gradients flow).

        >>> float(Generator(0).exponential()) >= 0.0
        True
        """
        return log1p(-self._fractions(lengths(shape), dtype, device)) * -1.0 * scale

    def bernoulli(self, p=0.5, shape=None, dtype="bool", device=None):
        """Draw true with probability `p`.

        Parameters
        ----------
        p : float or array of float
            In [0, 1].
        shape : int or tuple of int, optional
            That of `p` when left out.
        dtype : str
            Of the result; "bool" unless given.

        Examples
        --------
        >>> Generator(0).bernoulli(1.0, 3)
        tensor([ True,  True,  True])
        """
        p = p if type(p) in (int, float) else lift(p)
        plain = getattr(p, "numpy", lambda: p)() if recording.recorder is None else p if type(p) in (int, float) else 0.5
        if not np.all((np.asarray(plain) >= 0) & (np.asarray(plain) <= 1)):
            raise problem(ArgumentError, "bernoulli(p): a probability is between 0 and 1", "nbgrad.sigmoid of a score")
        shape = getattr(p, "shape", ()) if shape is None else lengths(shape)
        wide = getattr(p, "dtype", None) == np.float64
        device = device or getattr(p, "device", "cpu")
        out = self._fractions(shape, "float64" if wide else "float32", device) < p
        return out if out.dtype == np.dtype(dtype) else out.astype(dtype)

    def randint(self, low, high=None, shape=(), dtype="int64", device="cpu"):
        """Draw integers from low ... high - 1, or from 0 ... low - 1 when `high` is left out.

        >>> Generator(0).randint(5, shape=100).max().item() < 5
        True
        """
        low, high = (0, low) if high is None else (low, high)
        low, high = integer(low, "low", -(2**63), 2**63 - 1), integer(high, "high", -(2**63), 2**63)
        if low >= high:
            raise problem(
                ArgumentError,
                f"randint(low={low}, high={high}): there is no integer from low to high - 1",
                "low < high",
            )
        shape = lengths(shape)
        out = rows.random_integers(Tensor(self.key(2 * size(shape), device)), shape=shape, low=low, count=high - low)
        return out if out.dtype == np.dtype(dtype) else out.astype(dtype)

    def permutation(self, n, device="cpu"):
        """Return 0 ... n - 1 in random order, or the first axis of an array in random order.

        >>> sorted(Generator(0).permutation(4).tolist())
        [0, 1, 2, 3]
        """
        if hasattr(n, "__index__") and not getattr(n, "ndim", 0):
            count = integer(n, "n", 0, 2**62)
            return rows.random_permutation(Tensor(self.key(2 * count, device)), n=count)
        x = lift(n)
        if not x.ndim:
            raise problem(ArgumentError, "permutation(x): x has no axis to permute", "an int, or an array")
        return take(x, self.permutation(x.shape[0], x.device), axis=0)

    def choice(self, n, shape=(), device="cpu"):
        """Draw integers from 0 ... n - 1, or rows of an array, with replacement.

        >>> Generator(0).choice([7.0], 2).tolist()
        [7.0, 7.0]
        """
        if hasattr(n, "__index__") and not getattr(n, "ndim", 0):
            return self.randint(n, shape=shape, device=device)
        x = lift(n)
        return take(x, self.randint(x.shape[0], shape=shape, device=x.device), axis=0)

    def __repr__(self):
        return "Generator(seed={seed}, stream={stream}, counter={counter})".format(**self.get_state())


def size(shape) -> int:
    """Return the number of elements of a shape."""
    n = 1
    for length in shape:
        n *= length
    return n


def float_name(dtype) -> str:
    """Return the name of a float dtype that random numbers come in."""
    name = np.dtype(dtype).name
    if name not in ("float32", "float64"):
        raise problem(ArgumentError, f"random numbers come as float32 or float64, not {name}", 'dtype="float32"')
    return name


default = Generator()
seed, get_state, set_state = default.seed, default.get_state, default.set_state
bits, uniform, normal, exponential = default.bits, default.uniform, default.normal, default.exponential
bernoulli, randint, permutation, choice = default.bernoulli, default.randint, default.permutation, default.choice
