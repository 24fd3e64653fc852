"""The types of results, as Numba gives them: what it makes of the same text is compared with them afterwards."""

from .statements import BOOL, FLOAT, FLOATS, INT, Array, Group, Scalar

ORDER = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
SINGLE = ("bool", "int8", "uint8", "int16", "float32")  # what is a float32 together with one


def common(a: str, b: str) -> str:
    """Return the dtype of arithmetic on two dtypes.

    >>> common("float32", "float32"), common("float32", "int64"), common("int32", "int32")
    ('float32', 'float64', 'int64')
    """
    if "float32" in (a, b) and a in SINGLE and b in SINGLE:
        return "float32"
    if a in FLOATS or b in FLOATS:
        return "float64"
    return "uint64" if a.startswith("uint") and b.startswith("uint") else "int64"


def promoted(a, b):
    """Return the type that holds both types, or None: what a variable with two values is."""
    if a == b:
        return a
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return Scalar(common(a.dtype, b.dtype))
    if isinstance(a, Array) and isinstance(b, Array) and a[:2] == b[:2]:
        return Array(a.dtype, a.ndim, "A")
    if isinstance(a, Group) and isinstance(b, Group) and len(a.items) == len(b.items):
        items = tuple(promoted(x, y) for x, y in zip(a.items, b.items))
        return None if None in items else Group(items, a.cls)
    return None


def said(kind):
    """Return a type in words.

    >>> said(FLOAT), said(Array("float32", 2))
    ('float64', 'float32 array of 2 axes')
    """
    if isinstance(kind, Group):
        return f"a tuple of {len(kind.items)}"
    return kind.dtype if isinstance(kind, Scalar) else f"{kind.dtype} array of {kind.ndim} ax{'i' if kind.ndim == 1 else 'e'}s"


def arithmetic(op, a, b):
    """Return the type of `a op b` for two numbers."""
    if op in ("<", "<=", ">", ">=", "==", "!=", "and", "or"):
        return BOOL
    if op == "**" and a.real and not b.real:
        return a  # a float to a whole power keeps its width
    both = common(a.dtype, b.dtype)
    if op == "/" and both not in FLOATS:
        return FLOAT
    return Scalar(both)


def function(op, kinds):
    """Return the type of a row of the op table on numbers."""
    if op.returns is not None:
        return BOOL if op.returns == "bool" else Scalar(str(op.returns))
    if len(kinds) == 1:
        both = kinds[0].dtype
    else:
        both = kinds[0].dtype
        for k in kinds[1:]:
            both = common(both, k.dtype)
    if both in FLOATS:
        return Scalar(both)
    whole = op.accepts[0] in ("number", "any") and op.name not in ("div",)
    return (INT if both != "bool" or whole else FLOAT) if whole else FLOAT
