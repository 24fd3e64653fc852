"""Learning rates as pure functions of the step: each word here returns one, to be given as `lr`.

Steps count from 0: the first update asks for `schedule(0)`. A schedule keeps nothing, so resuming needs the step alone,
and it can be pickled and printed.
"""

import itertools
import math
from functools import partial

from ..base.errors import ArgumentError, problem


def check(word, **bounds):
    """Raise when a named value is below the bound given with it: `name=(value, least)`."""
    for name, (value, least) in bounds.items():
        if not value >= least:
            raise problem(ArgumentError, f"{word}: {name}={value} must be at least {least}", f"{name}={least or 0.1}")


def constant(lr):
    """The same rate at every step.

    >>> constant(0.1)(1000)
    0.1
    """
    return partial(constant_at, lr=lr)


def constant_at(step, lr):
    """Return `lr` at any step."""
    return lr


def step_decay(lr, every, factor=0.1):
    """Multiply the rate by `factor` after each `every` steps.

    >>> [round(step_decay(1.0, 10)(s), 3) for s in (0, 9, 10, 20)]
    [1.0, 1.0, 0.1, 0.01]
    """
    check("step_decay", every=(every, 1))
    return partial(step_decay_at, lr=lr, every=every, factor=factor)


def step_decay_at(step, lr, every, factor):
    """Return the rate of `step_decay` at `step`."""
    return lr * factor ** (step // every)


def exponential(lr, factor, every=1):
    """Multiply the rate by `factor` per `every` steps, smoothly.

    >>> exponential(1.0, 0.5, every=2)(4)
    0.25
    """
    check("exponential", every=(every, 1))
    return partial(exponential_at, lr=lr, factor=factor, every=every)


def exponential_at(step, lr, factor, every):
    """Return the rate of `exponential` at `step`."""
    return lr * factor ** (step / every)


def cosine(lr, steps, warmup=0, end=0.0):
    """Linear rise over `warmup` steps, then half a cosine from `lr` to `end` at `steps` (Loshchilov and Hutter 2017).

    Parameters
    ----------
    lr : float
        The highest rate.
    steps : int
        Step at which `end` is reached; `end` is kept after it.
    warmup : int
        The rate at step s below `warmup` is `lr * (s + 1) / warmup`.
    end : float
        The last rate.

    Notes
    -----
    arXiv:1608.03983, equation 5, without restarts.

    Examples
    --------
    >>> [cosine(1.0, 100, warmup=10)(s) for s in (0, 9, 10, 55, 100)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    check("cosine", steps=(steps, 1), warmup=(warmup, 0))
    if warmup >= steps:
        raise problem(ArgumentError, f"cosine: warmup={warmup} must be below steps={steps}", f"warmup={steps // 10}")
    return partial(cosine_at, lr=lr, steps=steps, warmup=warmup, end=end)


def cosine_at(step, lr, steps, warmup, end):
    """Return the rate of `cosine` at `step`."""
    if step < warmup:
        return lr * (step + 1) / warmup
    return between(lr, end, (step - warmup) / (steps - warmup))


def between(start, end, share):
    """Return the point `share` of the way from `start` to `end`, along half a cosine."""
    share = min(1.0, share)
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * share)) if share < 1.0 else end


def linear_warmup(schedule, steps):
    """Raise the rate linearly over `steps`, then follow `schedule` (a rate or a schedule), whose own step 0 comes then.

    >>> [linear_warmup(1.0, 4)(s) for s in (0, 1, 3, 4)]
    [0.25, 0.5, 1.0, 1.0]
    """
    check("linear_warmup", steps=(steps, 1))
    return partial(linear_warmup_at, schedule=schedule if callable(schedule) else constant(schedule), steps=steps)


def linear_warmup_at(step, schedule, steps):
    """Return the rate of `linear_warmup` at `step`."""
    return schedule(0) * (step + 1) / steps if step < steps else schedule(step - steps)


def piecewise(bounds, rates):
    """Return `rates[i]` before `bounds[i]`, and the last rate from the last bound on.

    Raises
    ------
    ArgumentError
        When `bounds` do not rise, or there is not one rate more than there are bounds.

    Examples
    --------
    >>> [piecewise([10, 20], [1.0, 0.5, 0.1])(s) for s in (9, 10, 20)]
    [1.0, 0.5, 0.1]
    """
    bounds, rates = tuple(bounds), tuple(rates)
    if len(rates) != len(bounds) + 1 or any(a >= b for a, b in itertools.pairwise(bounds)):
        raise problem(
            ArgumentError,
            f"piecewise: bounds {bounds} must rise, with one rate more than bounds; rates are {rates}",
            "piecewise([1000, 2000], [0.1, 0.01, 0.001])",
        )
    return partial(piecewise_at, bounds=bounds, rates=rates)


def piecewise_at(step, bounds, rates):
    """Return the rate of `piecewise` at `step`."""
    return rates[sum(step >= b for b in bounds)]


def one_cycle(lr, steps, rise=0.3, start=25.0, end=1e4):
    """Rise along a cosine to `lr`, then fall far below the start (Smith and Topin 2018, arXiv:1708.07120).

    Parameters
    ----------
    lr : float
        The highest rate, reached after `rise` of the steps.
    steps : int
        Number of steps; the last of them, `steps - 1`, has the lowest rate.
    rise : float in (0, 1)
        Share of the steps that rise.
    start, end : float
        The first rate is `lr / start`, the last one `lr / start / end`.

    Examples
    --------
    >>> [round(one_cycle(1.0, 11, rise=0.5)(s), 6) for s in (0, 5, 10)]
    [0.04, 1.0, 4e-06]
    """
    check("one_cycle", steps=(steps, 2))
    if not 0.0 < rise < 1.0:
        raise problem(ArgumentError, f"one_cycle: rise={rise} must be between 0 and 1", "rise=0.3")
    return partial(one_cycle_at, lr=lr, steps=steps, rise=rise, start=start, end=end)


def one_cycle_at(step, lr, steps, rise, start, end):
    """Return the rate of `one_cycle` at `step`."""
    share = step / (steps - 1)
    if share <= rise:
        return between(lr / start, lr, share / rise)
    return between(lr, lr / start / end, (share - rise) / (1.0 - rise))
