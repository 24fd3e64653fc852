"""The cases, one file per group: a file's `CASES` are its records, in the order of the tables."""

from ..case import Case, ColdStart
from . import cold_start, eager_chain, elementwise, matmul, reduction, training

CASES: tuple[Case | ColdStart, ...] = (
    *eager_chain.CASES,
    *elementwise.CASES,
    *reduction.CASES,
    *matmul.CASES,
    *training.CASES,
    *cold_start.CASES,
)


def find(name: str) -> Case | ColdStart:
    """Return the case of that name."""
    return next(case for case in CASES if case.name == name)
