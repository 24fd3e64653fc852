"""Numbers that a recorded program is told anew before each run: they remember how they were computed."""

import operator

import numpy as np


class Number:
    """A float of a recorded program whose value may be another one at the next run.

    Arithmetic gives another `Number`; anything else that looks at the value (a comparison, `math.sqrt`, `round`, NumPy) is
    noted at the source, which asks for a new record when the same look gives another answer later. It is no `float`, whose
    value functions in C would take unseen.

    Attributes
    ----------
    plain : float
        The value now, which is to be read without a note.
    text : str
        The number as an expression of the list `r`, what the source is told before a run.
    source : object
        Has `look(text, value)`, called with what was found out, and `array(number, dtype)`, where kernels find it.
    """

    __slots__ = ("plain", "source", "text")

    def __init__(self, value, text, source):
        self.plain, self.text, self.source = float(value), text, source

    def __float__(self):
        return self._looked("{}", self.plain)

    def __bool__(self):
        return self._looked("bool({})", self.plain != 0.0)

    def __int__(self):
        return self._looked("int({})", int(self.plain))

    def __hash__(self):
        return hash(float(self))

    def __repr__(self):
        return repr(self.plain)

    def __format__(self, spec):
        return format(float(self), spec)

    def __array__(self, dtype=None, copy=None):
        return np.array(float(self), dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return getattr(ufunc, method)(*[float(v) if type(v) is Number else v for v in inputs], **kwargs)

    def __getattr__(self, name):
        if not hasattr(float, name):
            raise AttributeError(name)
        return getattr(float(self), name)

    def _looked(self, form, value):
        self.source.look(form.format(self.text), value)
        return value


SCALARS = (int, float, bool, Number)


def _arithmetic(name, sign):
    plain = getattr(operator, name)

    def forward(self, other):
        if type(other) not in SCALARS:
            return plain(float(self), other) if isinstance(other, np.generic) else NotImplemented
        value = plain(self.plain, other.plain if type(other) is Number else other)
        return Number(value, f"({self.text} {sign} {_text(other)})", self.source)

    def backward(self, other):
        if type(other) not in SCALARS:
            return NotImplemented
        return Number(plain(other, self.plain), f"({_text(other)} {sign} {self.text})", self.source)

    return forward, backward


def _comparison(name, sign):
    plain = getattr(operator, name)

    def compare(self, other):
        if type(other) not in SCALARS:
            return plain(float(self), other) if isinstance(other, np.generic) else NotImplemented
        return self._looked("({} " + f"{sign} {_text(other)})", plain(self.plain, other.plain if type(other) is Number else other))

    return compare


def _of_the_value(name):
    def method(self, *args):
        return getattr(float(self), f"__{name}__")(*args)

    return method


def _text(value) -> str:
    if type(value) is Number:
        return value.text
    return f"float({str(value)!r})" if value != value or value in (float("inf"), float("-inf")) else repr(value)


for _name, _sign in (("add", "+"), ("sub", "-"), ("mul", "*"), ("truediv", "/"), ("pow", "**"), ("floordiv", "//"), ("mod", "%")):
    _forward, _backward = _arithmetic(_name, _sign)
    setattr(Number, f"__{_name}__", _forward)
    setattr(Number, f"__r{_name}__", _backward)
for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    setattr(Number, f"__{_name}__", _comparison(_name, _sign))
for _name in ("round", "trunc", "floor", "ceil", "divmod", "rdivmod"):
    setattr(Number, f"__{_name}__", _of_the_value(_name))
Number.__neg__ = lambda self: Number(-self.plain, f"(-{self.text})", self.source)
Number.__pos__ = lambda self: self
Number.__abs__ = lambda self: Number(abs(self.plain), f"abs({self.text})", self.source)
