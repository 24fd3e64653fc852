"""Measure: one worker per peer and number of threads, asked in turns, so that only one of them works at any time."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .case import Case, peer_of
from .outcome import Outcome, error_of
from .peers import environment

ROOT = Path(__file__).parent.parent


class Plan(NamedTuple):
    """How long to measure.

    Attributes
    ----------
    repeats : int
        Rounds; in each, every worker measures once.
    samples : int
        Samples in a round.
    sample, warm : float
        Seconds of a sample and of the calls before the first round.
    limit : float
        Seconds after which a worker that has not answered is ended.
    starts : int
        Fresh processes per side of a cold start.
    """

    repeats: int = 9
    samples: int = 5
    sample: float = 0.01
    warm: float = 0.2
    limit: float = 180.0
    starts: int = 9


class WorkerError(Exception):
    """A worker that failed, ended or did not answer in time."""


class Worker:
    """A process that holds one peer at one number of threads.

    Attributes
    ----------
    module : str
        What the process runs; `surroundings` gives its environment.
    """

    module = "benchmarks.worker"
    surroundings = staticmethod(environment)

    def __init__(self, peer: str, threads: int, limit: float):
        self.peer, self.threads, self.limit = peer, threads, limit
        # The process writes its complaints to a file: nobody needs to read a pipe meanwhile.
        self.complaints = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, peer, str(threads)], cwd=ROOT, text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints, env=self.surroundings(os.environ, threads, peer),
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests, self.answers = self.process.stdin, self.process.stdout
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.answers:
            self.lines.put(line)
        self.lines.put("")

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """Send one request and return its answer; raise WorkerError when there is none, or a failure."""
        with suppress(OSError):  # a process that has ended is found out about by its missing answer
            self.requests.write(json.dumps({"do": do, **what}) + "\n")
            self.requests.flush()
        try:
            line = self.lines.get(timeout=self.limit)
        except queue.Empty:
            self.stop()
            raise WorkerError(f"no answer to {do!r} within {self.limit:.0f} s") from None
        if not line:
            raise WorkerError(self._end())
        found = json.loads(line)
        if "error" in found:
            raise WorkerError(found["error"])
        return found

    def _end(self) -> str:
        """Say how the process ended: its status and its last words."""
        status = self.process.wait()
        told = signal.Signals(-status).name if status < 0 else f"status {status}"
        self.complaints.seek(0)
        words = self.complaints.read().decode(errors="replace").strip().splitlines()[-1:]
        return f"the worker ended with {told}" + "".join(f": {w[:200]}" for w in words)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End the process, kindly at first; a second time does nothing."""
        with suppress(OSError, ValueError):  # the pipe may be broken, or closed already
            self.requests.write('{"do": "stop"}\n')
            self.requests.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.answers.close()
        self.complaints.close()


class Pool:
    """The workers of a run, started when first needed."""

    def __init__(self, plan: Plan, threads: tuple[int, ...], kind: type[Worker] = Worker):
        self.plan, self.threads, self.kind = plan, threads, kind
        self._workers: dict[tuple[str, int], Worker] = {}
        self._absent: dict[str, str] = {}

    def worker(self, peer: str, threads: int) -> Worker:
        """Return a worker that answers; raise WorkerError for a peer that cannot be imported."""
        if peer in self._absent:
            raise WorkerError(self._absent[peer])
        worker = self._workers.get((peer, threads))
        if worker is not None and not worker.alive:
            worker.stop()
            worker = None
        if worker is None:
            worker = self._workers[peer, threads] = self.kind(peer, threads, self.plan.limit)
            try:
                worker.ask("start")
            except WorkerError as error:
                self._absent[peer] = str(error)
                raise
        return worker

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers.values():
            worker.stop()


class Lane:
    """One side of a case in one worker, and the times it has given so far."""

    def __init__(self, pool: Pool, case: Case, side: str, threads: int):
        self.pool, self.case, self.side, self.threads = pool, case, side, threads
        self.rounds: list[float] = []
        self.error = 0.0
        self.reason = ""

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Keep what goes wrong in the block as the reason that ends this lane."""
        try:
            yield
        except WorkerError as error:
            self.reason = str(error)

    def _ask(self, do: str, **what: Any) -> dict[str, Any]:
        return self.pool.worker(peer_of(self.side), self.threads).ask(do, side=self.side, **what)

    def open(self, truth: list[np.ndarray], folder: Path) -> None:
        """Set up, compare the first results with the truth, and warm."""
        file = folder / f"{self.side}-{self.threads}.npz"
        with self._told():
            self._ask("open", case=self.case.name, wide=False, result=str(file))
            self.error = 0.0 if self.side in self.case.unchecked else error_of(read(file), truth)
            if not self.error <= self.case.tolerance:
                self._ask("close")
                raise WorkerError(f"wrong result: error {self.error:.2g}, allowed {self.case.tolerance:.2g}")
            self._ask("warm", seconds=self.pool.plan.warm, sample=self.pool.plan.sample)

    def round(self) -> None:
        """Measure once."""
        with self._told():
            self.rounds.append(float(np.median(self._ask("measure", samples=self.pool.plan.samples)["seconds"])))

    def close(self) -> None:
        """Free what the case holds."""
        with self._told():
            self._ask("close")


def read(file: Path) -> list[np.ndarray]:
    """Return the arrays of a result file in order."""
    with np.load(file, allow_pickle=False) as found:
        return [found[f"arr_{i}"] for i in range(len(found.files))]


def truth_of(pool: Pool, case: Case, folder: Path) -> list[np.ndarray]:
    """Return what is right: the results of the truth's side on float64."""
    file = folder / "truth.npz"
    worker = pool.worker(peer_of(case.truth), pool.threads[0])
    worker.ask("open", case=case.name, side=case.truth, wide=True, result=str(file))
    worker.ask("close", side=case.truth)
    return read(file)


def measure(pool: Pool, case: Case, sides: list[str]) -> list[Outcome]:
    """Measure the sides of a case in turns: A B C A B C ..., each at every number of threads."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            truth = truth_of(pool, case, folder)
        except WorkerError as error:
            return [Outcome(side, reason=f"no truth to compare with: {error}") for side in sides]
        lanes = [Lane(pool, case, side, threads) for side in sides for threads in pool.threads]
        for lane in lanes:
            lane.open(truth, folder)
        for _ in range(pool.plan.repeats):
            for lane in lanes:
                if not lane.reason:
                    lane.round()
        for lane in lanes:
            if not lane.reason:
                lane.close()
    return [Outcome.of(side, [lane for lane in lanes if lane.side == side]) for side in sides]
