"""Trees come apart and together again without loss, and say where two of them differ."""

import dataclasses
from collections import OrderedDict, defaultdict
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgrad.base.errors import ArgumentError
from nbgrad.base.tree import flatten, leaves_with_paths, tree_map, unflatten


class Point(NamedTuple):
    x: object
    y: object


@dataclasses.dataclass
class Layer:
    weight: object
    bias: object = None


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: object
    b: object = dataclasses.field(default=0, init=False)


class Opener:
    """An object that opens itself, as a dict or as a list."""

    def __init__(self, a, b, as_list=False):
        self.a, self.b, self.as_list = a, b, as_list

    def tree_flatten(self):
        if self.as_list:
            return [self.a, self.b], lambda children: Opener(*children, as_list=True)
        return {"a": self.a, "b": self.b}, lambda children: Opener(**children)

    def __eq__(self, other):
        return vars(self) == vars(other)

    __hash__ = None


trees = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3)
    | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    | st.builds(Point, inner, inner)
    | st.builds(Layer, inner, inner)
    | st.builds(Opener, inner, inner, st.booleans()),
    max_leaves=12,
)


@given(trees)
def test_round_trip(tree):
    leaves, structure = flatten(tree)
    assert len(leaves) == structure.size
    assert unflatten(structure, leaves) == tree
    again = flatten(unflatten(structure, leaves))[1]
    assert again == structure
    assert hash(again) == hash(structure)


@given(trees)
def test_map_matches_leaves(tree):
    leaves, structure = flatten(tree)
    doubled = tree_map(lambda x, y: f"{x}{y}", tree, tree)
    assert flatten(doubled) == ([f"{x}{x}" for x in leaves], structure)


def test_kinds_are_kept():
    tree = {"p": Point(1, [2]), "o": OrderedDict(b=3, a=4), "d": defaultdict(list, k=5), "f": Frozen(6)}
    out = tree_map(lambda x: x * 10, tree)
    assert out == {"p": Point(10, [20]), "o": OrderedDict(b=30, a=40), "d": {"k": 50}, "f": out["f"]}
    assert [type(v) for v in out.values()] == [Point, OrderedDict, defaultdict, Frozen]
    assert (out["f"].a, out["f"].b) == (60, 0)
    assert out["d"]["new"] == []


def test_order_of_keys_is_the_users():
    assert flatten({"b": 1, "a": 2})[0] == [1, 2]
    assert flatten({"b": 1, "a": 2})[1] != flatten({"a": 2, "b": 1})[1]


def test_structures_tell_kinds_apart():
    distinct = [1, None, [], (), {}, [1], (1,), {"a": 1}, {"b": 1}, Point(1, 2), Layer(1, 2), Opener(1, 2), [[1]]]
    distinct.append([1, None])
    structures = [flatten(t)[1] for t in distinct]
    assert len(set(structures)) == len(distinct)
    assert structures[0] != "not a structure"


def test_paths():
    tree = {"layers": [Layer(1, None), Opener(2, 3)], 7: Point(4, (5,))}
    assert leaves_with_paths(tree) == [
        ("layers.0.weight", 1), ("layers.1.a", 2), ("layers.1.b", 3), ("7.x", 4), ("7.y.0", 5)]
    assert leaves_with_paths(3) == [("", 3)]
    assert leaves_with_paths(None) == []


def test_arrays_and_types_are_leaves():
    x = np.arange(3.0)
    leaves, _ = flatten([x, Layer, Opener, "text", range(3)])
    assert leaves[0] is x
    assert leaves[1:] == [Layer, Opener, "text", range(3)]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"a": [1, 2]}, {"a": [1]}, "at a: list of 2 in the first, list of 1 in number 2"),
        ({"a": [1, 2]}, {"a": (1, 2)}, "at a: list of 2 in the first, tuple of 2"),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, "at a: dict with b in the first, dict with c"),
        ([0, [1]], [0, [[2]]], "at 1.0: a leaf in the first, list of 1"),
        ([0, None], [0, 1], "at 1: None in the first, a leaf"),
        (1, [1], "at the root: a leaf"),
    ],
)
def test_mismatch_names_the_path(first, second, said):
    with pytest.raises(ArgumentError) as e:
        tree_map(lambda x, y: x, first, second)
    assert said in str(e.value)
    assert len(str(e.value).splitlines()) == 3


def test_wrong_number_of_leaves():
    with pytest.raises(ArgumentError, match=r"3 leaves for a structure with 2: list\(\*, \*\)"):
        unflatten(flatten([1, 2])[1], [1, 2, 3])
