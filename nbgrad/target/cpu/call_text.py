"""The text of a kernel that calls a function of the user's: arguments made of words, the call, results copied to their places.

The first word of the status says what happened: 0 that all went well, 1 that the function ended with an error, n + 2 that
result n is not as large as it was when the program was recorded.
"""

from ...ad.expressions import Known
from ...ad.statements import Array, Group
from ..functions.files import stamp

IMPORT = "from nbgrad.target.functions.calling import array, copy, invoke  # {stamp}\n"


def call_text(kernel, name) -> str:
    """Return the text of the kernel below the prelude."""
    params, changed, result = kernel.static
    words = Words(len(kernel.dtypes) + 1)
    status = len(kernel.dtypes) - 1 - len(changed)
    scratch = {i: status + 1 + k for k, i in enumerate(changed)}
    given, number = [], 0
    for p in params:
        items = p.items if isinstance(p, Group) else (p,)
        shown = [words.argument(number + k, item, scratch) for k, item in enumerate(items)]
        given.append(f"({', '.join(shown)},)" if isinstance(p, Group) else shown[0])
        number += len(items)
    call = f"invoke(word(args, {len(kernel.dtypes)}), RESULT, ({', '.join(given)},))"
    lines = [*words.lines, f"status, (code, info, found) = at{status}(args), {call}",
             "status[0], status[1], status[2] = code != 0, code, info", "if code == 0:"]  # fmt: skip
    for k, (item, shown) in enumerate(parts(result, "found")):
        lines += ["    " + line for line in words.result(number + k, k, item, shown, status)]
    body = "\n".join("    " + line for line in lines)
    head = IMPORT.format(stamp=stamp()) + f"RESULT = {numba_type(result)}\n"
    return f"{head}\n\n@kernel\ndef {name}(args, tile):\n{body}\n"


class Words:
    """Writes how arguments are made of the words of a kernel, and where results go; reads one word after the other."""

    def __init__(self, first):
        self.next, self.lines = first, []

    def shape(self, kind) -> list:
        """Return the extents of an array, whose words come next."""
        self.next += kind.ndim
        return [f"word(args, {i})" for i in range(self.next - kind.ndim, self.next)]

    def argument(self, number, kind, scratch) -> str:
        """Return an argument as the function takes it; of one that it writes into, a copy."""
        if not isinstance(kind, Array):
            return f"at{number}(args)[0]" + (" != 0" if kind.dtype == "bool" else "")
        shape = self.shape(kind)
        where = f"at{scratch.get(number, number)}(args)"
        if number in scratch:
            self.lines.append(f"copy({where}, at{number}(args), {' * '.join(shape)})")
        self.lines.append(f"x{number} = array({where}, ({', '.join(shape)},), {scalar_type(kind)})")
        return f"x{number}"

    def result(self, pointer, number, kind, shown, status) -> list:
        """Return the lines that copy a result to its place."""
        to = f"at{pointer}(args)"
        value = (lambda v: f"1 if {v} else 0") if kind.dtype == "bool" else (lambda v: v)
        if not isinstance(kind, Array) or not kind.ndim:
            return [f"{to}[0] = {value(shown if not isinstance(kind, Array) else f'{shown}[()]')}"]
        shape, name = self.shape(kind), f"y{number}"
        differs = " or ".join(f"{name}.shape[{k}] != {n}" for k, n in enumerate(shape))
        lines = [f"{name} = {shown}", f"if {differs}:", f"    status[0] = {number + 2}"]
        lines += [f"    status[{k + 1}] = {name}.shape[{k}]" for k in range(kind.ndim)]
        lines += ["else:", f"    to{number} = {to}"]
        if kind.layout == "C":
            return [*lines, f"    copy(to{number}, {name}, {name}.size)"]
        index = [f"i{k}" for k in range(kind.ndim)]
        element, flat = f"{name}[{', '.join(index)}]", index[0]
        for k in range(1, kind.ndim):
            flat = f"({flat}) * {shape[k]} + {index[k]}"
        loops = ["    " * (k + 1) + f"for {i} in range({n}):" for k, (i, n) in enumerate(zip(index, shape))]
        return [*lines, *loops, "    " * (kind.ndim + 1) + f"to{number}[{flat}] = {value(element)}"]


def parts(kind, shown) -> list:
    """Return (type, expression) of each number and array in a nested result; None is neither.

    >>> from ...ad.statements import FLOAT
    >>> [text for _, text in parts(Group((FLOAT, Group((FLOAT,)))), "found")]
    ['found[0]', 'found[1][0]']
    """
    if isinstance(kind, Group):
        return [p for i, item in enumerate(kind.items) for p in parts(item, f"{shown}[{i}]")]
    return [] if isinstance(kind, Known) else [(kind, shown)]


def scalar_type(kind) -> str:
    return f"types.{'boolean' if kind.dtype == 'bool' else kind.dtype}"


def numba_type(kind) -> str:
    """Return a type as the text names Numba's; a namedtuple lies in memory as a tuple does.

    >>> numba_type(Group((Array("float32", 2, "F"),)))
    "types.Tuple((types.Array(types.float32, 2, 'F'),))"
    """
    if isinstance(kind, Group):
        return f"types.Tuple(({', '.join(map(numba_type, kind.items))},))"
    if isinstance(kind, Known):
        return "types.none"
    return f"types.Array({scalar_type(kind)}, {kind.ndim}, {kind.layout!r})" if isinstance(kind, Array) else scalar_type(kind)
