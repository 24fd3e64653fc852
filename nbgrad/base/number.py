"""Numbers that a recorded program is told anew before each run: floats that remember how they were computed."""

import operator


class Number(float):
    """A float of a recorded program whose value may be another one at the next run.

    Arithmetic gives another `Number`; anything else that looks at the value (a comparison, `math.sqrt`, `float`) is
    noted at the source, which asks for a new record when the same look gives another answer later.

    Attributes
    ----------
    text : str
        The number as an expression of the list `r`, what the source is told before a run.
    source : object
        Has `look(text, value)`, called with what was found out, and `array(number, dtype)`, where kernels find it.
    """

    __slots__ = ("source", "text")

    def __new__(cls, value, text, source):
        self = float.__new__(cls, value)
        self.text, self.source = text, source
        return self

    @property
    def plain(self) -> float:
        """The value now, without a note."""
        return float.__add__(self, 0.0)

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

    def _looked(self, form, value):
        self.source.look(form.format(self.text), value)
        return value


def _arithmetic(name, sign):
    plain = getattr(operator, name)

    def forward(self, other):
        if type(other) not in (int, float, bool, Number):
            return NotImplemented
        value = plain(self.plain, other.plain if type(other) is Number else other)
        return Number(value, f"({self.text} {sign} {_text(other)})", self.source)

    def backward(self, other):
        if type(other) not in (int, float, bool):
            return NotImplemented
        return Number(plain(other, self.plain), f"({_text(other)} {sign} {self.text})", self.source)

    return forward, backward


def _comparison(name, sign):
    plain = getattr(operator, name)

    def compare(self, other):
        if type(other) not in (int, float, bool, Number):
            return NotImplemented
        return self._looked("{} " + f"{sign} {_text(other)}", plain(self.plain, other.plain if type(other) is Number else other))

    return compare


def _text(value) -> str:
    if type(value) is Number:
        return value.text
    return f"float({str(value)!r})" if value != value or value in (float("inf"), float("-inf")) else repr(value)


for _name, _sign in (("add", "+"), ("sub", "-"), ("mul", "*"), ("truediv", "/"), ("pow", "**")):
    _forward, _backward = _arithmetic(_name, _sign)
    setattr(Number, f"__{_name}__", _forward)
    setattr(Number, f"__r{_name}__", _backward)
for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    setattr(Number, f"__{_name}__", _comparison(_name, _sign))
Number.__neg__ = lambda self: Number(-self.plain, f"(-{self.text})", self.source)
Number.__pos__ = lambda self: self
Number.__abs__ = lambda self: Number(abs(self.plain), f"abs({self.text})", self.source)
