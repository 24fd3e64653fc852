"""How threads walk through what is folded, as text: one number after the other, so many threads apart."""

TURNS = 4  # numbers of a thread that are on their way at once: with 2048 threads of a processor enough to wait for no memory


def outer(row, axes, lengths, names, starts) -> list:
    """Return the lines that add to offsets where a row begins: lengths and strides of outer axes are words.

    lengths : word of the first length; starts : words of the first strides, by name.
    """
    steps = [f"    {n} += at * args[{s} + d]" for n, s in zip(names, starts)]
    last = [f"{n} += rest * args[{s}]" for n, s in zip(names, starts)]
    return [f"rest = {row}", f"for d in range({axes} - 1, 0, -1):", f"    at = rest % args[{lengths} + d]",
            f"    rest = rest // args[{lengths} + d]", *steps, *last]  # fmt: skip


def piece(run, inner) -> list:
    """Return the lines that find what a chunk holds: `n` numbers from number `begin` of row `row` on."""
    return [
        "cut = chunk * per", "row = cut // segments", f"begin = (cut - row * segments) * {run}",
        f"n = (min(pieces, cut + per) - row) * {inner} if segments == 1 else min({run}, {inner} - begin)",
        "n = n if live else 0",
    ]  # fmt: skip


def walk(parts, member, apart, steps, inner, fold) -> list:
    """Return the lines that fold `n` numbers of a unit: this thread is `member` of those that are `apart` at a time.

    parts : of the kernel; steps : text of each operand's stride; fold : None, or the words of other folded axes as (axes,
    lengths, starts).
    """
    turns = TURNS if parts.count < 5 else TURNS // 2
    lines = [f"{a} = K{f.i}(0)" if f.start is None else f"{a} = {f.start}" for f in parts.folds for a in sums(f, turns)]
    if fold is None:
        lines += [f"o{i} = b{i} + begin * {steps[i]}" for i in range(parts.count)]
    else:
        lines += [f"i = begin + {member}", f"row += i // {inner}", f"i = i % {inner}", f"rows_on = {apart} // {inner}",
                  f"on = {apart} - rows_on * {inner}"]  # fmt: skip
    lines.append(f"k = {member}")
    for count, test in ((turns, f"while k + {turns - 1} * {apart} < n:"), (1, "while k < n:")):
        inside = []
        for u in range(count):
            inside += _place(parts, u, apart, steps, inner, fold)
            inside += [f"x{i}_{u} = p{i}[o{i}_{u}]" + (" != 0" if parts.dtypes[i] == "bool" else "") for i in range(parts.inputs)]
        for u in range(count):
            inside += _take(parts, u, member)
        lines += [test, *[f"    {line}" for line in inside], f"    k += {count} * {apart}"]
    for f in parts.folds:
        names, half = sums(f, turns), turns // 2
        while half and len(names) > 1:
            lines += [f"{names[u]} = join{f.i}({names[u]}, {names[u + half]})" for u in range(half)]
            half //= 2
    return lines


def sums(fold, turns) -> list:
    """Return the names of a thread's accumulators: one for each number on its way, where there is something to begin with."""
    return [f"a{fold.i}", *[f"a{fold.i}_{u}" for u in range(1, turns if fold.start is not None else 1)]]


def _place(parts, u, apart, steps, inner, fold) -> list:
    """Return the lines that find where number `u` of a turn lies."""
    numbers = range(parts.count)
    if fold is None:
        return [f"o{i}_{u} = o{i} + (k + {u} * {apart}) * {steps[i]}" for i in numbers]
    axes, lengths, starts = fold
    names = [f"o{i}_{u}" for i in numbers]
    return [
        *[f"o{i}_{u} = b{i} + i * {steps[i]}" for i in numbers], *outer("row", axes, lengths, names, starts),
        "i += on", "row += rows_on", f"if i >= {inner}:", f"    i -= {inner}", "    row += 1",
    ]  # fmt: skip


def _take(parts, u, member) -> list:
    """Return the lines that compute the rows of number `u` of a turn, keep what is kept, and fold."""
    made = ", ".join([*[f"y{i}" for i in range(len(parts.outs))], *[f"v{f.i}" for f in parts.folds]])
    lines = [f"{made}, = made({', '.join(f'x{i}_{u}' for i in range(parts.inputs))})"]
    lines += [f"p{parts.inputs + i}[o{parts.inputs + i}_{u}] = T{parts.inputs + i}(y{i})" for i in range(len(parts.outs))]
    for f in parts.folds:
        a = sums(f, TURNS)[u] if f.start is not None else f"a{f.i}"
        fold = f"fold{f.i}({a}, v{f.i})"
        lines.append(f"{a} = {fold} if k > {member} else first{f.i}(v{f.i})" if f.start is None and u == 0 else f"{a} = {fold}")
    return lines
