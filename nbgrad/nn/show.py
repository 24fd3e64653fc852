"""The printout of a module: a tree with options, shapes and parameter counts."""

from .walk import children, join


def module_text(root, module, tensor) -> str:
    """Return the tree of modules below `root`, one line each."""
    return "\n".join(lines(root, module, tensor, "", 0))


def lines(value, module, tensor, name, depth):
    """Yield the line of a module and those of the modules in it."""
    count = sum(t.size for _, t in value.named_parameters())
    title = f"{'  ' * depth}{name + ': ' if name else ''}{type(value).__name__}({value.options()})"
    yield "  ".join(
        [title, *own_tensors(value, tensor), *([f"[{count:,} parameter{'s' * (count > 1)}]"] if count else [])]
    )
    for key, child in members(value, module, ""):
        if isinstance(child, module):
            yield from lines(child, module, tensor, key, depth + 1)
        else:
            yield f"{'  ' * (depth + 1)}{key}: {getattr(child, '__name__', repr(child))}"


def own_tensors(value, tensor):
    """Yield "weight (10, 3)" for each tensor that is an attribute itself."""
    for key, t in vars(value).items():
        if isinstance(t, tensor):
            yield f"{key} {t.shape}"


def members(value, module, path):
    """Yield (name, member): modules in attributes and containers, and functions that stand in containers."""
    inside = vars(value) if isinstance(value, module) else value
    for key, child in children(inside):
        if isinstance(child, module) or (
            callable(child) and not isinstance(value, module) and not hasattr(child, "dtype")
        ):
            yield join(path, key), child
        elif isinstance(child, (list, tuple, dict)):
            yield from members(child, module, join(path, key))
