"""Plans of cross entropy: losses of rows (or of columns side by side), their sums, and the gradient."""

from .norms import word_of
from .plan import Kernel, Plan, Step, planner
from .rows import column_blocks, extents, finished, nothing, per_tile


def options(attrs) -> tuple:
    """Return words: the label that is left out, whether one is, the share of the target that is spread over all classes."""
    ignored = attrs["ignored"]
    return 0 if ignored is None else ignored, int(ignored is not None), word_of(attrs["spread"])


def walk(x, attrs) -> tuple:
    """Return (loop's ending, words, tiles, numbers per tile that columns need).

    Words: samples (or blocks), classes, samples per tile, `options`; of columns also blocks side by side, columns per block,
    columns.
    """
    outer, n, inner = extents(x.shape, (attrs["axis"],))
    if inner == 1 or not inner:
        grain = per_tile(n)
        return "rows", (outer * inner, n, grain, *options(attrs)), -(-outer * inner // grain), 0
    blocks, block = column_blocks(max(1, n), inner)
    units, grain = outer * blocks, per_tile(n * block)
    return "columns", (units, n, grain, *options(attrs), blocks, block, inner), -(-units // grain), 3 * block


@planner("class_entropy", contiguous=True)
def class_entropy(inputs, attrs, outs) -> Plan:
    """Inputs x, labels, weight; outputs loss, stats; scratch losses, sums and places of wrong labels by tile, columns' sums."""
    x, samples = inputs[0], inputs[1].size
    kind, words, tiles, space = walk(x, attrs)
    static, alone = (attrs["logs"], attrs["spread"] > 0.0), attrs["reduction"] == "none"
    scratch = [((samples,), x.dtype), ((2 * tiles,), "float64"), ((tiles,), "int64"), ((space * tiles,), x.dtype)]
    dtypes = (x.dtype, "int64", x.dtype, x.dtype, "float64", "float64", "int64", x.dtype)
    pointers = (0, 1, 2, 3 if alone else 5, 4, 6, 7, 8)
    k = 8 if space else 7
    first = Step(Kernel(f"entropy_{kind}", dtypes[:k], None, static), pointers[:k], words, tiles)
    kernel = Kernel("entropy_join", ("float64", "int64", x.dtype, "float64"), None, (attrs["reduction"] == "mean", not alone))
    join = Step(kernel, (6, 7, 3, 4), (tiles, samples), 1)
    return finished((first, join) if tiles else (join,), outs, scratch)


@planner("class_entropy_grad", contiguous=True)
def class_entropy_grad(inputs, attrs, out) -> Plan:
    """Inputs u, x, labels, weight, stats."""
    x = inputs[1]
    if not out.size:
        return nothing(out)
    kind, words, tiles, space = walk(x, attrs)
    reduction = attrs["reduction"]
    static = (attrs["logs"], attrs["spread"] > 0.0, reduction != "none", reduction == "mean")
    dtypes = (x.dtype, x.dtype, "int64", x.dtype, "float64", x.dtype, x.dtype)
    k = 7 if space else 6
    step = Step(Kernel(f"entropy_grad_{kind}", dtypes[:k], None, static), tuple(range(k)), words, tiles)
    return Plan((step,), out.shape, out.dtype, (((space * tiles,), x.dtype),) if space else ())


@planner("soft_entropy", contiguous=True)
def soft_entropy(inputs, attrs, outs) -> Plan:
    """Inputs x and probabilities, classes last; outputs losses, whole."""
    x = inputs[0]
    n = x.shape[-1]
    rows, grain = x.size // max(1, n), per_tile(n)
    if not x.size:
        return finished((), outs)
    kernel = Kernel("soft_entropy_rows", (x.dtype,) * 3 + ("float64",))
    return finished((Step(kernel, (0, 1, 2, 3), (rows, n, grain), -(-rows // grain)),), outs)


@planner("soft_entropy_grad", contiguous=True)
def soft_entropy_grad(inputs, attrs, outs) -> Plan:
    """Inputs u, x, probabilities, whole; outputs for x and the probabilities."""
    x = inputs[1]
    n = x.shape[-1]
    rows, grain = x.size // max(1, n), per_tile(n)
    if not x.size:
        return finished((), outs)
    kernel = Kernel("soft_entropy_grad_rows", (x.dtype,) * 3 + ("float64", x.dtype, x.dtype), None, (attrs["both"],))
    return finished((Step(kernel, (0, 1, 2, 3, 4, 5), (rows, n, grain), -(-rows // grain)),), outs)
