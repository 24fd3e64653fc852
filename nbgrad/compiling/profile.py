"""Where the time of a compiled function goes: its kernels, measured inside of the native call."""

import html
import json
import math
import os
import statistics
import time
import types
from typing import NamedTuple

import numpy as np

from ..base.errors import ArgumentError, FileError, problem
from ..base.files import reason, write_whole
from ..plan.calls import Stop
from ..plan.cost import flops, traffic
from ..tape.tape import shown
from ..target.cpu.native_replay import IN_PLACE, LOOP, SHARED
from ..target.cpu.threads import get_num_threads
from ..target.program import ON_DEVICE, peaks_of, timed_like
from .compile import Compiled, compile, name_of
from .explain import entries
from .naming import size_text

KINDS = {IN_PLACE: "in place", SHARED: "shared", LOOP: "loop", ON_DEVICE: "device"}
HEAD = ("kernel", "time", "share", "bytes", "GB/s", "flops", "GFLOP/s", "of peak")
LONGEST = 50  # letters of a kernel's name in a table


class Row(NamedTuple):
    """One kernel, or the several of one work: what it took and did.

    seconds : median; where kernels share a launch, its time in the proportion of what they take alone; share : of all
    kernels; limit : "arithmetic" or "memory", whichever takes longer at this machine's best; peak : that time over
    `seconds`. bytes, flops and what follows from them are NaN for loops whose turns are not known before they run.
    """

    number: str
    name: str
    rows: str
    seconds: float
    share: float
    bytes: float
    flops: float
    limit: str
    peak: float

    @property
    def cells(self) -> tuple:
        """The texts of a line of the table."""
        known = not math.isnan(self.flops + self.bytes)
        name = self.name if len(self.name) <= LONGEST else self.name[: LONGEST - 1] + "…"
        return (
            f"{self.number} {name}", time_text(self.seconds), f"{100 * self.share:.1f} %",
            size_text(self.bytes) if known else "?", f"{self.bytes / self.seconds / 1e9:.1f}" if known else "",
            _count_text(self.flops) if known else "?", f"{self.flops / self.seconds / 1e9:.1f}" if known else "",
            f"{100 * self.peak:.0f} % of {self.limit}" if known else "",
        )  # fmt: skip


class Profile:
    """What `nbgrad.profile` returns: prints as a table, the longest kernels first.

    Attributes
    ----------
    rows : list of Row
        In the order in which kernels run.
    seconds : float
        In the native call, median of the calls.
    python : float
        Around it, from call to return.
    repeats, threads : int
    """

    def __init__(self, name, program, timed, apart, wall):
        self.name, self.repeats, self.threads, self._timed = name, len(timed.notes), get_num_threads(), timed
        runs = np.array(timed.notes)
        self._run = runs[np.argsort(runs.sum(1))[len(runs) // 2]]  # the median one, which the trace shows
        self.seconds = float(np.median(runs.sum(1))) * 1e-9
        self.python = max(0.0, statistics.median(w - s for w, s in zip(wall, timed.spent)))
        self._schedule = program.schedule
        self._entries = {id(e.item): e for e in entries(program.schedule, "k")}
        self.rows = self._rows(np.median(runs, 0), None if apart is None else np.median(apart.notes, 0), apart)

    def _rows(self, medians, alone, apart):
        own = {} if apart is None else {id(items[0]): t for (_, items), t in zip(apart.launches, alone)}
        taken, works = {}, {}
        for (_, items), t in zip(self._timed.launches, medians):
            parts = [max(1.0, own.get(id(i), 1.0)) for i in items]
            for item, part in zip(items, parts):
                if not isinstance(item, Stop):
                    works.setdefault(id(item.work), item)
                    taken[id(item.work)] = taken.get(id(item.work), 0.0) + max(1.0, t) * part / sum(parts)
        total = sum(taken.values())
        return [self._row(item, taken[key] * 1e-9, taken[key] / total) for key, item in works.items()]

    def _row(self, item, seconds, share):
        entry, work = self._entries[id(item)], item.work
        size, count = traffic(work), flops(work)
        dtypes = [w.layout.dtype for w in work.writes]
        least, limit = (math.nan, "") if math.isnan(size + count) else peaks_of(self._schedule).least(count, size, dtypes[0])
        more = f" +{entry.parts - 1}" if entry.parts > 1 else ""
        return Row(entry.number, entry.name + more, entry.rows, seconds, share, size, count, limit, least / seconds)

    def __str__(self):
        lines = [HEAD, *[r.cells for r in self._longest()]]
        widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
        aligned = lambda line: "  ".join(c.ljust(w) if i in (0, 7) else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths)))
        return "\n".join([self._head(), "", *[aligned(line).rstrip() for line in lines]])

    __repr__ = __str__

    def _repr_html_(self):
        cell = lambda tag, c, i: f'<{tag} style="text-align:{"left" if i in (0, 7) else "right"}">{html.escape(c)}</{tag}>'
        line = lambda tag, cells: "<tr>" + "".join(cell(tag, c, i) for i, c in enumerate(cells)) + "</tr>"
        body = "".join(line("td", r.cells) for r in self._longest())
        return f"<div>{html.escape(self._head())}</div><table>{line('th', HEAD)}{body}</table>"

    def _longest(self):
        return sorted(self.rows, key=lambda r: -r.seconds)

    def _head(self):
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}" if not self._schedule.device else "on the device"
        kernels = f"{time_text(self.seconds)} in {len(self.rows)} kernels, {time_text(self.python)} in Python around them"
        return f"{self.name}: {kernels}; median of {self.repeats} calls, {threads}"

    # -- the trace

    def trace(self, path) -> None:
        """Write the median run as a trace that Chrome (`chrome://tracing`) and Perfetto show; the file is written whole.

        Raises
        ------
        FileError
            When the file cannot be written.
        """
        text = json.dumps({"traceEvents": self.events(), "displayTimeUnit": "ns"}, indent=1)
        try:
            write_whole(path, [text.encode()])
        except OSError as error:
            what = f"trace({os.fspath(path)!r}): {reason(error)}"
            raise problem(FileError, what, "a path in a folder that exists, on a disk with room") from error

    def events(self) -> list:
        """Return the events of the trace: launches in one line, the waves they belong to in another."""
        named = {"name": "process_name", "ph": "M", "pid": 0, "tid": 0, "args": {"name": self.name}}
        out, at, waves = [named], 0.0, {}
        for (kind, items), t in zip(self._timed.launches, self._run):
            found, lasts = [self._entries[id(i)] for i in items], float(t) / 1000
            span = waves.setdefault(found[0].wave, [at, at])
            span[1] = at + lasts
            name = " + ".join(f"{e.number} {e.name}" if e.number else e.name for e in found)
            details = {} if found[0].number is None else _details(found)
            out.append({"name": name, "cat": KINDS.get(kind, "stop"), **_span(1, at, lasts), "args": details})
            at += lasts
        return out + [{"name": f"wave {n}", "cat": "wave", **_span(0, a, b - a)} for n, (a, b) in waves.items()]


