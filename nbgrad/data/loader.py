"""Batches of a data set: an order decided by seed and epoch alone, and a thread that reads ahead."""

import queue
import sys
import threading

import numpy as np

from ..base.errors import ArgumentError, IndexRangeError, problem
from .order import permutation


class Batches:
    """The batches of one epoch; `batches` makes one, and says what the arguments mean.

    Iterating gives the batches from `start` on, and may be done any number of times. `len` counts them. `self[k]` is
    batch k of the epoch (counted from 0 whatever `start` is), a pure function of (seed, epoch, k).
    """

    def __init__(self, dataset, size, shuffle=True, seed=0, epoch=0, start=0, drop_last=False, prefetch=2):
        check_whole("size", size, 1)
        check_whole("start", start, 0)
        check_whole("prefetch", prefetch, 0)
        self.dataset, self.size, self.prefetch = dataset, int(size), int(prefetch)
        n = len(dataset)
        self.count = n // self.size if drop_last else -(-n // self.size)
        self.start = min(int(start), self.count)
        self.order = permutation(n, seed, epoch) if shuffle else np.arange(n)

    def __len__(self):
        return self.count - self.start

    def __getitem__(self, k):
        if not 0 <= k < self.count:
            raise problem(IndexRangeError, f"batch {k} of an epoch of {self.count}", f"a number below {self.count}")
        return self.dataset[self.order[k * self.size : (k + 1) * self.size]]

    def __iter__(self):
        numbers = range(self.start, self.count)
        return ahead(self, numbers, self.prefetch) if self.prefetch else (self[k] for k in numbers)


def batches(dataset, size, shuffle=True, seed=0, epoch=0, start=0, drop_last=False, prefetch=2):
    """Return the batches of one epoch, each a tuple of arrays with up to `size` rows.

    Parameters
    ----------
    dataset : ArrayDataset, or anything with `len(dataset)` and `dataset[array of int]`
    size : int, at least 1
        Examples in a batch; the last one may have fewer.
    shuffle : bool
        Whether the order is random; without it, that of the data set.
    seed, epoch : int, from 0 to 2**64 - 1
        They alone decide the order, on every machine.
    start : int
        First batch wanted. A run that stopped in the middle of an epoch goes on with the same seed and epoch, and
        `start` set to the number of batches it has seen.
    drop_last : bool
        Whether to leave out a last batch of fewer than `size` examples.
    prefetch : int
        Batches that a thread reads ahead; 0 for no thread. An error in the thread is raised where the batch is asked
        for.

    Returns
    -------
    Batches
        Can be iterated over any number of times, has a length, and `[k]` gives batch k.

    Raises
    ------
    ArgumentError
        When a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from nbgrad.data import ArrayDataset
    >>> data = ArrayDataset(np.arange(5))
    >>> [x.tolist() for x, in batches(data, 2, shuffle=False)]
    [[0, 1], [2, 3], [4]]
    >>> [x.tolist() for x, in batches(data, 2, seed=0, epoch=1, start=1)]
    [[4, 1], [0]]
    """
    return Batches(dataset, size, shuffle, seed, epoch, start, drop_last, prefetch)


def check_whole(name, value, least):
    """Raise ArgumentError when `value` is not a whole number of at least `least`."""
    if not isinstance(value, (int, np.integer)) or value < least:
        raise problem(ArgumentError, f"{name}={value!r} must be a whole number, {least} or more", f"{name}={least + 2}")


class Ahead:
    """What the reading thread and its consumer share: finished batches, free places, and the wish to stop."""

    def __init__(self, places):
        self.done, self.places, self.stopped = queue.SimpleQueue(), threading.Semaphore(places), False

    def work(self, source, numbers):
        """Read the batches one by one as places become free; run by the thread."""
        try:
            for k in numbers:
                self.places.acquire()
                if self.stopped:
                    return
                self.done.put((source[k], None))
            self.done.put(None)
        except BaseException as error:
            # Also for SystemExit and its like: the consumer would otherwise wait for ever.
            self.done.put((None, error))


def ahead(source, numbers, places):
    """Yield `source[k]` for k of `numbers`, read by a thread that is up to `places` batches ahead."""
    shared = Ahead(places)
    thread = threading.Thread(target=shared.work, args=(source, numbers), name="nbgrad-batches", daemon=True)
    thread.start()
    try:
        while True:
            item = shared.done.get()
            if item is None:
                return
            batch, error = item
            if error is not None:
                raise error
            shared.places.release()
            yield batch
    finally:
        shared.stopped = True
        shared.places.release()
        # The garbage collector may close this generator in any thread, the reading one too, and when Python ends the
        # reading thread is frozen where it stands.
        if thread is not threading.current_thread() and not sys.is_finalizing():
            thread.join()
