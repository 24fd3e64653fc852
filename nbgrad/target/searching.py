"""Binary search, for the loops of all targets."""


def before(a, first, n, x, left):
    """Return how many of the `n` sorted numbers of `a` from `first` on are smaller than x (`left`), or not larger; NaN is largest.

    It takes as many steps for every x, so that threads of a GPU stay together.
    """
    low, length = first, n
    while length > 0:
        half = (length + 1) >> 1
        y = a[low + half - 1]
        if left:
            passed = y < x or (x != x and y == y)
        else:
            passed = y <= x or x != x
        low += half * passed
        length -= half
    return low - first
