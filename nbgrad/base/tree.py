"""Nested parameters as a flat list and back: tuples, lists, dicts, dataclasses, and objects that open themselves.

A node is a tuple, named tuple, list, dict (in the user's order), dataclass (frozen too), None (a node without leaves),
or an object with `tree_flatten() -> (children, rebuild)`, where `children` is a dict or a list and `rebuild` takes the
same dict or list with other children. Anything else is a leaf.
"""

import dataclasses
from collections import defaultdict
from functools import partial

from .errors import ArgumentError, problem


class Structure:
    """The shape of a tree, without its leaves; equal and of equal hash when kinds, keys and order are.

    Attributes
    ----------
    kind : type
        Type of the node; None for a leaf.
    keys : tuple
        Dict keys, field names or positions of the children.
    children : tuple of Structure
    size : int
        Number of leaves below.
    """

    __slots__ = ("_hash", "children", "keys", "kind", "rebuild", "size")

    def __init__(self, kind, keys=(), children=(), rebuild=None):
        self.kind, self.keys, self.children, self.rebuild = kind, keys, children, rebuild
        self.size = 1 if kind is None else sum(c.size for c in children)
        self._hash = hash((kind, keys, children))

    def __eq__(self, other):
        if not isinstance(other, Structure):
            return NotImplemented
        return self is other or (
            self._hash == other._hash
            and (self.kind, self.keys, self.children) == (other.kind, other.keys, other.children)
        )

    def __hash__(self):
        return self._hash

    def __repr__(self):
        if self.kind is None:
            return "*"
        if self.kind is type(None):
            return "None"
        named = self.keys != tuple(range(len(self.keys)))
        inside = ", ".join(f"{k}={c}" if named else str(c) for k, c in zip(self.keys, self.children))
        return f"{self.kind.__name__}({inside})"


LEAF = Structure(None)


def flatten(tree):
    """Return (list of leaves, structure) of a tree.

    Examples
    --------
    >>> leaves, structure = flatten({"w": [1, 2], "b": None, "c": 3})
    >>> leaves, structure
    ([1, 2, 3], dict(w=list(*, *), b=None, c=*))
    """
    leaves = []
    return leaves, _walk(tree, leaves.append)


def unflatten(structure, leaves):
    """Return the tree of `structure` that holds `leaves`.

    Raises
    ------
    ArgumentError
        When the number of leaves is not that of the structure.

    Examples
    --------
    >>> unflatten(flatten((0, [0]))[1], "ab")
    ('a', ['b'])
    """
    leaves = list(leaves)
    if len(leaves) != structure.size:
        what = f"unflatten: {len(leaves)} leaves for a structure with {structure.size}: {structure!r}"
        raise problem(ArgumentError, what, "as many leaves as flatten(tree) gave")
    return _build(structure, iter(leaves))


def tree_map(f, tree, *rest):
    """Return a tree like `tree` with `f(leaf, *leaves of rest)` at each leaf.

    Dicts are matched by key, so the trees of `rest` may list their keys in another order.

    Raises
    ------
    ArgumentError
        When a tree of `rest` has another structure; the path is named.

    Examples
    --------
    >>> tree_map(lambda x, y: x + y, {"a": 1, "b": [2]}, {"b": [20], "a": 10})
    {'a': 11, 'b': [22]}
    """
    leaves, structure = flatten(tree)
    columns = [leaves]
    for i, other in enumerate(rest, 1):
        columns.append([])
        _match(structure, other, columns[-1].append, "", i)
    return _build(structure, iter([f(*row) for row in zip(*columns)]))


def leaves_with_paths(tree):
    """Return a list of (path, leaf); a path joins keys, field names and positions with dots, and is "" for a lone leaf.

    Examples
    --------
    >>> leaves_with_paths({"layers": [{"weight": 1.5}], "scale": 2.0})
    [('layers.0.weight', 1.5), ('scale', 2.0)]
    """
    leaves, structure = flatten(tree)
    return list(zip(_paths(structure, ""), leaves))


def _open(x):
    """Return (keys, children, rebuild from a list of children) of a node, or None for a leaf."""
    if x is None:
        return (), (), _none
    if isinstance(x, dict):
        kind = partial(defaultdict, x.default_factory) if isinstance(x, defaultdict) else type(x)
        return tuple(x), tuple(x.values()), partial(_rebuild_dict, kind, tuple(x))
    if isinstance(x, (tuple, list)):
        fields = getattr(type(x), "_fields", None)
        return fields or tuple(range(len(x))), x, type(x)._make if fields else type(x)
    if isinstance(x, type):
        return None
    if hasattr(x, "tree_flatten"):
        children, rebuild = x.tree_flatten()
        if not isinstance(children, dict):
            return tuple(range(len(children))), tuple(children), rebuild
        keys = tuple(children)
        return keys, tuple(children.values()), lambda new: rebuild(dict(zip(keys, new)))
    if dataclasses.is_dataclass(x):
        names = tuple(f.name for f in dataclasses.fields(x))
        return names, [getattr(x, n) for n in names], partial(_rebuild_dataclass, type(x), names)
    return None


def _none(children):
    return None


def _rebuild_dict(kind, keys, children):
    return kind(zip(keys, children))


def _rebuild_dataclass(kind, names, children):
    # Not through __init__: leaves may be gradients or placeholders, which a __post_init__ need not accept.
    new = object.__new__(kind)
    for name, child in zip(names, children):
        object.__setattr__(new, name, child)
    return new


def _walk(x, emit):
    opened = _open(x)
    if opened is None:
        emit(x)
        return LEAF
    keys, children, rebuild = opened
    return Structure(type(x), keys, tuple([_walk(c, emit) for c in children]), rebuild)


def _build(structure, leaves):
    if structure.kind is None:
        return next(leaves)
    return structure.rebuild([_build(c, leaves) for c in structure.children])


def _match(structure, x, emit, path, number):
    opened = _open(x)
    if structure.kind is None and opened is None:
        emit(x)
        return
    if opened is None or structure.kind is not type(x) or set(structure.keys) != set(opened[0]):
        first = _describe(structure.kind, structure.keys)
        other = _describe(type(x), opened[0]) if opened else "a leaf"
        what = f"the trees differ at {path or 'the root'}: {first} in the first, {other} in number {number + 1}"
        raise problem(ArgumentError, what, "trees of the same kinds and keys")
    children = dict(zip(opened[0], opened[1]))
    for key, child in zip(structure.keys, structure.children):
        _match(child, children[key], emit, _join(path, key), number)


def _describe(kind, keys):
    if kind is None:
        return "a leaf"
    if kind is type(None):
        return "None"
    if keys == tuple(range(len(keys))):
        return f"{kind.__name__} of {len(keys)}"
    shown = ", ".join(str(k) for k in keys[:6]) + (", ..." if len(keys) > 6 else "")
    return f"{kind.__name__} with {shown}"


def _join(path, key):
    return f"{path}.{key}" if path else str(key)


def _paths(structure, path):
    if structure.kind is None:
        return [path]
    return [p for k, c in zip(structure.keys, structure.children) for p in _paths(c, _join(path, k))]
