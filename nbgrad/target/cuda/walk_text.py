"""How threads walk through what is folded, as text: one number after the other, so many threads apart."""

import numpy as np

SUMS = 4  # accumulators of a thread: additions wait for one another a fourth as long, and round as much less
FLYING = 32  # bytes that a thread has on their way at once: with 1024 threads of a processor enough to wait for no memory


def outer(row, axes, lengths, names, starts) -> list:
    """Return the lines that add to offsets where a row begins: lengths and strides of outer axes are words.

    lengths : word of the first length; starts : words of the first strides, by name.
    """
    return outers([row], axes, lengths, [names], starts, [f"args[{s}]" for s in starts])


def outers(rows, axes, lengths, names, starts, known) -> list:
    """Return the same lines for several rows in rising order, with names of offsets each; known : the first strides, by name.

    The loop ends early at the first row: the compiler does not write out one whose turns it cannot count, which saves registers.
    """
    turns = [
        line for u, offsets in enumerate(names) for line in
        (f"    above{u} = rest{u} // extent", f"    at = rest{u} - above{u} * extent", f"    rest{u} = above{u}",
         *[f"    {n} += at * args[{s} + d]" for n, s in zip(offsets, starts)])
    ]  # fmt: skip
    last = [f"{n} += rest{u} * {s}" for u, offsets in enumerate(names) for n, s in zip(offsets, known)]
    first = [f"rest{u} = {row}" for u, row in enumerate(rows)]
    test = f"while d > 0 and rest{len(rows) - 1} > 0:"
    return [*first, f"d = {axes} - 1", test, f"    extent = args[{lengths} + d]", *turns, "    d -= 1", *last]


def piece(run, inner) -> list:
    """Return the lines that find what a chunk holds: `n` numbers from number `begin` of row `row` on."""
    return [
        "cut = chunk * per", "row = cut if segments == 1 else cut // segments", f"begin = (cut - row * segments) * {run}",
        f"n = (min(pieces, cut + per) - row) * {inner} if segments == 1 else min({run}, {inner} - begin)",
        "n = n if live else 0",
    ]  # fmt: skip


def walk(parts, member, apart, steps, inner, fold) -> list:
    """Return the lines that fold `n` numbers of a unit: this thread is `member` of those that are `apart` at a time.

    parts : of the kernel; steps : text of each operand's stride; fold : None, or (how many other folded axes there are, 2 for
    more, and their words: axes, lengths, starts), the first strides being `f0`, `f1`, ...
    """
    turns = 2 if fold is not None and fold[0] > 1 else turns_of(parts)  # divisions take many registers
    several = min(turns, SUMS)
    lines = [f"{a} = K{f.i}(0)" if f.start is None else f"{a} = {f.start}" for f in parts.folds for a in sums(f, several)]
    if fold is None:
        lines += [f"o{i} = b{i} + begin * {steps[i]}" for i in range(parts.count)]
    else:
        lines += [f"i = begin + {member}", f"row += i // {inner}", f"i = i % {inner}", f"rows_on = {apart} // {inner}",
                  f"on = {apart} - rows_on * {inner}"]  # fmt: skip
    places = lambda count: _places(parts, count, apart, steps, inner, fold)
    loads = lambda u: [f"x{i}_{u} = p{i}[o{i}_{u}]" + (" != 0" if parts.dtypes[i] == "bool" else "") for i in range(parts.inputs)]
    batch = lambda count: shift([
        *places(count), *[line for u in range(count) for line in loads(u)],
        *[line for u in range(count) for line in _take(parts, u, member)], f"k += {count} * {apart}",
    ])  # fmt: skip
    lines += [f"k = {member}", f"while k + {turns - 1} * {apart} < n:", *batch(turns)]
    if turns > several:
        lines += [f"if k + {several - 1} * {apart} < n:", *batch(several)]
    rest = [*places(several - 1), *loads(0)]  # of the others at once too: where there is none, the first is read again
    for u in range(1, several - 1):
        rest += [*[f"o{i}_{u} = o{i}_{u} if k + {u} * {apart} < n else o{i}_0" for i in range(parts.inputs)], *loads(u)]
    for u in range(several - 1):
        take = _take(parts, u, member)
        rest += [f"if k + {u} * {apart} < n:", *shift(take)] if u else take
    lines += ["if k < n:", *shift(rest)]
    for f in parts.folds:
        names, half = sums(f, several), several // 2
        while half and len(names) > 1:
            lines += [f"{names[u]} = join{f.i}({names[u]}, {names[u + half]})" for u in range(half)]
            half //= 2
    return lines


def shift(lines) -> list:
    """Return lines one level deeper."""
    return [f"    {line}" for line in lines]


def turns_of(parts) -> int:
    """Return how many turns a thread takes at once: 2, 4 or 8."""
    size = sum(np.dtype(d).itemsize for d in parts.dtypes[: parts.inputs])
    return max(2, min(8, 1 << max(0, FLYING // max(1, size)).bit_length() - 1)) if size <= FLYING else 2


def sums(fold, several) -> list:
    """Return the names of a thread's accumulators: several, where there is something to begin with."""
    return [f"a{fold.i}", *[f"a{fold.i}_{u}" for u in range(1, several if fold.start is not None else 1)]]


def _places(parts, count, apart, steps, inner, fold) -> list:
    """Return the lines that find where so many numbers of a turn lie."""
    numbers, turns = range(parts.count), range(count)
    if fold is None:
        return [f"o{i}_{u} = o{i} + (k + {u} * {apart}) * {steps[i]}" for u in turns for i in numbers]
    others, axes, lengths, starts = fold
    lines = []
    for u in turns:
        lines += [f"row{u} = row", *[f"o{i}_{u} = b{i} + i * {steps[i]}" + (f" + row * f{i}" if others == 1 else "") for i in numbers]]
        lines += ["i += on", "row += rows_on", f"if i >= {inner}:", f"    i -= {inner}", "    row += 1"]
    if others == 1:
        return lines
    names = [[f"o{i}_{u}" for i in numbers] for u in turns]
    return [*lines, *outers([f"row{u}" for u in turns], axes, lengths, names, starts, [f"f{i}" for i in numbers])]


def _take(parts, u, member) -> list:
    """Return the lines that compute the rows of number `u` of a turn, keep what is kept, and fold."""
    made = ", ".join([*[f"y{i}" for i in range(len(parts.outs))], *[f"v{f.i}" for f in parts.folds]])
    lines = [f"{made}, = made({', '.join(f'x{i}_{u}' for i in range(parts.inputs))})"]
    lines += [f"p{parts.inputs + i}[o{parts.inputs + i}_{u}] = T{parts.inputs + i}(y{i})" for i in range(len(parts.outs))]
    for f in parts.folds:
        a = sums(f, SUMS)[u % SUMS] if f.start is not None else f"a{f.i}"
        fold = f"fold{f.i}({a}, v{f.i})"
        lines.append(f"{a} = {fold} if k > {member} else first{f.i}(v{f.i})" if f.start is None and u == 0 else f"{a} = {fold}")
    return lines
