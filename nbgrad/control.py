"""Control flow that works on values: scan, fori_loop, while_loop and cond, as loops of Python over ops."""

import sys

import numpy as np

from . import random
from .base import tree
from .base.arguments import integer, switch
from .base.errors import ArgumentError, DeviceError, ShapeError, problem
from .checkpoint import CheckpointedLoop, joined, looped, unstack
from .compiling.recorded_cond import RecordedCond
from .compiling.recorded_scan import RecordedScan
from .compiling.recorded_while import RecordedWhile
from .eager import as_tensor, together
from .forms import compare, difference, flat_form, flat_like, ordered, shown
from .ops.arithmetic import where
from .tape.tape import no_grad, recording
from .tensor import Tensor, filled_like


def scan(f, init, xs, length=None, reverse=False, checkpoint=False):
    """Loop over the first axis of arrays, carrying values along and stacking results, as `jax.lax.scan`.

    Parameters
    ----------
    f : callable
        ``f(carry, x) -> (carry, y)``; `x` is one part of `xs` along its first axis. The carry keeps its structure,
        shapes and dtypes from one call to the next, and `y` is alike each time; parts of it, or all, may be None.
        Gradients flow to the carry, to `xs`, and to tensors that `f` reads otherwise.
    init : array, or nested structure of arrays
        The carry of the first call.
    xs : array, nested structure of arrays, or None
        Stacked along axis 0, all of one length.
    length : int, optional
        Number of calls; needed where `xs` holds no array.
    reverse : bool
        Begin at the end of `xs`; the results keep the places of what they were made from.
    checkpoint : bool
        Keep nothing of the inner values: going back through n steps holds at most about log2(n) carries, and computes
        each step about log2(n) / 2 + 2 times, inside of compiled functions as well (where `while_loop` has memory for
        32 carries, as its number of steps is not known). Gradients of gradients are recorded as without it.

    Returns
    -------
    tuple
        (carry after the last call, results stacked along axis 0). With length 0, `f` is called once on zeros, to see
        what its results are.

    Raises
    ------
    ShapeError
        For `xs` of different lengths, without a first axis, or not of `length`; for a carry or a result that changes
        its shape from call to call. DtypeError when it changes its dtype.
    ArgumentError
        For a carry or a result that changes its structure, an `f` that returns no pair, and where no length is given.

    Examples
    --------
    >>> import nbgrad as ng
    >>> last, sums = ng.scan(lambda total, x: (total + x, total), 0.0, ng.tensor([1.0, 2.0, 3.0]))
    >>> float(last), sums
    (6.0, tensor([0., 1., 3.]))
    >>> ng.grad(lambda xs: ng.scan(lambda c, x: (c * x, None), 1.0, xs)[0])(ng.tensor([2.0, 3.0, 4.0]))
    tensor([12.,  8.,  6.])
    """
    _callable("scan", "f", f)
    carry, form = flat_form(init, "carry")
    parts, stacked = flat_form(xs, "xs")
    count = _length(parts, stacked, length)
    backwards, checkpoint = switch(reverse, "reverse"), switch(checkpoint, "checkpoint")
    body = _Body("scan", lambda i, c, x: _pair(f(c, tree.unflatten(stacked.structure, x))), form)
    n, recorded = len(carry), recording.recorder is not None
    run, checkpoint = (_scan_recorded, checkpoint) if recorded and count else (_scan_eager, checkpoint and not recorded)
    carry, ys = _together(lambda given: run(body, count, given[:n], given[n:], backwards, checkpoint), [*carry, *parts])
    return tree.unflatten(form.structure, carry), tree.unflatten(body.results.structure, ys)


