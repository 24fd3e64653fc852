"""Elementwise rows as text: a thread takes 16 bytes of each array at a time where they lie in one piece, else number by number.

The memory binds them: rows of a training step do a few operations for each number that they read.
"""

from ..lowering import as_body, indent, statements
from .emit import ThreadLowering
from .grids import Each
from .package import package
from .walk_text import outer as outer_lines
from .wide import count_of, wide_text

PER_THREAD = 4  # numbers of a thread where there are many: those of an access of 16 bytes


def map_text(kernel, name) -> str:
    """Elementwise rows over any layout; words as `plan.mapping.map_step` gives them."""
    body, dtypes, (classes, outer, *_) = as_body(kernel), kernel.dtypes, kernel.static
    count = len(dtypes)
    inputs, strides = count - len(body.outs), count + 6  # words of the inner strides
    at = lambda i: {"1": f"o{i} + i", "0": f"o{i}", "s": f"o{i} + i * args[{strides + i}]"}[classes[i]]
    load = lambda i, text: f"x{i} = {text}" + (" != 0" if dtypes[i] == "bool" else "")
    lows, groups, _ = statements(ThreadLowering, body, dtypes, [f"y{i} = T{i}({{}})" for i in range(inputs, count)])
    head = [*[line for low in lows.values() for line in low.typed()], *next(iter(lows.values())).helpers.values()]
    given, made = [f"x{i}" for i in range(inputs)], [f"y{i}" for i in range(inputs, count)]
    along = [i for i in range(count) if classes[i] == "1"]
    at_once = count_of(package(), [dtypes[i] for i in along]) if along and not outer and "s" not in classes else 1
    at_once = at_once if all(classes[i] == "1" for i in range(inputs, count)) else 1
    head = [wide_text(package(), dtypes, at_once), *head] if at_once > 1 else head
    starts = [f"o{i} = args[{i}]" for i in range(count)]
    results = f"{', '.join(made)}{',' if len(made) == 1 else ''}"
    return f"""\
{indent(head, 0)}


@helper
def row({", ".join(given)}):
{indent([*[line for group in groups for line in group], f"return {results}"], 4)}


@kernel
def {name}(args, {", ".join(f"p{i}" for i in range(count))}):
    n, done = args[{count}], 0
{indent(starts, 4)}
{indent(_wide(at_once, along, inputs, count, load) if at_once > 1 else [], 4)}
{indent(_rows(count) if outer else ["i = done + cuda.grid(1)", "while i < n:"], 4)}
{indent([*starts, *offsets(count)] if outer else [], 8)}
{indent([load(i, f"p{i}[{at(i)}]") for i in range(inputs)], 8)}
        {results} = row({", ".join(given)})
{indent([f"p{i}[{at(i)}] = y{i}" for i in range(inputs, count)], 8)}
{indent(ON if outer else ["i += cuda.gridsize(1)"], 8)}
"""


ON = ["number += gap", "row_number += rows_on", "i += on", "if i >= n:", "    i -= n", "    row_number += 1"]


def _rows(count) -> list:
    """Return the lines that begin a walk over rows: a thread divides once, and then goes on by a known distance."""
    return [
        "number, gap = done + cuda.grid(1), cuda.gridsize(1)", "row_number, rows_on = number // n, gap // n",
        "i, on = number - row_number * n, gap - rows_on * n", f"total = args[{count + 3}] // args[{count + 2}] * n",
        "while number < total:",
    ]  # fmt: skip


def _wide(at_once, along, inputs, count, load) -> list:
    """Return the lines that take most of the numbers, several at once: where all arrays begin at such a place."""
    alone = [load(i, f"p{i}[o{i}]") for i in range(inputs) if i not in along]
    reads = [f"w{i} = get{i}(p{i}, o{i} + i)" for i in along if i < inputs]
    turns = []
    for k in range(at_once):
        given = [load(i, f"w{i}[{k}]").partition(" = ")[2] if i in along else f"x{i}" for i in range(inputs)]
        turns.append(f"z{k} = row({', '.join(given)})")
    puts = [f"put{i}(p{i}, o{i} + i, ({', '.join(f'z{k}[{i - inputs}]' for k in range(at_once))}))" for i in range(inputs, count)]
    return [
        f"if {' and '.join(f'near{i}(p{i}, o{i})' for i in along)}:", *[f"    {line}" for line in alone],
        f"    for group in range(cuda.grid(1), n // {at_once}, cuda.gridsize(1)):", f"        i = group * {at_once}",
        *[f"        {line}" for line in (*reads, *turns, *puts)], f"    done = n // {at_once} * {at_once}",
    ]  # fmt: skip


def offsets(count) -> list:
    """Return the lines that turn a row into one offset per operand: lengths and strides of the outer axes are words."""
    lengths, names = 2 * count + 6, [f"o{i}" for i in range(count)]
    starts = [f"{lengths} + {i + 1} * axes" for i in range(count)]
    return [f"axes = args[{count + 5}]", *outer_lines("row_number", "axes", lengths, names, starts)]


TEXTS = {"map": map_text}
LAUNCH = {"map": lambda words: Each(-(-words[3] // words[2] * words[0] // PER_THREAD))}
