"""Elementary functions as straight-line formulas in one dtype, which compilers turn into vector instructions."""

from .bits import find as find
