"""Floor 4: when and where; pure functions from ops and layouts to plans. No numba."""
