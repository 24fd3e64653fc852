"""Elementwise rows as text: one thread takes one number after the other, a grid apart."""

from ..lowering import as_body, indent, statements
from .emit import ThreadLowering
from .grids import Each


def map_text(kernel, name) -> str:
    """Elementwise rows over any layout; words as `plan.mapping.map_step` gives them."""
    body, (classes, outer, *_) = as_body(kernel), kernel.static
    count = len(kernel.dtypes)
    inputs, strides = count - len(body.outs), count + 6  # words of the inner strides
    at = lambda i: {"1": f"o{i} + i", "0": f"o{i}", "s": f"o{i} + i * args[{strides + i}]"}[classes[i]]
    loads = [f"x{i} = p{i}[{at(i)}]" + (" != 0" if kernel.dtypes[i] == "bool" else "") for i in range(inputs)]
    lows, groups, _ = statements(ThreadLowering, body, kernel.dtypes, [f"p{i}[{at(i)}] = T{i}({{}})" for i in range(inputs, count)])
    head = [*[line for low in lows.values() for line in low.typed()], *next(iter(lows.values())).helpers.values()]
    starts = [f"o{i} = args[{i}]" for i in range(count)]
    return f"""\
{indent(head, 0)}


@kernel
def {name}(args, {", ".join(f"p{i}" for i in range(count))}):
    n = args[{count}]
    for number in range(cuda.grid(1), args[{count + 3}] // args[{count + 2}] * n, cuda.gridsize(1)):
        row = number // n
        i = number - row * n
{indent([*starts, *(offsets(count) if outer else [])], 8)}
{indent([*loads, *[line for group in groups for line in group]], 8)}
"""


def offsets(count) -> list:
    """Return the lines that turn a row into one offset per operand: lengths and strides of the outer axes are words."""
    lengths = 2 * count + 6
    steps = [f"    o{i} += at * args[{lengths} + {i + 1} * axes + d]" for i in range(count)]
    return [
        f"axes = args[{count + 5}]", "rest = row", "for d in range(axes - 1, -1, -1):", f"    extent = args[{lengths} + d]",
        "    at = rest % extent", "    rest = rest // extent", *steps,
    ]  # fmt: skip


TEXTS = {"map": map_text}
LAUNCH = {"map": lambda words: Each(words[3] // words[2] * words[0])}
