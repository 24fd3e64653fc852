"""Nested structures of arrays as flat lists of tensors, and what is different about two of them, as errors say it."""

from typing import NamedTuple

from .base import tree
from .base.errors import ArgumentError, DtypeError, ShapeError, problem
from .eager import as_tensor


class Form(NamedTuple):
    """What a flat list of tensors was made from.

    Attributes
    ----------
    structure : tree.Structure
    paths : tuple of str
        Of each leaf, as errors name it: "carry.h".
    kinds : tuple of (shape, dtype)
    """

    structure: tree.Structure
    paths: tuple
    kinds: tuple


def flat_form(value, label):
    """Return the arrays of a nested structure as a flat list of tensors, and its form."""
    leaves, structure = tree.flatten(value)
    tensors = [as_tensor(v) for v in leaves]
    named = tree.leaves_with_paths(tree.unflatten(structure, range(len(leaves))))
    paths = tuple([f"{label}.{path}" if path else label for path, _ in named])
    return tensors, Form(structure, paths, _kinds(tensors))


def _kinds(tensors):
    return tuple([(t.shape, t.dtype) for t in tensors])


def flat_like(name, form, value, label, fix):
    """Return the arrays of `value` as a flat list in the order of `form`; raise where it is of another form."""
    leaves, structure = tree.flatten(value)
    if structure != form.structure:
        different = difference(form.structure, structure, label)
        if different is not None:
            path, before, after = different
            what = f"{name}: the structure of {path} changes: {shown(before)} before, {shown(after)} after"
            raise problem(ArgumentError, what, fix)
        leaves = tree.flatten(ordered(form, value))[0]
    tensors = [as_tensor(v) for v in leaves]
    compare(name, form.paths, form.kinds, _kinds(tensors), fix)
    return tensors


def ordered(form, value):
    """Return a nested structure that differs from a form in the order of its dicts alone, in the order of the form."""
    numbered = tree.unflatten(form.structure, range(form.structure.size))
    return tree.tree_map(lambda _, v: v, numbered, value)


def compare(name, paths, before, after, fix):
    """Raise for the first leaf of which (shape, dtype) is another after than before."""
    for path, (shape, dtype), (new_shape, new_dtype) in zip(paths, before, after):
        if shape != new_shape or dtype != new_dtype:
            what = "shape" if shape != new_shape else "dtype"
            raise problem(
                ShapeError if shape != new_shape else DtypeError,
                f"{name}: the {what} of {path} changes: {dtype}{shape} before, {new_dtype}{new_shape} after",
                fix,
            )


def difference(a, b, path):
    """Return (path, structure, structure) where two structures differ first, dicts matched by key; None where they do not."""
    if a.kind is not b.kind or set(a.keys) != set(b.keys):
        return path, a, b
    others = dict(zip(b.keys, b.children))
    found = (difference(child, others[key], f"{path}.{key}") for key, child in zip(a.keys, a.children))
    return next((f for f in found if f is not None), None)


def shown(structure):
    return "an array" if structure.kind is None else repr(structure)
