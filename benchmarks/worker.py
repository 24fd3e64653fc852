"""A worker: one peer at one number of threads, asked over its standard input and output in lines of JSON.

    {"do": "start"}                                        imports the peer
    {"do": "open", "case": ..., "side": ..., "wide": ..., "result": path}   sets up, writes the first results
    {"do": "warm", "side": ..., "seconds": 0.1, "sample": 0.01}   -> {"calls": calls in a sample}
    {"do": "measure", "side": ..., "samples": 5}           -> {"seconds": [a call's time in each sample]}
    {"do": "close", "side": ...} and {"do": "stop"}

An answer holds "error" when the work failed. Between two requests a worker sleeps.
"""

import gc
import json
import os
import sys
import time
from typing import Any

import numpy as np

from .case import Call, Case
from .cases import find
from .peers import arrays, ready, waited

ROUND = 0.15  # seconds of a round: samples are left out where calls are long
QUIET = 0.5  # seconds after which a worker answers though its threads still turn


class Bench:
    """The sides of a case that are open in this process: several when the peer has several ways."""

    def __init__(self, peer: str, threads: int):
        self.peer, self.threads = peer, threads
        self.open_calls: dict[str, Call] = {}
        self.counts: dict[str, int] = {}
        self.fastest: dict[str, float] = {}

    def start(self) -> dict[str, Any]:
        """Import the peer."""
        ready(self.peer, self.threads)
        return {}

    def open(self, case: str, side: str, wide: bool, result: str) -> dict[str, Any]:
        """Set up a side of a case and write the results of its first calls to a file."""
        record = self.find(case)
        call = self.ended(side, record.sides[side](**inputs_of(record, wide)))
        np.savez(result, *(a for _ in range(record.calls) for a in self.arrays(call())))
        self.open_calls[side] = call
        return {}

    # What a bench of other machines says otherwise: its cases, what ends a call, how results are read, how long calls take.

    find = staticmethod(find)
    ended = staticmethod(waited)
    arrays = staticmethod(arrays)

    def timed(self, side: str, calls: int) -> float:
        """Return the seconds of one call, as the mean over several in a row."""
        return timed(self.open_calls[side], calls)

    def warm(self, side: str, seconds: float, sample: float) -> dict[str, Any]:
        """Call until so many seconds have passed, and choose the calls in a sample."""
        fastest, end = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < end or fastest == float("inf"):
            fastest = min(fastest, self.timed(side, 1))
        self.fastest[side], self.counts[side] = fastest, max(1, round(sample / fastest))
        return {"calls": self.counts[side]}

    def measure(self, side: str, samples: int) -> dict[str, Any]:
        """Return the time of a call in each of some samples, after one sample that is not counted."""
        if side not in self.open_calls:
            raise RuntimeError("the worker ended in another way of this peer")
        count = self.counts[side]
        samples = max(1, min(samples, round(ROUND / (count * self.fastest[side]))))
        # The collector is left on: a peer whose results are cycles pays for them, as its users do.
        gc.collect()
        self.timed(side, count)
        return {"seconds": [self.timed(side, count) for _ in range(samples)]}

    def close(self, side: str) -> dict[str, Any]:
        """Forget a side."""
        self.open_calls.pop(side, None)
        gc.collect()
        return {}


def inputs_of(case: Case, wide: bool) -> dict[str, np.ndarray]:
    """Return the inputs of a case; `wide` makes float64 of float32."""
    given = case.inputs()
    return {k: a.astype(np.float64) if wide and getattr(a, "dtype", None) == np.float32 else a for k, a in given.items()}


def timed(call: Call, calls: int) -> float:
    """Return the seconds of one call, as the mean over several in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def rest(pause: float = 0.005) -> None:
    """Wait until the threads of this process sleep: those of OpenMP turn for a while after each region."""
    end = time.perf_counter() + QUIET
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(pause)
        if time.process_time() - before < 0.2 * pause:
            return


def answer(bench: Bench, line: str) -> dict[str, Any]:
    """Do what a line asks for."""
    request = json.loads(line)
    try:
        found = getattr(bench, request.pop("do"))(**request)
    except Exception as error:  # whatever a peer raises is told, and the worker goes on
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:300]}
    rest()
    return found


def main(bench: Bench) -> None:
    """Answer requests until told to stop."""
    # Whatever a peer prints must not fall between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        if json.loads(line)["do"] == "stop":
            return
        print(json.dumps(answer(bench, line)), file=out, flush=True)


if __name__ == "__main__":
    main(Bench(sys.argv[1], int(sys.argv[2])))
