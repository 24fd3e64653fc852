"""The loops that rows fill: map and reduce, as text. Loops that are whole by nature are in `loops_*.py`."""

import functools
import re
from typing import NamedTuple

from ..lowering import as_body, indent, statements
from .emit import VectorLowering
from .prelude import apart, stack_text

PART = 128  # numbers of a block of which each part of a long chain is done in turn: they stay in the first cache too
HEAVY = 1  # functions of a part, at most where it can be cut
DEEP = 3  # functions that wait for one another, at most in a chain that is not cut
TURNS = 4  # vectors that are taken at a time where there are several functions; of short rows most numbers would be left over
COMMON = functools.partial(VectorLowering, common=True)
SLOW = re.compile(r"\b\w+_float(?:32|64)\(")
NAME = re.compile(r"\b[a-z]\w*\b")
BLOCK = 1024  # numbers that are looked through for rare arguments before they are taken: they stay in the first cache


def offsets(row, axes, lengths, names, strides, depth):
    """Return the text, at indent `depth`, that turns a row number into one offset per operand."""
    lines = [
        f"rest = {row}",
        f"for d in range({axes} - 1, 0, -1):",
        f"    extent = word(args, {lengths} + d)",
        "    at = rest % extent",
        "    rest = rest // extent",
        *[f"    {n} += at * word(args, {s} + d)" for n, s in zip(names, strides)],
        *[f"{n} += rest * word(args, {s})" for n, s in zip(names, strides)],
    ]
    return indent(lines, depth)


class Turns(NamedTuple):
    """The inner loop of elementwise rows as text.

    head : definitions before the kernel; rooms : dtypes of the rooms it needs, by name; steps : readings of the strides that
    are words; before : what is read once; loop : over `i` from `start` to `n`, `grain` of them at most.
    """

    head: list
    rooms: dict
    steps: list
    before: list
    loop: list


def turns(body, dtypes, classes, first, long, place="") -> Turns:
    """Return the loop of a body over operands with inner strides 1 ("1"), 0 ("0") or any ("s"), words from `first` on.

    Operand i is read or written at `o{i}` and behind; values that are folded go to `room0`... at `place`. `long` where the
    loop goes over many numbers, and not over rows, which may be short.
    """
    count = len(dtypes)
    k = count - len(body.outs)
    at = lambda i: {"1": f"o{i} + i", "0": f"o{i}", "s": f"o{i} + i * s{i}"}[classes[i]]
    before, inside = [], []
    for i in range(k):
        (before if classes[i] == "0" else inside).append(f"x{i} = get{i}(p{i}, {at(i)})" + (" != 0" if dtypes[i] == "bool" else ""))
    puts = [f"put{i}(p{i}, {at(i)}, T{i}({{}}))" for i in range(k, count)]
    kinds = ["uint8" if r.dtype == "bool" else r.dtype for r in body.reduced]
    puts += [f"fill{i}(room{i}, {place}, np.{kind}({{}}))" for i, kind in enumerate(kinds)]
    lows, groups, values = statements(COMMON, body, dtypes, puts)
    rare = any(low.rare for low in lows.values())
    lines, parts = [line for group in groups for line in group], [] if body.shared and rare else cut(groups)
    loop, rooms = ["for i in range(start, min(n, start + grain)):", *shift([*inside, *lines])], {}
    if len(parts) > 1:
        loop, rooms = _in_parts(lows, body, dtypes, inside, parts, puts, values)
    elif rare:
        loop = _two_ways(lows, body, dtypes, inside, lines, puts)
    typed = [line for low in lows.values() for line in low.typed()]
    helpers = next(iter(lows.values())).helpers.values()
    steps = [f"s{i} = word(args, {first + i})" for i in range(count) if classes[i] == "s"]
    several = f"TURNS = {TURNS}" if long and sum(len(SLOW.findall(line)) for line in lines) > 1 else ""
    return Turns([several, *typed, *helpers], rooms, steps, before, loop)


def map_text(kernel, name):
    """One elementwise row, or several fused to one."""
    body, dtypes, (classes, outer, *past) = as_body(kernel), kernel.dtypes, kernel.static
    count = first = len(dtypes)
    names, inner = [f"o{i}" for i in range(count)], first + 6  # word of the first inner stride
    made = turns(body, dtypes, classes, inner, not outer)
    lengths = inner + count
    walk, last = "", ["settle()"] if past else []
    if outer:
        axes = f"word(args, {first + 5})"
        starts = [f"{lengths} + {i + 1} * axes" for i in range(count)]
        walk = f"        axes = {axes}\n" + offsets("row", "axes", lengths, names, starts, 8) + "\n"
    return f"""\
{apart(dtypes, bool(past))}
{indent([*made.head, *([stack_text()] if made.rooms else []), *stacks(made.rooms)], 0)}


@kernel
def {name}(args, tile):
    {"; ".join(f"p{i} = at{i}(args)" for i in range(count))}
    n = word(args, {first})
    grain = word(args, {first + 1})
    parts = word(args, {first + 2})
    units = word(args, {first + 3})
    per_tile = word(args, {first + 4})
{indent([*made.steps, *[f"{room}_ = {room}(args)" for room in made.rooms]], 4)}
    for unit in range(tile * per_tile, min(units, (tile + 1) * per_tile)):
        {" = ".join(names)} = 0
        row = unit if parts == 1 else unit // parts
{walk}        start = (unit - row * parts) * grain
{indent(made.before, 8)}
{indent([*made.loop, *last], 8)}
"""


