"""Run the benchmarks on a GPU: python -m benchmarks.cuda [--only softmax] [--quick] [--simulate]."""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import chart, figures, goals, harness
from ..__main__ import INSTALL, LINE, QUICK, RESULTS, positive
from ..case import peer_of
from ..goals import Goal
from ..harness import Plan, Pool, Worker
from ..machine import facts
from ..report import Row, as_dict, grouped, table, write
from . import simulated, worker

PEERS = ("nbgrad", "torch", "jax", "memory")  # the truth of kernels is NumPy's
RIVALS = ("torch", "torch.compile", "torch.graphs", "jax.jit")
GOALS = (
    *[Goal("kernels", case.name.partition("/")[2], (case.name,), "memory", 0.9) for case in worker.kernels.CASES],
    Goal("matmul", "float32", ("matmul/* float32",), "torch", 0.97),
    Goal("matmul", "bfloat16", ("matmul/* bfloat16",), "torch", 0.97),
    *[Goal("steps", case.name.partition("/")[2], (case.name,), RIVALS, 1.0) for case in worker.steps.STEPS],
    Goal("latency", "W2, a step", ("steps/W2 *",), "", 15e-6),
)


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.cuda", description="nbgrad and its peers on the same work, on a GPU.")
    parser.add_argument("--only", metavar="NAME", default="", help="cases whose name holds NAME")
    parser.add_argument("--repeats", type=positive, metavar="N", help="rounds per case")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: to see that all works")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for results and charts; benchmarks/results when left out")
    parser.add_argument("--simulate", action="store_true", help="tiny sizes in Numba's simulator, to see that each case runs")
    parser.add_argument("--list", action="store_true", help="names of the cases")
    return parser.parse_args(argv)


class OnGPU(Worker):
    """A process that holds one peer on the GPU."""

    module = "benchmarks.cuda.worker"
    surroundings = staticmethod(worker.surroundings)


def missing() -> str | None:
    """Return why there is no GPU to measure; None where there is one."""
    import nbgrad as ng

    if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0"):
        return "NUMBA_ENABLE_CUDASIM is set"
    return ng.cuda.why_not()


def device() -> dict[str, Any]:
    """Return what the GPU is."""
    import nbgrad as ng

    found: dict[str, Any] = {"gpu": ng.cuda.device_name(), "capability": ng.cuda.capability()}
    with suppress(OSError, subprocess.SubprocessError):
        query = "driver_version,memory.total,clocks.max.sm,power.limit"
        command = ["nvidia-smi", "--id=0", f"--query-gpu={query}", "--format=csv,noheader"]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        found |= dict(zip(query.split(","), map(str.strip, told.split(","))))
    return found


def measured(pool: Pool, case: Any, peers: Sequence[str]) -> Row:
    """Measure one case."""
    sides = [side for side in case.sides if peer_of(side) in peers and side != case.truth]
    return Row(case, {found.side: found for found in harness.measure(pool, case, sides)})


def run(args: argparse.Namespace, cases: Sequence[Any]) -> None:
    """Measure cases, print, write and draw."""
    from rich.console import Console

    console = Console()
    console = console if console.is_terminal else Console(width=LINE)
    plan = QUICK if args.quick else Plan()
    plan = plan._replace(repeats=args.repeats) if args.repeats else plan
    machine, rows = facts() | device(), []
    with Pool(plan, (0,), OnGPU) as pool:
        for case in cases:
            console.print(case.name, highlight=False)
            rows.append(measured(pool, case, PEERS))
    for group, members in grouped(rows).items():
        console.print(table(group, members, {}, True), "")
    path, found = store(args, rows, machine, plan)
    if found:
        console.print(goals.table(found), "")
    console.print(f"results  {path}", highlight=False)
    paint(path, rows, found, machine, console)


def store(args: argparse.Namespace, rows: Sequence[Row], machine: dict[str, Any], plan: Plan) -> tuple[Path, list[goals.Verdict]]:
    """Write the results under the name of the GPU; return where, and what they say about the goals."""
    found = goals.verdicts(rows, [case.name for case in worker.CASES], GOALS)
    parts = [f"cuda-{machine['gpu']}", *args.only.replace("/", " ").split(), *(["quick"] if args.quick else [])]
    path = (args.out or RESULTS) / f"{re.sub(r'[^a-z0-9]+', '-', '-'.join(parts).lower()).strip('-')}.json"
    write(path, as_dict(rows, machine, {}, plan._asdict(), goals.as_list(found)))
    return path, found


def paint(path: Path, rows: Sequence[Row], found: Sequence[goals.Verdict], machine: dict[str, Any], console: Any) -> None:
    """Draw the figures and the ratios beside the results, and say where."""
    title = ", ".join([machine["gpu"], *[f"{n} {v}" for n, v in machine["versions"].items() if n in PEERS]])
    try:
        for name, things, draw in (("figures", found, figures.draw), ("peers", rows, chart.draw)):
            picture = path.with_name(f"{path.stem}-{name}.png")
            if draw(things, picture, title):
                console.print(f"chart    {picture}", highlight=False)
    except ImportError:
        console.print(f"no chart: it needs matplotlib. try: {INSTALL}", highlight=False, markup=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return the exit status."""
    args = options(argv)
    cases = [case for case in worker.CASES if args.only in case.name]
    if args.list:
        print("\n".join(case.name for case in cases))
        return 0
    if not cases:
        print(f"no case has {args.only!r} in its name; see --list", file=sys.stderr)
        return 2
    if args.simulate:
        return simulated.run(args.only)
    why = missing()
    if why is not None:
        print(f"nothing is measured: there is no GPU ({why}). try: --simulate")
        return 0
    if find_spec("rich") is None:
        print(f"the tables need rich. try: {INSTALL}", file=sys.stderr)
        return 2
    run(args, cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())
