"""Floor 4: when and where; pure functions from ops and layouts to plans. No numba."""

from . import drawing, gathering, multiplying, placing, windowing  # noqa: F401 - planners register