def _span(line, start, lasts) -> dict:
    """Return what a trace tells of a span of time, in microseconds."""
    return {"ph": "X", "pid": 0, "tid": line, "ts": start, "dur": lasts}


def _details(found) -> dict:
    """Return what a trace tells of a launch."""
    known = lambda n: None if math.isnan(n) else n
    return {
        "is": "; ".join(e.rows for e in found),
        "tiles": sum(e.item.tiles for e in found),
        "at": "; ".join(dict.fromkeys(p for e in found for p in map(shown, e.item.work.places) if p)),
        "bytes": known(sum(traffic(e.item.work) for e in found)),
        "flops": known(sum(flops(e.item.work) for e in found)),
    }


def profile(f, *args, repeats=30, **kwargs) -> Profile:
    """Run a compiled function on these arguments some times, and tell where its time goes, kernel by kernel.

    The clock is read inside of the native call, before and behind each launch; programs that are not profiled have no clock.
    Every call does what the function does: a training step takes as many steps.

    Parameters
    ----------
    f : Compiled or callable
        What is not compiled is compiled first.
    *args, **kwargs
        As for a call.
    repeats : int
        How often the program is timed. It is called a few times more: to record it, and where kernels share a launch
        to time each of them alone.

    Returns
    -------
    Profile
        A table when printed, `rows`, and `trace(path)` for Chrome's tracing.

    Examples
    --------
    >>> import nbgrad as ng
    >>> found = profile(lambda x: ng.exp(x) @ x, ng.ones((100, 100)), repeats=5)
    >>> [r.rows for r in found.rows]
    ['exp', 'matmul']
    """
    if type(repeats) is not int or repeats < 1:
        raise problem(ArgumentError, f"profile: repeats is {repeats!r}", "a whole number from 1")
    if isinstance(f, types.MethodType) and isinstance(f.__func__, Compiled):
        f, args = f.__func__, (f.__self__, *args)
    compiled = f if isinstance(f, Compiled) else compile(f)
    compiled(*args, **kwargs)
    run = compiled.record(*args, **kwargs)
    program, wall = run.program, []
    timed, apart = (timed_like(program, alone) for alone in (False, True))
    if len(apart.launches) == len(timed.launches):
        apart = None
    try:
        for which, count in ((apart, 1 + repeats // 3), (timed, repeats)):
            run.program = program if which is None else which
            for _ in range(0 if which is None else count):
                start = time.perf_counter()
                compiled(*args, **kwargs)
                if which is timed:
                    wall.append(time.perf_counter() - start)
    finally:
        run.program = program
    if not timed.notes or (apart is not None and not apart.notes):
        what = f"profile: every call of {name_of(compiled.f)} with these arguments makes a record of its own"
        raise problem(ArgumentError, what, "a function that does not change what it reads in Python from call to call")
    return Profile(name_of(compiled.f), program, timed, apart, wall)


def time_text(seconds) -> str:
    """Return a time to read.

    >>> time_text(5e-9), time_text(3.456e-5), time_text(0.25), time_text(12)
    ('5 ns', '34.6 us', '250.0 ms', '12.00 s')
    """
    if seconds < 1e-6:
        return f"{1e9 * seconds:.0f} ns"
    if seconds < 1e-3:
        return f"{1e6 * seconds:.1f} us"
    return f"{1e3 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _count_text(n) -> str:
    for unit in ("", "k", "M", "G"):
        if n < 1000 or unit == "G":
            return f"{n:.0f}{unit}" if not unit else f"{n:.1f}{unit}"
        n /= 1000
    return ""
