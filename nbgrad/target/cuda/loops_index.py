"""What loops over rows and indices are made of: how many threads share a row, indices that count from either end."""

LINE_LANES = 5  # logarithm of the threads of a warp: neighbours that read one piece of memory together
BUSY = 1 << 18  # threads that fill a large GPU: below, more of them share a row


def sharing(rows, columns):
    """Return the logarithm of how many threads take a row together, each every so many elements."""
    shift = 0
    while 1 << shift < columns and (shift < LINE_LANES or rows << shift < BUSY):
        shift += 1
    return shift


def counted(at, size):
    """Return an index counted from the start of an axis of length `size`; one below 0 counts from the end."""
    return at + size if at < 0 else at


def copy_row(out, to, out_step, x, source, step, first, by, count):
    """Copy one thread's elements of a row of `count`: `first`, and on every `by`; four are read before one is written."""
    k = first
    while k + 3 * by < count:
        at = source + k * step
        a, b, c, d = x[at], x[at + by * step], x[at + 2 * by * step], x[at + 3 * by * step]
        at = to + k * out_step
        out[at] = a
        out[at + by * out_step] = b
        out[at + 2 * by * out_step] = c
        out[at + 3 * by * out_step] = d
        k += 4 * by
    while k < count:
        out[to + k * out_step] = x[source + k * step]
        k += by
