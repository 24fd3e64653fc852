"""The words of reductions in plain Python: what `fold_words.py` writes instructions for, one number after the other."""

import numpy as np


class Folding:
    """One reduction, as in `fold_words.py`; there is one accumulator where machine code has lanes."""

    def __init__(self, memory, acc, take, merge, quick=None, start=None, as_is=False, watch=0):
        self.acc, self.take, self.merge, self.begin = _type(acc), take, merge, start
        self.read = _type(memory) if as_is or memory == "boolean" else self.acc

    def put(self, lane, j, x, fresh):
        """Fold a number into accumulator `j`, which holds nothing yet where it is `fresh` and has no start."""
        x = self.read(x != 0 if self.read is np.bool_ else x)
        lane[j] = x if fresh and self.begin is None else self.take(self.acc(lane[j]), x)


def _type(name):
    return np.bool_ if name == "boolean" else np.dtype(name).type


def run_word(fold, strided, rounds):
    def fold_run(p, o, step, count, lane, fresh, exact):
        for k in range(count):
            fold.put(lane, 0, p[o + k * step], fresh and k == 0)

    return fold_run


def columns_word(fold, strided):
    def fold_columns(p, o, apart, step, lane, count, rows, fresh, exact):
        for k in range(rows):
            for j in range(count):
                fold.put(lane, j, p[o + k * step + j * apart], fresh and k == 0)

    return fold_columns


def lane_words(fold):
    def empty(lane):
        lane[0] = fold.begin

    return empty, lambda lane, live: lane[0]


def offset(args, row, axes, lengths, strides):
    total = 0
    for d in range(axes - 1, -1, -1):
        row, at = divmod(row, args[lengths + d]) if d else (0, row)
        total += at * args[strides + d]
    return total


WORDS = {
    "Folding": Folding, "run_word": run_word, "columns_word": columns_word, "lane_words": lane_words, "offset": offset,
    "merge_word": lambda fold: lambda a, b: fold.merge(fold.acc(a), fold.acc(b)), "quotient": lambda n, by: n // by,
    "behind_word": lambda fold: lambda lane, count: lane[count:],
    "watch_words": lambda fold, width: (lambda lane: None, lambda lane: 0),
    "select": lambda test, a, b, dtype=None: a if test else b, "call": lambda name, x: getattr(np, name)(x),
}  # fmt: skip