def fori_loop(lower, upper, body, init, checkpoint=False):
    """Loop over the integers from `lower` to `upper` - 1, carrying values along, as `jax.lax.fori_loop`.

    Parameters
    ----------
    lower, upper : int
        No call is made where `upper` is not above `lower`.
    body : callable
        ``body(i, carry) -> carry``; `i` is a 0-d tensor of dtype int64, the carry as in `scan`.
    init : array, or nested structure of arrays
    checkpoint : bool
        As in `scan`.

    Returns
    -------
    The carry after the last call.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        For a carry that changes its shape, dtype or structure; for bounds that are no integers.

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.fori_loop(1, 4, lambda i, x: x * i, 1.0)
    tensor(6.)
    >>> float(ng.grad(lambda x: ng.fori_loop(0, 3, lambda i, c: c * c, x))(1.5)) == 8 * 1.5**7
    True
    """
    _callable("fori_loop", "body", body)
    lower, upper = integer(lower, "lower"), integer(upper, "upper")
    carry, form = flat_form(init, "carry")
    made = _Body("fori_loop", lambda i, c, x: (body(_number(i, c), c), None), form)
    checkpoint = switch(checkpoint, "checkpoint")
    recorded = recording.recorder is not None
    run, checkpoint = (_fori_recorded, checkpoint) if recorded and upper > lower else (_fori_eager, checkpoint and not recorded)
    carry = _together(lambda given: run(made, lower, upper, given, checkpoint), carry)
    return tree.unflatten(form.structure, carry)


def while_loop(condition, body, init, checkpoint=False):
    """Loop as long as a condition of the carried values holds, as `jax.lax.while_loop`, with gradients in reverse too.

    Parameters
    ----------
    condition : callable
        ``condition(carry) -> bool``, or a 0-d tensor of bool. Nothing of it is recorded: the gradient is that of as
        many steps as were made.
    body : callable
        ``body(carry) -> carry``; the carry as in `scan`.
    init : array, or nested structure of arrays
    checkpoint : bool
        As in `scan`.

    Returns
    -------
    The first carry for which the condition does not hold.

    Raises
    ------
    ShapeError, DtypeError, ArgumentError
        For a carry that changes its shape, dtype or structure; ArgumentError for a condition that is not one bool.

    Examples
    --------
    >>> import nbgrad as ng
    >>> double = lambda x: ng.while_loop(lambda x: x < 100.0, lambda x: 2.0 * x, x)
    >>> double(3.0), ng.grad(double)(3.0)
    (tensor(192.), tensor(64.))
    """
    _callable("while_loop", "condition", condition)
    _callable("while_loop", "body", body)
    carry, form = flat_form(init, "carry")
    made = _Body("while_loop", lambda i, c, x: (body(c), None), form)
    test = lambda c: _flag("while_loop", "the condition returned", condition(tree.unflatten(form.structure, c)))
    run, checkpoint = _while_eager if recording.recorder is None else _while_recorded, switch(checkpoint, "checkpoint")
    carry = _together(lambda given: run(test, made, given, checkpoint), carry)
    return tree.unflatten(form.structure, carry)


def cond(predicate, true, false, *operands):
    """Call one of two functions, as a value says, as `jax.lax.cond`.

    Parameters
    ----------
    predicate : bool, or 0-d tensor of bool
    true, false : callable
        Called with the operands; only the one that is chosen runs. Both return arrays in the same structure, of the
        same shapes and dtypes: a program that chooses when it runs needs them to.
    *operands
        Arrays, or nested structures of arrays.

    Returns
    -------
    What the chosen function returned, as tensors.

    Raises
    ------
    ArgumentError
        For a predicate that is not one bool.

    Examples
    --------
    >>> import nbgrad as ng
    >>> root = lambda x: ng.cond(x > 0.0, ng.sqrt, ng.zeros_like, x)
    >>> root(ng.tensor(4.0)), ng.grad(root)(4.0), ng.grad(root)(-4.0)
    (tensor(2.), tensor(0.25), tensor(0.))
    """
    _callable("cond", "true", true)
    _callable("cond", "false", false)
    flag = _flag("cond", "the predicate is", predicate)
    flat, form = flat_form(list(operands), "operands")
    run = _cond_recorded if recording.recorder is not None and isinstance(flag, Tensor) else _cond_eager
    out, results = run(flag, true, false, tree.unflatten(form.structure, flat))
    return tree.unflatten(results.structure, out)


