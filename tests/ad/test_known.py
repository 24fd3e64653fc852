"""The tables of known functions."""

from nbgrad.ad.known import FLAT, HANDLERS, LOOPS, METHODS
from nbgrad.ad.lower import Lower


def test_every_function_is_written_by_a_method_that_exists():
    assert all(hasattr(Lower, name) for name in HANDLERS.values())


def test_no_function_has_two_meanings():
    assert not (set(FLAT) | set(LOOPS)) & set(HANDLERS)
    assert not set(FLAT) & set(LOOPS)


def test_methods_are_functions_that_are_known():
    assert all(f in HANDLERS or f in FLAT or f in LOOPS for f in METHODS.values())
