"""The results as tables of ratios, and as a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .case import Case, ColdStart
from .machine import share
from .outcome import NOISY, Outcome

BASE = "nbgrad"
WIDE = (40, 20)  # columns of a terminal for nbgrad, and for each peer if times stand beside the ratios
Facts = dict[str, Any]


class Row(NamedTuple):
    """One case with what came out for each side."""

    case: Case | ColdStart
    outcomes: dict[str, Outcome]

    @property
    def base(self) -> float | None:
        """Seconds of nbgrad."""
        return self.outcomes[BASE].seconds if BASE in self.outcomes else None

    def ratio(self, side: str) -> float | None:
        """Return how many times longer than nbgrad a side takes."""
        seconds = self.outcomes[side].seconds if side in self.outcomes else None
        return seconds / self.base if seconds is not None and self.base is not None else None


def grouped(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each group."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.case.group, []).append(row)
    return found


def sides_of(rows: Sequence[Row]) -> list[str]:
    """Return every side in the rows but nbgrad's, in order of appearance."""
    return [side for side in dict.fromkeys(s for row in rows for s in row.outcomes) if side != BASE]


def duration(seconds: float) -> str:
    """Return a time in a unit that suits it.

    >>> duration(0.000311), duration(0.0157), duration(2.5)
    ('311 us', '15.7 ms', '2.50 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            value = seconds / size
            return f"{value:.{max(0, 2 - len(str(int(value))) + 1)}f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def table(group: str, rows: Sequence[Row], limits: Facts, wide: bool) -> Any:
    """Return the rich table of one group; `wide` gives the peers' times too."""
    from rich.table import Table

    found = Table(title=group, title_justify="left", caption=caption(rows), caption_justify="left")
    found.add_column("case", no_wrap=True)
    with_share = any(row.case.flops or row.case.bytes for row in rows) and bool(limits)
    for heading in (BASE, *(["of limit"] if with_share else []), *sides_of(rows)):
        found.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        shares = [limit_text(row, limits)] if with_share else []
        own = row.outcomes.get(BASE)
        peers = [cell(row, side, wide) for side in sides_of(rows)]
        found.add_row(row.case.name.split("/")[1], time_text(own), *shares, *peers)
    return found


def caption(rows: Sequence[Row]) -> str:
    """Return the notes of a group and why times are missing, each once."""
    notes = [row.case.note for row in rows if row.case.note]
    reasons: dict[str, dict[str, None]] = {}
    for row in rows:
        for side, outcome in row.outcomes.items():
            if outcome.reason:
                reasons.setdefault(outcome.reason, {})[side] = None
    missing = [f"{', '.join(sides)}: {reason}" for reason, sides in reasons.items()]
    return "\n".join(text.replace("[", r"\[") for text in [*dict.fromkeys(notes), *missing])


def time_text(outcome: Outcome | None) -> str:
    """Return a time with its threads; "~" marks rounds that differ much."""
    if outcome is None:
        return ""
    if outcome.seconds is None:
        return "[dim]missing[/]"
    return f"{'~' if outcome.spread > NOISY else ''}{duration(outcome.seconds)}{threads_text(outcome)}"


def threads_text(outcome: Outcome) -> str:
    """Return the number of threads, nothing where the peer chose it."""
    return f" [dim]x{outcome.threads}[/]" if outcome.threads else ""


def limit_text(row: Row, limits: Facts) -> str:
    """Return nbgrad's share of what the machine can do."""
    part = share(limits, row.case.flops, row.case.bytes, row.base) if row.base else None
    return "" if part is None else f"{100 * part:.0f} %"


def cell(row: Row, side: str, wide: bool) -> str:
    """Return the ratio to nbgrad, with the time itself where there is room, or the time alone where nbgrad has none."""
    ratio = row.ratio(side)
    if ratio is None:
        return time_text(row.outcomes.get(side))
    colour = "green" if ratio >= 1.0 else "red"
    return f"[bold {colour}]{ratio:.2f}[/]" + (f"  [dim]{time_text(row.outcomes[side])}[/]" if wide else "")


def show(rows: Sequence[Row], limits: Facts, console: Any) -> None:
    """Print the tables."""
    console.print(f"Ratio: time of the peer / time of {BASE}, above 1 where {BASE} is faster. xN: at N threads, "
                  f"the better number of those tried; ~: the rounds differ by more than {NOISY:.0%}.\n")  # fmt: skip
    for group, members in grouped(rows).items():
        wide = console.width >= WIDE[0] + WIDE[1] * len(sides_of(members))
        console.print(table(group, members, limits, wide), "")


def as_dict(rows: Sequence[Row], machine: Facts, limits: Facts, plan: Facts, figures: Sequence[Facts]) -> Facts:
    """Return everything that was found, as the results file keeps it."""
    cases = []
    for row in rows:
        part = share(limits, row.case.flops, row.case.bytes, row.base) if row.base else None
        sides = {side: {**o.as_dict(), "ratio": row.ratio(side)} for side, o in row.outcomes.items()}
        cases.append({"name": row.case.name, "flops": row.case.flops, "bytes": row.case.bytes, "share of limit": part,
                      "note": row.case.note, "sides": sides})  # fmt: skip
    return {"machine": machine, "limits": limits, "plan": plan, "figures": list(figures), "cases": cases}


def write(path: Path, found: Facts) -> None:
    """Write the results file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