# -- the loops, one op at a time


def _together(run, tensors):
    """Return `run(tensors)`: arrays that were no tensors go where the others are, or where the loop computes with them."""
    tensors, recorder = together(tensors), recording.recorder
    before = None if recorder is None else (len(recorder.calls), set(recorder.devices))
    try:
        return run(tensors)
    except DeviceError as error:
        placed = together(tensors, getattr(error, "array", None))
        if all(a is b for a, b in zip(tensors, placed)):
            raise
    if recorder is not None:  # forget what was recorded in vain
        del recorder.calls[before[0] :]
        recorder.devices = before[1]
    return run(placed)


def _scan_eager(body, count, carry, xs, backwards, checkpoint):
    """Return (carry, stacked results) as flat lists; `body` knows the form of the results then."""
    if not count:
        return carry, _none_yet(body, carry, xs)
    numbers = range(count - 1, -1, -1) if backwards else range(count)
    if checkpoint and recording.on:
        return CheckpointedLoop(body, numbers, carry, xs).recorded()
    carry, out = looped(body, numbers, carry, [unstack(x) for x in xs])
    return carry, joined(out, backwards)


def _fori_eager(body, lower, upper, carry, checkpoint):
    numbers = range(lower, upper)
    if checkpoint and recording.on and len(numbers):
        return CheckpointedLoop(body, numbers, carry, []).recorded()[0]
    return looped(body, numbers, carry, [])[0]


def _while_eager(test, body, carry, checkpoint):
    def more(carry):
        with no_grad():
            return bool(test(carry))

    if checkpoint and recording.on:
        return CheckpointedLoop(body, range(sys.maxsize), carry, [], more).recorded()[0]
    return looped(body, range(sys.maxsize), carry, [], more)[0]


def _cond_eager(flag, true, false, operands):
    """Return the results of the chosen branch, as a flat list and their form."""
    return flat_form((true if flag else false)(*operands), "result")


# -- the loops, as parts of a program that is recorded


def _scan_recorded(body, count, carry, xs, backwards, checkpoint):
    again = lambda: (lambda c, y: [*c, *y])(*_scan_eager(body, count, carry, xs, backwards, False))
    return RecordedScan(lambda c, x: body(0, c, x), carry, xs, count, backwards, checkpoint, again).run()


def _fori_recorded(body, lower, upper, carry, checkpoint):
    numbers = together([*carry, as_tensor(np.arange(lower, upper))])[-1]
    again = lambda: _fori_eager(body, lower, upper, carry, False)
    numbered = lambda c, x: body(x[0], c, [])
    return RecordedScan(numbered, carry, [numbers], upper - lower, False, checkpoint, again).run()[0]


def _while_recorded(test, body, carry, checkpoint):
    return RecordedWhile(test, lambda c: body(0, c, [])[0], carry, checkpoint).run()


def _cond_recorded(flag, true, false, operands):
    """Return the results of the branch that a run chooses, as a flat list and their form."""
    forms = []

    def branch(f):
        def called(flat):
            out = f(*tree.unflatten(structure, flat))
            if forms and difference(forms[0].structure, tree.flatten(out)[1], "") is None:
                out = ordered(forms[0], out)
            out, form = flat_form(out, "result")
            forms.append(form)
            return out

        return called

    flat, structure = tree.flatten(operands)

    def check(*_):
        a, b = forms
        fix = "branches that return the same structure, shapes and dtypes"
        different = difference(a.structure, b.structure, "the result")
        if different is not None:
            what = f"cond: {different[0]} is {shown(different[1])} of one branch, {shown(different[2])} of the other"
            raise problem(ArgumentError, what, fix)
        compare("cond", a.paths, a.kinds, b.kinds, fix)

    def record(tensors):
        forms.clear()
        flag, *flat = tensors
        again = lambda: [where(flag, a, b) for a, b in zip(*[branch(f)(flat) for f in (true, false)])]
        return RecordedCond(flag, [branch(true), branch(false)], flat, check, again).run(), forms[0]

    return _together(record, [flag, *flat])


