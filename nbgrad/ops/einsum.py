"""Einstein's summation: subscripts to one letter per axis, operands to matrix products, two at a time."""

import functools
import string
from math import prod

import numpy as np

from ..base.errors import ArgumentError, ShapeError, problem
from .matmul import matmul_row
from .movement import broadcast_to, diagonal, permute, reshape
from .reduce import sum as sum_over
from .table import lift

LETTERS = string.ascii_uppercase + string.ascii_lowercase  # NumPy's order of integer subscripts


def einsum(subscripts, *operands):
    """Sum of products by Einstein's convention, as `numpy.einsum`.

    Parameters
    ----------
    subscripts : str
        One letter per axis, operands between commas, e.g. "ij,jk->ik". A letter that the result lacks is summed over;
        one used twice by an operand takes its diagonal; "..." stands for leading axes that broadcast. Without "->" the
        result has the letters that occur once, in alphabetical order.
    *operands : arrays
        Or in turns operand, list of int per axis, and last the list of the result, as NumPy allows.

    Returns
    -------
    Tensor
        Products are taken two at a time, by matmul, in the order that `numpy.einsum_path` finds cheap.

    Raises
    ------
    ArgumentError
        For subscripts that cannot be read.
    ShapeError
        When one letter stands for different lengths.

    Examples
    --------
    >>> einsum("ij,ij->i", [[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]])
    tensor([3., 7.])
    """
    labels, result, operands = parse(subscripts, operands)
    terms = [simplified(x, own) for x, own in zip(operands, labels)]
    for pair in contraction_order(labels, result, [x.shape for x in operands]):
        taken = [terms.pop(i) for i in sorted(pair, reverse=True)][::-1]
        while len(taken) > 1:
            needed = set(result).union(*(own for _, own in taken[2:]), *(own for _, own in terms))
            taken[:2] = [contracted(*taken[0], *taken[1], needed)]
        terms.append(taken[0])
    x, own = terms[0]
    x, own = summed(x, own, set(result))
    return permute(x, axes=tuple(own.index(c) for c in result)) if tuple(own) != tuple(result) else x


def simplified(x, own):
    """Return an operand with each letter once: the diagonal of letters that it repeats."""
    own = list(own)
    for c in dict.fromkeys(own):
        while own.count(c) > 1:
            i = own.index(c)
            j = own.index(c, i + 1)
            x = diagonal(x, 0, i, j)
            own = [d for at, d in enumerate(own) if at not in (i, j)] + [c]
    return x, tuple(own)


def summed(x, own, needed):
    """Sum an operand over the letters that nobody needs."""
    axes = tuple(i for i, c in enumerate(own) if c not in needed)
    return (sum_over(x, axes), tuple(c for c in own if c in needed)) if axes else (x, tuple(own))


def contracted(a, own_a, b, own_b, needed):
    """Multiply two operands and sum over the letters that only they have: (product, its letters)."""
    a, own_a = summed(a, own_a, needed | set(own_b))
    b, own_b = summed(b, own_b, needed | set(own_a))
    shared = [c for c in own_a if c in own_b and c in needed]
    inner_ = [c for c in own_a if c in own_b and c not in needed]
    left = [c for c in own_a if c not in own_b]
    right = [c for c in own_b if c not in own_a]
    a, b = stretched(a, own_a, b, own_b, inner_)
    if not inner_:
        a, b = arranged(a, own_a, shared, left, len(right)), arranged(b, own_b, shared, (), 0, right, len(left))
        return a * b, (*shared, *left, *right)
    batch_a, batch_b = (tuple(x.shape[own.index(c)] for c in shared) for x, own in ((a, own_a), (b, own_b)))
    rows = tuple(a.shape[own_a.index(c)] for c in left)
    columns = tuple(b.shape[own_b.index(c)] for c in right)
    k = prod(a.shape[own_a.index(c)] for c in inner_)
    a = permute(a, axes=tuple(own_a.index(c) for c in (*shared, *left, *inner_)))
    b = permute(b, axes=tuple(own_b.index(c) for c in (*shared, *inner_, *right)))
    product = matmul_row(reshape(a, (*batch_a, prod(rows), k)), reshape(b, (*batch_b, k, prod(columns))))
    return reshape(product, (*product.shape[:-2], *rows, *columns)), (*shared, *left, *right)


def stretched(a, own_a, b, own_b, letters):
    """Repeat axes of length 1 that meet a longer one of the same letter and are summed over."""
    shape_a, shape_b = list(a.shape), list(b.shape)
    for c in letters:
        i, j = own_a.index(c), own_b.index(c)
        shape_a[i] = shape_b[j] = shape_b[j] if shape_a[i] == 1 else shape_a[i]
    a = a if tuple(shape_a) == a.shape else broadcast_to(a, tuple(shape_a))
    return a, b if tuple(shape_b) == b.shape else broadcast_to(b, tuple(shape_b))


