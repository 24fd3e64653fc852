"""Floor 4: when and where; pure functions from ops and layouts to plans. No numba."""

from . import (  # noqa: F401 - their planners register
    channels,
    drawing,
    entropy,
    gathering,
    multiplying,
    norms,
    placing,
    pooling,
    rows,
    scanning,
    scattering,
    sorting,
    weighing,
    windowing,
)
