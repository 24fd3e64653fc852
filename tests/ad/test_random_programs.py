"""Gradients of random programs, against dual numbers, finite differences and forward mode.

Most run as plain Python; `python -m pytest tests/ad/test_random_programs.py -m slow` runs 10,000.
"""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError
from nbgrad.loops import derivative
from tests.ad.plain import close, copies, differences, plain
from tests.ad.random_programs import (
    arguments,
    dual_gradients,
    function,
    plain_function,
    program,
    smaller,
    with_checkpoints,
)

REFUSED = ("mean the same array", "by a checkpointed loop")  # what may be refused
DIRECTIONS = (np.sin(np.arange(4.0)), np.cos(np.arange(4.0)), 0.7, -0.4, 0)
NOT_TAME = (OverflowError, ValueError, ZeroDivisionError, IndexError, TypeError)


def expected(text, args):
    """Return (value, gradients) by dual numbers, None of a program that is not tame."""
    try:
        value, found = dual_gradients(text, copies(args))
        wild = max(abs(value), *(np.max(np.abs(v)) for v in found))
    except NOT_TAME:
        return None
    return (value, found) if wild < 1e6 else None


def fault(text, args, name, forward=False):
    """Return what is wrong with the gradient of a program: "" where nothing is, None where it is refused or not tame.

    With `forward` its derivative along a direction is compared too.
    """
    with np.errstate(all="ignore"):
        known = expected(text, args)
        if known is None:
            return None
        try:
            f = function(text, name)
            value, found = plain(ng.value_and_grad(f, (0, 1, 2, 3)), *args)
            along = plain(derivative("jvp", f), *args, *DIRECTIONS)[1] if forward else None
        except GradientError as e:
            return None if any(r in str(e) for r in REFUSED) else f"refused: {e}"
        except Exception as e:
            return f"{type(e).__name__}: {e}"
    if along is not None and not close(along, sum(np.sum(g * d) for g, d in zip(known[1], DIRECTIONS)), 1e-7, 1e-7):
        return f"{along} forward"
    return "" if close((value, found), known, 1e-7, 1e-7) else f"{(value, found)} instead of {known}"


def check(seeds, least, change=lambda text: text):
    """Check programs; at least a share of them must have gradients."""
    checked = 0
    for seed in seeds:
        text, args = change(program(seed)), arguments(seed)
        found = fault(text, args, f"program_{seed}", seed % 5 == 0)
        if found:
            small = smaller(text, lambda t, args=args, seed=seed: bool(fault(t, args, "smaller", seed % 5 == 0)))
            pytest.fail(f"program {seed}: {found}\nas small as it gets:\n{small}")
        checked += found == ""
    assert checked >= least * len(seeds), f"{checked} of {len(seeds)} programs"


def test_dual_numbers_are_finite_differences():
    checked = 0
    for seed in range(60):
        text, args = program(seed), arguments(seed)
        known = expected(text, args)
        if known is None:
            continue
        f = plain_function(text)
        assert known[0] == pytest.approx(f(*copies(args)), rel=1e-12)
        one, other = (tuple(differences(f, args, k, h) for k in range(4)) for h in (1e-6, 1e-7))
        if close(one, other, 1e-4, 1e-4):  # no bend in between
            assert close(known[1], one, 1e-4, 1e-4), text
            checked += 1
    assert checked > 40


def test_gradients_of_a_few():
    check(range(40), 0.8)


def test_a_few_compiled():
    for seed in (0, 9):
        text, args = program(seed), arguments(seed)
        with np.errstate(all="ignore"):
            assert close(ng.value_and_grad(function(text, f"program_{seed}"), (0, 1, 2, 3))(*copies(args)), expected(text, args), 1e-7, 1e-7)


def test_programs_get_smaller():
    text = program(3)
    small = smaller(text, lambda t: "return" in t and "np.sum(x)" in t)
    assert len(small) < len(text) and "np.sum(x)" in small
    assert program(3) == text


def test_checkpointed_loops_of_a_few():
    check([s for s in range(120) if "in range" in program(s).split("def f(")[1]], 0.6, with_checkpoints)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 10000, 2000))
def test_checkpointed_loops_of_thousands(start):
    check([s for s in range(start, start + 500) if "in range" in program(s).split("def f(")[1]], 0.6, with_checkpoints)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 10000, 500))
def test_gradients_of_ten_thousand(start):
    check(range(start, start + 500), 0.9)
