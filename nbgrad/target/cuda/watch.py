"""Checks of programs that do not make the host wait: one that fails halts what is queued behind it.

Each kernel of a program with checks looks at a word first, and does nothing once a check has set it, so that nothing is read
or written behind a check that failed, as on the CPU. The host hears of it when it next needs a number of the device, or
starts something that does not look there; it takes back what it counted for the runs that did nothing, and raises for the
first of them.
"""

import functools
import itertools
import threading
from collections import deque
from typing import Any, NamedTuple

import numpy as np

from ...tape.tape import place, shown
from . import waiting
from .array import empty
from .device import finish
from .kernels import compiled
from .package import package

MOST = 16  # runs in flight: the host waits for the oldest when there are more
CHECK = '''\
@kernel
def check(noticed, args, flag, runs):
    """Halt what comes behind where a number is not zero: tell which check it was (args[2]), and of which run."""
    if flag[args[0]] != 0:
        noticed[1] = runs[args[1]]
        noticed[0] = args[2]
        halted[0] = args[2]
'''
COUNT = '''\
@kernel
def count_run(args, runs):
    """Count a run; a halted one is not."""
    runs[args[0]] += 1
'''  # both of one thread, and watched: they begin with `halted`
_numbers = itertools.count(1)


def check():
    """Return the kernel that halts where a number is not zero."""
    return compiled(CHECK, "check", True)


def count_run():
    """Return the kernel that counts the runs of a program."""
    return compiled(COUNT, "count_run", True)


def number_of_check() -> int:
    """Return the number of a new check."""
    return next(_numbers)


class Flight(NamedTuple):
    """A run that was queued: the site of its program, which of its runs it is, its arrays, who called it and from where.

    done : what says whether the device has come behind it.
    """

    site: Any
    number: int
    arrays: list
    caller: Any
    place: Any
    done: Any


class Watch:
    """What halts the queue of a stream, and the runs in it that are not known to have gone well.

    Attributes
    ----------
    halted : array of the package
        On the device: the number of the check that failed, 0 for none.
    noticed : array of the package
        The same and the number of the run, in memory of the host that the device writes.
    """

    def __init__(self, number, stream):
        self.number, self.stream, self.flights, self._events = number, stream, deque(), []
        self.lock = threading.RLock()  # held while a run is queued: nobody sets it going again in the middle of one
        self._halted = empty((1,), "int64", number)
        self.halted = self._halted.flat[0]
        self.noticed = package().cuda.mapped_array(2, np.int64)
        self._clear()

    def _clear(self):
        self.halted.copy_to_device(np.zeros(1, np.int64), stream=self.stream)
        if package().simulated:
            self.noticed.copy_to_device(np.zeros(2, np.int64))
        else:
            self.noticed[:] = 0

    def _heard(self):
        return self.noticed.copy_to_host() if package().simulated else np.array(self.noticed)

    def add(self, site, number, arrays, caller):
        """Note a run that was queued just now."""
        self.flights.append(Flight(site, number, arrays, caller, place(), self._event()))
        waiting.wait_for(self)

    def _event(self):
        """Return what says whether the device has come so far; None where it has."""
        if package().simulated:
            return None
        event = self._events.pop() if self._events else package().cuda.event(timing=False)
        event.record(self.stream)
        return event

    def poll(self):
        """Let go of runs that went well; raise for one that did not. Waits where too many are in flight.

        Raises
        ------
        NbgradError
        """
        while self.flights:
            done = self.flights[0].done
            if done is not None and not done.query():
                if len(self.flights) < MOST:
                    return
                done.synchronize()
            if self._heard()[0]:
                return self.resolve()
            flight = self.flights.popleft()
            if flight.done is not None:
                self._events.append(flight.done)

    def resolve(self):
        """Wait for all runs in flight; raise for the first that a check ended."""
        with self.lock:
            self._resolve()

    def _resolve(self):
        if self.flights and self.flights[-1].done is not None:
            self.flights[-1].done.synchronize()
        flights, found = list(self.flights), self._heard()
        self.flights.clear()
        waiting.forget(self)
        if not found[0]:
            return
        which = next(i for i, f in enumerate(flights) if f.number == found[1] and found[0] in f.site.checks)
        failed = flights[which]
        for flight in reversed(flights[which:]):
            flight.caller.take_back()
            flight.site.queued = None  # the device has not counted those behind the first
        try:
            failed.caller.stopped(None, self.said(failed.site), failed.arrays)
        except Exception as error:
            raise _at(error, shown(failed.place)) from None

    def interrupted(self):
        """Go on behind a run that was not queued to its end: what its checks found is forgotten with it."""
        finish(self.stream)
        number, run = map(int, self._heard())
        if number and not any(f.number == run and number in f.site.checks for f in self.flights):
            self._clear()

    def said(self, site):
        """Return what ended a run at a site, when the device has come to its end: as `Program.run` does; None for nothing."""
        number = int(self._heard()[0])
        if not number:
            return None
        site.recall()
        self._clear()
        stop, space = site.checks[number]
        return stop, None, Ended(space)


class Ended(NamedTuple):
    """Where a run ended: `program.view(ref, arrays)` tells what was looked at."""

    program: Any


def _at(error, where):
    """Return an error whose second line names another place: that of the call, not of what waited for it."""
    lines = str(error).splitlines()
    if where is None or len(lines) < 2:
        return error
    return type(error)("\n".join([lines[0], f"  at {where}", *lines[2:]]))


@functools.cache
def watch(number, stream, thread) -> Watch:
    """Return the watch of a stream of a device, of its own for each thread: what fails in one halts none of another."""
    return Watch(number, stream)


