"""Derivatives of the user's own compiled functions: written as a file, compiled by Numba, called like any `@njit` function."""
