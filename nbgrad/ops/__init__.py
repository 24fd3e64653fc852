"""Floor 1: the table, which says what each op means. Pure Python; no numba, no loops over arrays."""

from .table import table as table
