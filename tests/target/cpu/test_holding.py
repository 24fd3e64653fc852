"""Checks of what objects of Python hold: each kind holds as long as nothing changes, and fails when it does."""

import numpy as np
import pytest

from nbgrad.target.cpu.holding import Checks, offsets_of


class Pair:
    """An object with slots."""

    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class Named:
    """An object with a dict."""

    def __init__(self, **entries):
        self.__dict__.update(entries)


def cell_of(value):
    return (lambda: value).__closure__[0]


OLD, NEW = object(), object()


def a_slot():
    pair = Pair(OLD, OLD)
    return lambda checks: checks.slot(pair, "b", OLD), lambda v: setattr(pair, "b", v)


def another_slot():
    """Holds while the slot does not hold the object: the changes are the other way round."""
    pair = Pair(None, NEW)
    return lambda checks: checks.slot(pair, "b", OLD, same=False), lambda v: setattr(pair, "b", NEW if v is OLD else OLD)


def a_cell():
    cell = cell_of(OLD)
    return lambda checks: checks.cell(cell, OLD), lambda v: setattr(cell, "cell_contents", v)


def an_item():
    space = {"x": OLD, "y": 1}
    return lambda checks: checks.item(space, "x", OLD), lambda v: space.update(x=v)


def an_item_that_goes():
    space = {"x": OLD, "y": 1}
    return lambda checks: checks.item(space, "x", OLD), lambda v: space.update(x=v) if v is OLD else space.pop("x")


def an_item_that_is_absent():
    space = {"y": 1}
    return lambda checks: checks.absent(space, "x"), lambda v: space.pop("x", None) if v is OLD else space.update(x=v)


def an_attribute():
    thing = Named(x=OLD)
    return lambda checks: checks.item(thing.__dict__, "x", OLD), lambda v: setattr(thing, "x", v)


def an_entry_of_a_dict():
    space = {"x": OLD, 3: "y"}
    return lambda checks: checks.items(space), lambda v: space.update(x=v)


def an_entry_more_of_a_dict():
    space = {"x": OLD}
    return lambda checks: checks.items(space), lambda v: space.pop("z", None) if v is OLD else space.update(z=v)


def an_element_of_a_list():
    values = [1, OLD, 3]
    return lambda checks: checks.items(values), lambda v: values.__setitem__(1, v)


def an_element_more_of_a_list():
    values = [1, OLD]
    return lambda checks: checks.items(values), lambda v: values.pop() if v is OLD and len(values) > 2 else values.append(v) if v is NEW else None


def the_order_of_a_list():
    values = [OLD, NEW]
    return lambda checks: checks.items(values), lambda v: values.sort(key=lambda o: (o is OLD) is (v is NEW))


KINDS = [a_slot, another_slot, a_cell, an_item, an_item_that_goes, an_item_that_is_absent, an_attribute, an_entry_of_a_dict,
         an_entry_more_of_a_dict, an_element_of_a_list, an_element_more_of_a_list, the_order_of_a_list]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda f: f.__name__)
def test_a_check_holds_until_something_changes(kind):
    add, change = kind()
    checks = Checks()
    add(checks)
    for _ in range(2):
        assert checks.hold() is True
        change(NEW)
        assert checks.hold() is False
        change(OLD)
    assert checks.hold() is True


@pytest.mark.parametrize("first", [True, False])
def test_one_that_fails_is_enough(first):
    checks, good, bad = Checks(), {"x": OLD}, {"x": OLD}
    for space in (bad, good) if first else (good, bad):
        checks.item(space, "x", OLD)
    assert checks.hold()
    bad["x"] = NEW
    assert not checks.hold()


def test_no_checks_hold():
    assert Checks().hold() is True


def test_what_only_python_can_see_never_holds():
    checks = Checks()
    checks.item({"x": OLD}, "x", OLD)
    checks.never()
    assert checks.hold() is False


def test_equal_objects_are_not_the_same():
    space = {"x": 10**6}
    checks = Checks()
    checks.item(space, "x", space["x"])
    assert checks.hold()
    space["x"] = int("1000000")
    assert not checks.hold()


def test_what_is_checked_is_kept_alive():
    checks = Checks()
    checks.item({"x": [OLD]}, "x", None)
    checks.slot(Pair([1], [2]), "a", OLD)
    checks.absent({}, "".join(["na", "me"]))
    for _ in range(50):
        np.empty(100)
        assert not checks.hold()
    checks = Checks()
    made = {"x": OLD}
    checks.items(made)
    del made
    assert checks.hold()


def test_an_empty_slot_is_no_object():
    pair = Pair.__new__(Pair)
    checks = Checks()
    checks.slot(pair, "a", OLD)
    assert not checks.hold()
    pair.a = OLD
    assert checks.hold()


def test_offsets_are_those_of_the_slots():
    found = offsets_of(Pair)
    assert set(found) == {"a", "b"}
    assert len(set(found.values())) == 2
    assert offsets_of(Pair) is found
