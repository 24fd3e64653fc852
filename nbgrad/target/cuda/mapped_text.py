"""A function of numbers mapped over arrays as text: one thread calls it for one place after the other, a grid apart."""

from ...ops.cast import copy as COPY  # noqa: N812 - a row this file names itself
from ...plan.gathering import fill_step
from ...plan.mapping import map_step
from ...plan.plan import Layout, Plan, packed
from ..lowering import indent, load_text
from .grids import Each
from .map_text import offsets


def plan_mapped(text, inputs, shape) -> Plan:
    """Plan the calls of a function (`function_text.Text`) for all places of arrays that broadcast to `shape`.

    Its buffers are the inputs, the results and, where the function can fail, a status: a word for each way to fail, which is
    not 0 where some place did. Words as those of a row.
    """
    outs = [packed(shape, dtype) for dtype in text.dtypes]
    status = [(len(text.failures),)] if text.failures else []
    shapes, dtypes = (*[out.shape for out in outs], *status), (*text.dtypes, *["int64" for _ in status])
    if not packed(shape, "bool").size:
        return Plan((), shapes, dtypes)
    everywhere = [Layout(shape, (0,) * len(shape), "int64") for _ in status]
    step = map_step(COPY, inputs, (*outs, *everywhere), range(len(inputs) + len(shapes)))
    first = [fill_step(len(text.failures), 0, "int64", len(inputs) + len(outs)) for _ in status]
    return Plan((*first, step._replace(kernel=step.kernel._replace(loop="mapped", body=text))), shapes, dtypes)


def mapped_text(kernel, name) -> str:
    """A function over any layout; words as `plan.mapping.map_step` gives them."""
    text, (classes, outer), count = kernel.body, kernel.static, len(kernel.dtypes)
    inputs, strides = count - len(text.dtypes) - bool(text.failures), count + 6  # words of the inner strides
    at = lambda i: {"1": f"o{i} + i", "0": f"o{i}", "s": f"o{i} + i * args[{strides + i}]"}[classes[i]]
    loads, given = [f"x{i} = {load_text(f'p{i}', at(i), kernel.dtypes[i])}" for i in range(inputs)], []
    numbers = iter(range(inputs))
    for n in text.counts:
        given.append(f"x{next(numbers)}" if n is None else f"({' '.join([f'x{next(numbers)},' for _ in range(n)])})")
    status = [f"p{count - 1}", f"o{count - 1}"] if text.failures else ["args", "0"]
    call = f"found = {text.name}({', '.join([*given, *status])})"
    puts = [f"p{inputs + k}[{at(inputs + k)}] = T{inputs + k}(found[{k}])" for k in range(len(text.dtypes))]
    return f"""\
{text.text}


@kernel
def {name}(args, {", ".join(f"p{i}" for i in range(count))}):
    n = args[{count}]
    for number in range(cuda.grid(1), args[{count + 3}] // args[{count + 2}] * n, cuda.gridsize(1)):
        row_number = number // n
        i = number - row_number * n
{indent([*[f"o{i} = args[{i}]" for i in range(count)], *(offsets(count) if outer else [])], 8)}
{indent([*loads, call, *puts], 8)}
"""


TEXTS = {"mapped": mapped_text}
LAUNCH = {"mapped": lambda words: Each(words[3] // words[2] * words[0])}