def arranged(x, own, shared, left, after, right=(), before=0):
    """Return `x` with axes (shared, left, right), and axes of length 1 where the other operand has its own."""
    order = tuple(own.index(c) for c in (*shared, *left, *right))
    shape = [x.shape[i] for i in order]
    at = len(shared) + len(left)
    x = permute(x, axes=order) if order != tuple(range(x.ndim)) else x
    return reshape(x, (*shape[:at], *(1,) * before, *shape[at:], *(1,) * after))


def parse(subscripts, operands):
    """Return (letters of each operand, letters of the result, operands).

    Axes under an ellipsis get the names -1, -2, ... from the right, so that they align.
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _from_lists((subscripts, *operands))
    operands = tuple(map(lift, operands))
    labels, result = _split(subscripts.replace(" ", ""), tuple(x.ndim for x in operands))
    _check_lengths(subscripts, labels, [x.shape for x in operands])
    return labels, result, operands


def _from_lists(args):
    """Turn NumPy's other form, operand and list of int by turns, into text."""
    count = len(args) // 2
    text = ",".join(_letters(s) for s in args[1 : 2 * count : 2])
    if len(args) % 2:
        text += "->" + _letters(args[-1])
    return text, args[0 : 2 * count : 2]


def _letters(numbers):
    try:
        return "".join("..." if n is Ellipsis else LETTERS[n] for n in numbers)
    except (TypeError, IndexError):
        raise problem(
            ArgumentError, f"einsum: {numbers!r} is no list of axis numbers", 'subscripts as text, "ij,jk->ik"'
        ) from None


@functools.lru_cache(maxsize=1024)
def _split(text, ndims):
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise _bad(text, f"names {len(terms)} operands and {len(ndims)} are given")
    labels = tuple(_named(text, term, ndim) for term, ndim in zip(terms, ndims))
    leading = sorted({c for own in labels for c in own if isinstance(c, int)})
    every = [c for own in labels for c in own if isinstance(c, str)]
    if not arrow:
        return labels, (*leading, *sorted(c for c in set(every) if every.count(c) == 1))
    head, dots, tail = right.partition("...")
    if len(set(head + tail)) != len(head + tail):
        raise _bad(text, "the result names an axis twice")
    if not set(head + tail) <= set(every):
        raise _bad(text, f"the result names {sorted(set(head + tail) - set(every))}, which no operand has")
    if leading and not dots:
        raise _bad(text, 'the operands have "..." and the result does not')
    return labels, (*head, *leading, *tail)


def _named(text, term, ndim):
    head, dots, tail = term.partition("...")
    if not all(c in LETTERS for c in head + tail):
        raise _bad(text, f"{term!r} holds more than letters and one ellipsis")
    extra = ndim - len(head) - len(tail)
    if extra < 0 or (extra and not dots):
        raise _bad(text, f"{term!r} names {len(head) + len(tail)} axes of an operand that has {ndim}")
    return (*head, *range(-extra, 0), *tail)


def _bad(text, why):
    return problem(
        ArgumentError, f"einsum({text!r}, ...): {why}", '"ij,jk->ik": a letter per axis, commas between operands'
    )


def _check_lengths(text, labels, shapes):
    lengths: dict = {}
    for own, shape in zip(labels, shapes):
        for c, n in zip(own, shape):
            if lengths.setdefault(c, n) == 1:
                lengths[c] = n
            if n not in (1, lengths[c]):
                shown = " and ".join(map(str, shapes))
                name = repr(c) if isinstance(c, str) else "an axis under the ellipsis"
                raise problem(
                    ShapeError,
                    f"einsum({text!r}, ...): {name} has lengths {lengths[c]} and {n} in operands of shapes {shown}",
                    "one length per letter",
                )


def contraction_order(labels, result, shapes):
    """Return which operands to multiply next, step by step, as `numpy.einsum_path` lists them."""
    if len(labels) == 1:
        return []
    if len(labels) == 2:
        return [(0, 1)]
    return _order(tuple(labels), tuple(result), tuple(shapes))


@functools.lru_cache(maxsize=1024)
def _order(labels, result, shapes):
    known = {c: i for i, c in enumerate(dict.fromkeys(c for own in labels for c in own))}
    args = []
    for own, shape in zip(labels, shapes):
        # A view of one zero: only its shape counts.
        args += [np.broadcast_to(0.0, shape), [known[c] for c in own]]
    path, _ = np.einsum_path(*args, [known[c] for c in result], optimize="greedy")
    return path[1:]
