"""Kernels in the simulator: functions of Python whose threads take turns.

Numba's own simulator makes a thread of Python for each, and asks all of them in a loop whether they wait: most of its time.
"""

import functools
import os
import sys
import threading
from types import SimpleNamespace

import numpy as np

_launching = threading.Lock()  # one kernel at a time: `cuda` says where the thread is whose turn it is
_idle: list = []  # carriers without work
os.register_at_fork(after_in_child=_idle.clear)  # the threads themselves stay behind


class Stopped(Exception):  # noqa: N818 - nobody sees it
    """Ends the threads that wait for one that has failed."""


class Block:
    """A block of threads, of which one runs at a time: until it is over, or waits for all others.

    Who waited last goes on first. So the order turns around wherever all wait, and with every block: what is wrong in some order,
    as a number that is read before another thread has written it, is so here, and every time.
    """

    def __init__(self, work, number, threads):
        self.work, self.error = work, None
        self.shared, self.asked, self.boxes = {}, {}, ({}, {})
        self.fresh = list(range(threads))[:: 1 if number % 2 else -1]
        self.due, self.waiting = [], []  # (number, lock): who may go on, and who waits for the others
        self.over = threading.Lock()

    def run(self):
        """Run all threads: in this one of Python until one of them waits, then also in others."""
        self.over.acquire()
        self.carry(None)
        self.over.acquire()
        if self.error is not None:
            raise self.error

    def carry(self, carrier):
        """Run threads that have not begun, until one that waited goes on elsewhere or none is left."""
        with np.errstate(all="ignore"):
            while self.fresh:
                cuda.threadIdx.x = self.fresh.pop()
                try:
                    self.work()
                except BaseException as error:
                    self.fresh.clear()
                    self.error = self.error or error
        if carrier is not None:
            _idle.append(carrier)
        if self.waiting or self.due:
            self.resume()
        else:
            self.over.release()

    def resume(self):
        """Let the next one go on; where all have come, all may."""
        if not self.due:
            self.due, self.waiting = self.waiting, self.due
        cuda.threadIdx.x, lock = self.due.pop()
        lock.release()

    def wait(self):
        """Let others go on until all have come."""
        lock = threading.Lock()
        lock.acquire()
        self.waiting.append((cuda.threadIdx.x, lock))
        if self.fresh:
            carrier = _idle.pop() if _idle else Carrier()
            carrier.block = self
            carrier.go.release()
        else:
            self.resume()
        lock.acquire()
        if self.error is not None:
            raise Stopped


class Carrier(threading.Thread):
    """A thread of Python in which threads of blocks run; it is kept for others."""

    def __init__(self):
        super().__init__(name="nbgrad-simulator", daemon=True)
        self.block, self.go = None, threading.Lock()
        self.go.acquire()
        self.start()

    def run(self):
        while self.go.acquire():
            self.block.carry(self)


def kernel(fn):
    """Return a function as a kernel, which is launched by `kernel[blocks, threads](*arrays)`."""
    return Kernel(fn)


class Kernel:
    """A kernel of the simulator."""

    def __init__(self, fn):
        self.fn = fn

    def __getitem__(self, shape):
        return functools.partial(self.launch, *shape[:2])

    def launch(self, blocks, threads, *arrays):
        """Run the blocks one after another."""
        work = functools.partial(self.fn, *[getattr(a, "_ary", a) for a in arrays])  # those of Numba's simulator hold NumPy's
        with _launching:
            cuda.blockDim.x, cuda.gridDim.x = threads, blocks
            for i in range(blocks):
                cuda.blockIdx.x, cuda.block = i, Block(work, i, threads)
                cuda.block.run()


class Cuda:
    """What kernels know as `cuda`, seen from the thread whose turn it is."""

    def __init__(self):
        self.block = None
        self.threadIdx, self.blockIdx, self.blockDim, self.gridDim = [SimpleNamespace(x=0) for _ in range(4)]
        self.local = SimpleNamespace(array=np.empty)
        self.const = SimpleNamespace(array_like=lambda a: a)
        self.atomic = SimpleNamespace(exch=exchanged)
        self.shared = SimpleNamespace(array=shared_array)

    def grid(self, axes):
        return self.blockIdx.x * self.blockDim.x + self.threadIdx.x

    def gridsize(self, axes):
        return self.gridDim.x * self.blockDim.x

    def syncthreads(self):
        self.block.wait()


def shared_array(shape, dtype):
    """Return the array that this call makes for all threads of the block: of numbers that are not to be read."""
    frame, made = sys._getframe(1), cuda.block.shared
    call = frame.f_code, frame.f_lasti
    if call not in made:
        made[call] = np.empty(shape, dtype)
        made[call].view("uint8").fill(255)  # NaN, -1
    return made[call]


def exchanged(array, i, value):
    before = array[i]
    array[i] = value
    return before


def lane_of(value, at):
    """Return the value of another thread of the block, all of whose threads ask."""
    block, me = cuda.block, cuda.threadIdx.x
    count = block.asked[me] = block.asked.get(me, 0) + 1
    box = block.boxes[count % 2]  # who asks next takes the other one, so that nobody has to wait before
    box[me] = value
    block.wait()
    return type(value)(box[at])


cuda = Cuda()
NAMES = {"cuda": cuda, "kernel": kernel, "lane_of": lane_of}  # what texts of kernels find among their names
