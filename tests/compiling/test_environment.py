"""What a function reads beside its arguments, and when it has changed."""

import collections
import dataclasses
import functools
import types

import pytest

import nbgrad as ng
from nbgrad.compiling.environment import Environment
from nbgrad.target.cpu.holding import Checks

number, table, settings_of = 1.0, {"a": 1.0}, types.ModuleType("settings_of")
settings_of.scale = 1.0


class Base:
    scale = 1.0
    training = True


class Thing(Base):
    def __init__(self, by):
        self.by = by

    def method(self, x):
        return x * self.by

    @property
    def half(self):
        return self._hidden

    @staticmethod
    def fixed(x):
        return x * number

    def __getitem__(self, key):
        return self.stored


@dataclasses.dataclass(slots=True)
class Slotted:
    k: float


thing, slotted = Thing(1.0), Slotted(1.0)
thing._hidden = thing.stored = 1.0
thing.nested = {"list": [1.0, 2.0], "pair": (Thing(1.0),)}


def helper(x):
    return x * number


def decorated(f):
    by = [1.0]

    @functools.wraps(f)
    def g(x):
        return f(x) * by[0]

    g.by = by
    return g


@decorated
def wrapped(x):
    return x


def with_defaults(x, own=thing, *, other=slotted):
    return x * own.by * other.k


ordered, chosen, queue = collections.OrderedDict(a=1.0), {1, 2}, collections.deque([1.0])
READS = {
    "global": (lambda x: x * number, lambda: globals().__setitem__("number", 2.0)),
    "global of a helper": (lambda x: helper(x), lambda: globals().__setitem__("number", 3.0)),
    "entry": (lambda x: x * table["a"], lambda: table.__setitem__("a", 2.0)),
    "key": (lambda x: "b" in table, lambda: (table.pop("a"), table.__setitem__("b", 2.0))),
    "ordered": (lambda x: x * ordered["a"], lambda: ordered.__setitem__("a", 2.0)),
    "set": (lambda x: x * len(chosen), lambda: (chosen.discard(1), chosen.add(3))),
    "deque": (lambda x: x * queue[0], lambda: queue.appendleft(2.0)),
    "attribute": (lambda x: x * thing.by, lambda: setattr(thing, "by", 2.0)),
    "method": (lambda x: thing.method(x), lambda: setattr(thing, "by", 3.0)),
    "bound method": (thing.method, lambda: setattr(thing, "by", 4.0)),
    "static method": (lambda x: thing.fixed(x), lambda: globals().__setitem__("number", 4.0)),
    "property": (lambda x: x * thing.half, lambda: setattr(thing, "_hidden", 2.0)),
    "operator": (lambda x: x * thing[0], lambda: setattr(thing, "stored", 2.0)),
    "getattr": (lambda x: x * getattr(thing, "by"), lambda: setattr(thing, "by", 5.0)),  # noqa: B009
    "vars": (lambda x: x * vars(thing)["by"], lambda: setattr(thing, "by", 6.0)),
    "class": (lambda x: x * Base.scale, lambda: setattr(Base, "scale", 2.0)),
    "class of an object": (lambda x: x * thing.scale, lambda: setattr(Base, "scale", 3.0)),
    "object before its class": (lambda x: x * thing.training, lambda: setattr(thing, "training", False)),
    "slots": (lambda x: x * slotted.k, lambda: setattr(slotted, "k", 2.0)),
    "module": (lambda x: x * settings_of.scale, lambda: setattr(settings_of, "scale", 2.0)),
    "nested": (lambda x: x * thing.nested["list"][1], lambda: thing.nested["list"].__setitem__(1, 3.0)),
    "in a tuple": (lambda x: x * thing.nested["pair"][0].by, lambda: setattr(thing.nested["pair"][0], "by", 3.0)),
    "longer": (lambda x: len(thing.nested["list"]), lambda: thing.nested["list"].append(3.0)),
    "default": (with_defaults, lambda: setattr(thing, "by", 7.0)),
    "keyword default": (with_defaults, lambda: setattr(slotted, "k", 3.0)),
    "partial": (functools.partial(lambda t, x: x * t.by, thing), lambda: setattr(thing, "by", 8.0)),
    "decorator": (wrapped, lambda: wrapped.by.__setitem__(0, 2.0)),
    "called object": (ng.compile(lambda x: x * thing.by), lambda: setattr(thing, "by", 9.0)),
}


def held(environment):
    checks = Checks()
    environment.watch(checks)
    return checks


def known_again(environment, f, monkeypatch):
    """Return what serves another record of `f`: as if found anew, and nothing is looked into."""
    before = Environment.like(environment, f)
    before.also([(vars(thing), ("unread",), "watched")])
    with monkeypatch.context() as patch:
        patch.setattr(Environment, "_look", None)
        again = Environment.like(before, f)
    assert (again.spaces, again.values, again.cells, again.arrays) == (
        environment.spaces, environment.values, environment.cells, environment.arrays,
    )  # fmt: skip
    return again


@pytest.mark.parametrize("name", READS)
def test_a_change_is_seen(name, monkeypatch):
    f, change = READS[name]
    environment = Environment(f)
    again = known_again(environment, f, monkeypatch)
    checks = held(environment)
    assert environment.fits()
    assert environment.changed() is None
    assert checks.hold() == (name not in ("set", "deque"))
    change()
    assert not checks.hold()
    assert not environment.fits()
    assert environment.changed()
    assert not again.fits()
    assert Environment.like(again, f).fits()


def test_what_was_found_for_others_does_not_serve():
    own, other = Thing(1.0), Thing(2.0)
    f = lambda own, x: x * own.by
    found = Environment.like(Environment(f, own), f, other)
    own.by = 3.0
    assert found.fits()
    other.by = 3.0
    assert not found.fits()


def test_equal_values_are_the_same():
    thing.by = 10.5
    environment = Environment(lambda x: x * thing.by)
    checks = held(environment)
    thing.by = float("10.5")
    assert not checks.hold()
    assert environment.fits()


def test_what_is_not_read_may_change():
    environment = Environment(lambda x: x * thing.by)
    checks = held(environment)
    thing.unread, globals()["unread"], Base.unread = 1, 2, 3
    assert environment.fits()
    assert checks.hold()


def test_other_objects_are_looked_into():
    own = Thing(1.0)
    environment = Environment(lambda own, x: x * own.by, own)
    own.by = 2.0
    assert environment.changed() == "Thing 'by' was 1.0 and is 2.0"


def test_changes_are_said_in_words():
    steps, names = 0, [1]

    def f(x):
        return x * steps * len(names)

    environment = Environment(f)
    steps = 1
    assert environment.changed() == "the variable 'steps' was 0 and is 1"
    environment = Environment(f)
    names.append(2)
    assert environment.changed() == "a list that had 1 entries has 2"


def test_modes_of_modules_are_seen():
    model = ng.nn.Sequential(ng.nn.Linear(2, 2), ng.nn.Dropout(0.5))
    environment = Environment(lambda x: model(x))
    assert environment.fits()
    model.eval()
    assert not environment.fits()


def test_cycles_end():
    a, b = Thing(1.0), Thing(2.0)
    a.by, b.by = b, a
    assert Environment(lambda x: a.by).fits()
