"""The CPU: kernels are generated files of `@njit` functions; their machine code runs without Numba, on one pool of threads."""
