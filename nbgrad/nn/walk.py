"""Finding modules and tensors in attributes, lists, tuples and dicts, and putting others in their place."""

import copy


def children(value):
    """Return (key, child) of a list, tuple or dict; nothing of anything else."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, (list, tuple)) else ()


def join(path, key):
    """Return the name of a child."""
    return f"{path}.{key}" if path else str(key)


def within(value, module, path="", seen=None):
    """Yield (name, module) of modules at and below `value`, each once."""
    seen = set() if seen is None else seen
    if isinstance(value, module):
        if id(value) in seen:
            return
        seen.add(id(value))
        yield path, value
        value = vars(value)
    for key, child in children(value):
        yield from within(child, module, join(path, key), seen)


def tensors_below(value, module, tensor, path="", seen=None):
    """Yield (name, tensor) of tensors at and below `value`, each once."""
    seen = set() if seen is None else seen
    if isinstance(value, (module, tensor)):
        if id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, tensor):
            yield path, value
            return
        value = vars(value)
    for key, child in children(value):
        yield from tensors_below(child, module, tensor, join(path, key), seen)


def substitute(value, by_id):
    """Return `value` with tensors exchanged by identity: the same object when nothing in it changes."""
    if isinstance(value, dict):
        new = {k: substitute(v, by_id) for k, v in value.items()}
        if all(new[k] is value[k] for k in new):
            return value
        changed = copy.copy(value)
        changed.update(new)
        return changed
    if isinstance(value, (list, tuple)):
        new = [substitute(v, by_id) for v in value]
        if all(a is b for a, b in zip(new, value)):
            return value
        return type(value)._make(new) if hasattr(value, "_make") else type(value)(new)
    return by_id.get(id(value), value)