def cut(groups) -> list:
    """Cut the statements of a long chain of rows into parts with a function each, where each waits for the one before it.

    A processor looks some hundred instructions ahead: in a long chain it finds nothing to do while it waits for one
    result after the other; of short ones it takes several turns of the loop at once. Eight tanh in a row over 2^18
    numbers take 1.7 ms as one part, 0.5 ms as eight. Functions that do not wait for one another stay together.
    """
    heavy = [sum(len(SLOW.findall(line)) for line in group) for group in groups]
    if waits(groups) <= DEEP:
        return [groups]
    parts, weight = [[]], 0
    for group, more in zip(groups, heavy):
        if weight and weight + more > HEAVY:
            parts.append([])
            weight = 0
        parts[-1].append(group)
        weight += more
    return parts


def waits(groups) -> int:
    """Return how many functions there are in the longest chain of functions that wait for one another's results."""
    chains: dict = {}
    for line in [line for group in groups for line in group]:
        name, _, text = line.partition(" = ")
        before = max([chains.get(n, 0) for n in NAME.findall(text)], default=0)
        chains[name] = before + len(SLOW.findall(text))
    return max(chains.values(), default=0)


def _in_parts(lows, body, dtypes, inside, parts, puts, values):
    """Return (loop over blocks in which each part has a loop of its own, rooms for values that go from part to part)."""
    known = {name: dtype for name, dtype in values if name.isidentifier()}
    loads = {line.split(" = ")[0]: line for line in inside}
    texts = [[line for group in part for line in group] for part in parts]
    made = [{line.split(" = ")[0] for line in text if " = " in line} for text in texts]
    used = [{name for line in text for name in NAME.findall(line.partition(" = ")[2] or line)} for text in texts]
    passed = {n for i, names in enumerate(made) for n in names if n in known and any(n in later for later in used[i + 1 :])}
    rare = [f"rare = rare | {c}" for c in next(iter(lows.values())).rare]
    loop = [f"for block in range(start, min(n, start + grain), {PART}):", f"    stop = min(n, start + grain, block + {PART})"]
    loop += ["    rare = False"] if rare else []
    for text, names, reads in zip(texts, made, used):
        seen = [c for c in rare if set(NAME.findall(c)) & (names | (loads.keys() & reads))]
        rare = [c for c in rare if c not in seen]
        wanted = reads | {n for c in seen for n in NAME.findall(c)}
        back = [f"{n} = r_{n}_[i - block]" + (" != 0" if known[n] == "bool" else "") for n in sorted(passed & wanted - names)]
        kept = [f"r_{n}_[i - block] = {n}" for n in sorted(passed & names)]
        turn = [*[line for n, line in loads.items() if n in wanted], *back, *text, *seen, *kept]
        loop += ["    for i in range(block, stop):", *shift(shift(turn))]
    if "    rare = False" in loop:
        again = [line for group in statements(VectorLowering, body, dtypes, puts, lows)[1] for line in group]
        loop += ["    if rare:", "        for i in range(block, stop):", *shift(shift(shift([*inside, *again])))]
    return loop, {f"r_{n}": known[n] for n in sorted(passed)}


def stacks(rooms) -> list:
    """Return the definitions of rooms for a block of values each."""
    return [f"{room} = stack(types.{'uint8' if dtype == 'bool' else dtype}, {PART})" for room, dtype in rooms.items()]


def shift(lines):
    """Return the lines of a body, one level further in."""
    return ["    " + line for line in lines]


def _two_ways(lows, body, dtypes, inside, lines, puts):
    """Return a loop over blocks that takes the slow way only where a block holds an argument out of the common range.

    One row is looked at before it is taken; of several, where nothing is written over what is read, the block is taken
    at once and a second time where that was wrong: to find out, most of it must be computed.
    """
    again = [line for group in statements(VectorLowering, body, dtypes, puts, lows)[1] for line in group]
    low = next(iter(lows.values()))
    looks = [f"rare = rare | {condition}" for condition in low.rare]
    head = [
        f"for block in range(start, min(n, start + grain), {BLOCK}):",
        f"    stop = min(n, start + grain, block + {BLOCK})",
        "    rare = False",
        "    for i in range(block, stop):",
    ]
    if len(body.calls) > 1 and not body.shared:
        return [
            *head,
            *shift(shift([*inside, *lines, *looks])),
            "    if rare:",
            "        for i in range(block, stop):",
            *shift(shift(shift([*inside, *again]))),
        ]
    return [
        *head,
        *shift(shift([*inside, *low.lines, *looks])),
        "    if rare:",
        "        for i in range(block, stop):",
        *shift(shift(shift([*inside, *again]))),
        "    else:",
        "        for i in range(block, stop):",
        *shift(shift(shift([*inside, *lines]))),
    ]
