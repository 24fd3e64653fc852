"""Run the benchmarks: python -m benchmarks [--only matmul] [--quick] ..."""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from . import coldstart, figures, goals, harness
from .case import Case, ColdStart, peer_of
from .cases import CASES
from .chart import draw
from .harness import Plan, Pool
from .machine import cores, facts, highest, limits
from .peers import PEERS
from .report import Facts, Row, as_dict, show, write

INSTALL = 'pip install "nbgrad[bench]"'
RESULTS = Path(__file__).parent / "results"
BUSY = 0.5  # load from which times are not to be trusted
LINE = 140  # columns where the output is no terminal
QUICK = Plan(repeats=3, samples=3, sample=0.002, warm=0.03, starts=2)


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="nbgrad and its peers on the same work.")
    parser.add_argument("--only", metavar="NAME", default="", help="cases whose name holds NAME")
    parser.add_argument("--repeats", type=positive, metavar="N", help="rounds per case; processes per cold start")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: to see that all works")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help="folder for results and chart")
    parser.add_argument("--peers", type=listed, default=PEERS, help=f"some of {','.join(PEERS)}")
    parser.add_argument("--threads", type=counts, default=None, help="numbers of threads tried; 1,2 when left out")
    parser.add_argument("--list", action="store_true", help="names of the cases")
    return parser.parse_args(argv)


def positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def counts(text: str) -> tuple[int, ...]:
    """Return numbers of threads, smallest first."""
    return tuple(sorted({positive(part) for part in text.split(",")}))


def listed(text: str) -> tuple[str, ...]:
    """Return names of peers."""
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(PEERS)}")
    return names


def plan_of(args: argparse.Namespace) -> Plan:
    """Return how long to measure."""
    plan = QUICK if args.quick else Plan()
    return plan._replace(repeats=args.repeats, starts=args.repeats) if args.repeats else plan


def one(case: Case | ColdStart, pool: Pool, peers: Sequence[str]) -> Row:
    """Measure one case."""
    sides = [side for side in case.sides if peer_of(side) in peers]
    if isinstance(case, ColdStart):
        found = coldstart.measure(case, sides, pool.plan)
    else:
        found = harness.measure(pool, case, sides)
    return Row(case, {outcome.side: outcome for outcome in found})


def measured(cases: Sequence[Case | ColdStart], pool: Pool, peers: Sequence[str], console: Any) -> list[Row]:
    """Measure all cases with a progress bar; what is done when the user stops is kept."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    rows: list[Row] = []
    # The bar is redrawn by hand: a thread that redraws ten times a second would disturb what is measured.
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        task = progress.add_task("", total=len(cases))
        try:
            for case in cases:
                progress.update(task, description=case.name, refresh=True)
                if not console.is_terminal:  # there a bar is drawn only at the end
                    console.print(case.name, highlight=False)
                rows.append(one(case, pool, peers))
                progress.update(task, advance=1, refresh=True)
        except KeyboardInterrupt:
            console.print("stopped; what was measured is kept")
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; return the exit status."""
    args = options(argv)
    cases = [case for case in CASES if args.only in case.name]
    if args.list:
        print("\n".join(case.name for case in cases))
    elif find_spec("rich") is None:
        print(f"the tables need rich. try: {INSTALL}", file=sys.stderr)
        return 2
    elif not cases:
        print(f"no case has {args.only!r} in its name; see --list", file=sys.stderr)
    else:
        run(args, cases)
    return 0 if cases else 2


def run(args: argparse.Namespace, cases: Sequence[Case | ColdStart]) -> None:
    """Measure cases, print, write and draw."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=LINE)
    plan, machine = plan_of(args), facts()
    if (machine["load before"] or 0.0) > BUSY:
        console.print(f"[bold yellow]others use this machine (load {machine['load before']}): do not trust the times[/]")
    most = limits()
    with Pool(plan, args.threads or tuple(range(1, min(2, cores()) + 1))) as pool:
        rows = measured(cases, pool, args.peers, console)
    most = highest(most, limits())
    show(rows, most, console)
    found = goals.verdicts(rows, [case.name for case in CASES])
    if found:
        console.print(goals.table(found), "")
    kept = as_dict(rows, machine, most, {**plan._asdict(), "threads": pool.threads}, goals.as_list(found))
    finish(args, rows, found, kept, console)


def finish(args: argparse.Namespace, rows: Sequence[Row], verdicts: Sequence[Any], found: Facts, console: Any) -> None:
    """Write the results and the charts, and say where."""
    name = "-".join([*(args.only or "all").replace("/", " ").split(), *(["quick"] if args.quick else [])])
    path = args.out / f"{name}.json"
    write(path, found)
    console.print(f"results  {path}", highlight=False)
    try:
        for name, things, paint in (("figures", verdicts, figures.draw), ("peers", rows, draw)):
            picture = path.with_name(f"{path.stem}-{name}.png")
            if paint(things, picture, title(found["machine"])):
                console.print(f"chart    {picture}", highlight=False)
    except ImportError:
        console.print(f"no chart: it needs matplotlib. try: {INSTALL}", highlight=False, markup=False)


def title(machine: Facts) -> str:
    """Return what the chart says about the machine."""
    versions = [f"{n} {v}" for n, v in machine["versions"].items() if n in PEERS]
    return f"{machine['processor']}, {machine['cores']} cores. {', '.join(versions)}"


if __name__ == "__main__":
    sys.exit(main())
