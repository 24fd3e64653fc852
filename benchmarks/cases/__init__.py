"""The cases, one file per group: a file's `CASES` are its records, in the order of the tables."""

from ..case import Case, ColdStart
from . import cold_start, convolution, eager_chain, elementwise, embedding, loops, matmul, reduction, rows, steps

CASES: tuple[Case | ColdStart, ...] = (
    *eager_chain.CASES,
    *elementwise.CASES,
    *reduction.CASES,
    *rows.CASES,
    *embedding.CASES,
    *matmul.CASES,
    *convolution.CASES,
    *steps.CASES,
    *loops.CASES,
    *cold_start.CASES,
)


def find(name: str) -> Case:
    """Return the case of that name that a worker can call."""
    return next(case for case in CASES if isinstance(case, Case) and case.name == name)