def _none_yet(body, carry, xs):
    """Return the results of no step at all: `body` is asked once, on zeros, what they would be."""
    now = random.get_state()
    try:
        with no_grad():
            _, y = body(0, [v.copy() for v in carry], [filled_like(x, 0, x.shape[1:]) for x in xs])
    finally:
        random.set_state(now)
    return [filled_like(v, 0, (0, *v.shape)) for v in y]


# -- steps


class _Body:
    """The step of a loop on flat lists: `body(i, carry, x) -> (carry, results)`, checked against what was before.

    Attributes
    ----------
    call : callable
        (i, carry in its structure, flat parts of xs) -> (carry, results) in theirs.
    carry, results : Form
        That of the results is None until the first step.
    """

    def __init__(self, name, call, carry):
        self.name, self.call, self.carry, self.results = name, call, carry, None

    def __call__(self, i, carry, x):
        new, y = self.call(i, tree.unflatten(self.carry.structure, carry), x)
        new = flat_like(self.name, self.carry, new, "carry", "init and what the function returns alike: x.astype(...), x.reshape(...)")
        if self.results is None:
            y, self.results = flat_form(y, "y")
            return new, y
        return new, flat_like(self.name, self.results, y, "y", "results that are alike in each step")


# -- checks


def _callable(name, argument, f):
    if not callable(f):
        raise problem(ArgumentError, f"{name}: {argument} is {type(f).__name__}, not a function", f"{name}(..., lambda x: ..., ...)")


def _pair(made):
    if not isinstance(made, (tuple, list)) or len(made) != 2:
        kind = f"{type(made).__name__} of {len(made)}" if isinstance(made, (tuple, list)) else type(made).__name__
        raise problem(ArgumentError, f"scan: f returned {kind}, not a pair (carry, y)", "return carry, y; or return carry, None")
    return made


def _length(parts, form, length):
    """Return the number of steps of a scan."""
    if length is not None:
        length = integer(length, "length", 0)
    for x, path in zip(parts, form.paths):
        if not x.ndim:
            raise problem(ShapeError, f"scan: {path} is 0-d and has no axis to go along", "xs=None and length=n, or read it from f")
    lengths = {x.shape[0] for x in parts}
    if len(lengths) > 1:
        lengths_of = ", ".join(f"{path} {x.shape[0]}" for x, path in zip(parts, form.paths))
        raise problem(ShapeError, f"scan: the arrays of xs have different lengths: {lengths_of}", "arrays of one length along axis 0")
    if not lengths and length is None:
        raise problem(ArgumentError, "scan: xs holds no array, and no length is given", "length=n")
    if lengths and length not in (None, *lengths):
        raise problem(ShapeError, f"scan: length={length}, and xs has length {lengths.pop()}", "no length, or that of xs")
    return lengths.pop() if lengths else length


def _flag(name, label, value):
    """Return a bool, or a 0-d tensor of bool; raise for anything else."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (Tensor, np.ndarray)):
        if value.dtype == np.bool_ and value.ndim == 0:
            return as_tensor(value)
        given = f"{value.dtype}{value.shape}"
    else:
        given = type(value).__name__
    raise problem(ArgumentError, f"{name}: {label} {given}, not one bool", "x > 0, (x > 0).all(), or (x > 0).any()")


def _number(i, carry):
    """Return the number of a turn as a tensor, where the carry is: what is made of it is on that device too."""
    return i if isinstance(i, Tensor) else together([*tree.flatten(carry)[0], as_tensor(np.array(i, np.int64))])[-1]
