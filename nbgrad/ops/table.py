"""The op table: the record of an op, the four words that declare one, and look-up by name or reference."""

import importlib
import inspect
from functools import cached_property

from ..base.errors import ArgumentError, problem
from ..base.source import Formula, body_formula, lambda_formulas

table: dict = {}
by_ref: dict = {}
_front: dict = {}


class Zero:
    """The derivative is zero, on purpose."""

    def __repr__(self):
        return "ZERO"


class MISSING:
    """Nobody has derived it: raises `reason` when the derivative is asked for."""

    def __init__(self, reason: str):
        self.reason = reason

    def __repr__(self):
        return f"MISSING({self.reason!r})"


ZERO = Zero()


class Op:
    """One row of the table: what an op means, for every target.

    Attributes
    ----------
    name, kind : str
        Kind is elementwise, reduction, movement, primitive or custom.
    params : tuple of str
        Array parameters in order; a leading "*" marks any number of them.
    attrs : dict
        Static attributes and their defaults.
    forward : function
        The formula (elementwise, reduction), index map (movement) or shape rule (primitive).
    df, vjp, linear
        Partials as a function of numbers; rules written in ops; parameters in which the op is linear.
    ref, domain, kinks
        The NumPy or SciPy function meant, where to sample it, where it is not smooth.
    accepts, returns
        What each parameter may hold; dtype of the result when it is not that of the arguments.
    check : function
        Called with the arrays of an elementwise row of integers before it runs, to refuse values.
    quick : function
        Of a reduction: a formula that may stand for the row's where no number is a NaN.
    wide : bool
        Of a reduction: integers become 64 bits wide, floats add up in float64.
    outputs, aux : tuple of str, dict of str to dtype
        Of a primitive: its results, and numbers about them that its rules keep and that carry no gradient. With more
        than one of them the shape rule returns a tuple of shapes, a call returns a tuple, and a rule's `g` is (of
        several outputs) a tuple, None where nothing flowed.
    """

    def __init__(self, name, kind, params, forward=None, attrs=None, **rest):
        self.name = self.__name__ = name
        self.kind, self.params, self.forward, self.attrs = kind, tuple(params), forward, dict(attrs or {})
        self.df = self.vjp = self._ref = self.start = self.finish = self.merge = self.quick = self.returns = None
        self.defaults, self.linear, self.domain, self.kinks, self.accepts = {}, (), (-3.0, 3.0), (), "float"
        self.wide, self.check, self.outputs, self.aux = False, None, ("out",), {}
        self._ref = rest.pop("ref", None)
        self.__dict__.update(rest)
        self.variadic = bool(self.params) and self.params[0].startswith("*")
        self.__doc__ = rest.get("doc") or (forward.__doc__ if forward is not None else "")
        if isinstance(self.accepts, str):
            self.accepts = (self.accepts,) * max(1, len(self.params))
        if forward is not None:
            self.__module__, self.__qualname__, self.__wrapped__ = forward.__module__, name, forward
        self.arity, self.several = len(self.params), len(self.outputs) + len(self.aux) > 1
        self.constants, self.choices = {}, {}

    def __call__(self, *args, **attrs):
        if attrs or (len(args) != self.arity and not self.variadic):
            args, attrs = self.arrange(args, attrs)
        for a in args:
            bind = getattr(a, "_bind", None)
            if bind is not None:
                return bind(self, args, attrs)
        if self.kind == "elementwise" and all(type(a) in (int, float, bool) for a in args):
            return self.number(*args)
        return _front["bind"](self, args, attrs)

    def fixed(self, **attrs):
        """Return the row with all its attributes chosen: a row without attributes, the same one for the same choice.

        A call of it has nothing to sort or to compare. The attributes are its `constants`.
        """
        key = tuple(attrs.items())
        found = self.choices.get(key)
        if found is None:
            found = Op.__new__(Op)
            found.__dict__.update(self.__dict__, attrs={}, constants=self.arrange((None,) * self.arity, attrs)[1], choices={})
            self.choices[key] = found
        return found

    def number(self, *args):
        """Evaluate the formula on plain numbers; where Python raises, the kernel says what NumPy would."""
        try:
            return self.forward(*args)
        except (ArithmeticError, ValueError):
            return _front["bind"](self, args, {}).item()

    def arrange(self, args, attrs):
        """Sort the arguments of a call into arrays (defaults filled in) and static attributes."""
        if self.variadic:
            return args, {**self.attrs, **self._known(attrs)}
        arrays = list(args[: self.arity])
        extra = args[self.arity :]
        names = list(self.attrs)
        if len(extra) > len(names):
            raise problem(ArgumentError, f"{self.signature}: {len(args)} arguments given", f"help(nbgrad.{self.name})")
        given = dict(attrs)
        given.update(zip(names, extra))
        for p in self.params[len(arrays) :]:
            if p in given:
                arrays.append(given.pop(p))
            elif p in self.defaults:
                arrays.append(self.defaults[p])
            else:
                raise problem(
                    ArgumentError, f"{self.signature}: the argument {p!r} is missing", f"help(nbgrad.{self.name})"
                )
        return tuple(arrays), ({**self.attrs, **self._known(given)} if self.attrs or given else given)

    def _known(self, given):
        for k in given:
            if k not in self.attrs:
                raise problem(
                    ArgumentError, f"{self.signature} has no argument {k!r}", f"one of {[*self.params, *self.attrs]}"
                )
        return given

    @property
    def ref(self):
        """The NumPy or SciPy function that the row means; a SciPy one is imported when it is first asked for."""
        if isinstance(self._ref, str):
            module, _, name = self._ref.rpartition(".")
            self._ref = getattr(importlib.import_module(module), name)
        return self._ref

    @property
    def signature(self) -> str:
        """The call as a user writes it."""
        defaults = [f"{p}={self.defaults[p]!r}" if p in self.defaults else p for p in self.params]
        shown = [a if v is inspect.Parameter.empty else f"{a}={v!r}" for a, v in self.attrs.items()]
        return f"{self.name}({', '.join(defaults + shown)})"

    @property
    def __signature__(self):
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        arrays = [
            inspect.Parameter(
                p.lstrip("*"),
                inspect.Parameter.VAR_POSITIONAL if p[0] == "*" else kind,
                **({"default": self.defaults[p]} if p in self.defaults else {}),
            )
            for p in self.params
        ]
        kind = inspect.Parameter.KEYWORD_ONLY if self.variadic else kind
        return inspect.Signature(arrays + [inspect.Parameter(a, kind, default=v) for a, v in self.attrs.items()])

    @cached_property
    def formula(self) -> Formula:
        """The forward as text (elementwise and reduction rows)."""
        return body_formula(self.forward)

    @cached_property
    def partials(self):
        """Return (names, one expression, ZERO or MISSING per parameter, globals), or None when `df` is not given."""
        if self.df is None or self.df is ZERO or isinstance(self.df, MISSING):
            return None
        names, parts, scope = lambda_formulas(self.forward, "df", self.df)
        return names, parts, scope

    def __repr__(self):
        return f"<op {self.signature}: {(self.__doc__ or '').strip().splitlines()[0] if self.__doc__ else self.kind}>"

    def __reduce__(self):
        return _look_up, (self.name,)


def _look_up(name):
    return table[name]


def _register(op):
    if op.name in table:
        raise ArgumentError(f"two rows are named {op.name!r}")
    table[op.name] = op
    if callable(op._ref) and getattr(op._ref, "__name__", "<lambda>") != "<lambda>":
        by_ref.setdefault(op._ref, op)
    return op


def _check_df(fn, df, allowed):
    if callable(df):
        code = df.__code__
        asked = code.co_varnames[: code.co_argcount]
        wrong = [n for n in asked if n not in allowed]
        if wrong:
            raise ArgumentError(f"op {fn.__name__!r}: df asks for {wrong}; it may ask only for {tuple(allowed)}")


def _split(fn):
    """Return (array parameters, their defaults, attributes) of a declaration."""
    P, arrays, defaults, attrs = inspect.Parameter, [], {}, {}
    for p in inspect.signature(fn).parameters.values():
        if p.kind is P.KEYWORD_ONLY:
            attrs[p.name] = p.default
            continue
        name = f"*{p.name}" if p.kind is P.VAR_POSITIONAL else p.name
        arrays.append(name)
        if p.default is not P.empty:
            defaults[name] = p.default
    return arrays, defaults, attrs


def elementwise(df=None, register=True, **row):
    """Declare an op of one number or several: the function below is its formula, `df` its partials."""

    def declare(fn):
        params, defaults, _ = _split(fn)
        _check_df(fn, df, (*params, "out"))
        op = Op(fn.__name__, "elementwise", params, fn, df=df, defaults=defaults, **row)
        return _register(op) if register else op

    return declare


def reduction(start=None, df=None, vjp=None, **row):
    """Declare an op that folds axes: the function below joins the accumulator and one number."""

    def declare(fn):
        _check_df(fn, df, ("x", "out", "n"))
        op = Op(
            fn.__name__, "reduction", ("x",), fn, {"axis": None, "keepdims": False}, start=start, df=df, vjp=vjp, **row
        )
        return _register(op)

    return declare


def movement(vjp=None, **row):
    """Declare an op that moves no number: the function below maps one index map to another."""

    def declare(fn):
        _, _, attrs = _split(fn)
        rules = {"x": vjp} if callable(vjp) else vjp
        row.setdefault("accepts", "any")
        return _register(Op(fn.__name__, "movement", ("x",), fn, attrs, vjp=rules, linear=("x",), **row))

    return declare


def primitive(vjp=None, dtype=None, **row):
    """Declare an op that is a loop by nature: the function below is its shape rule; targets name their loop after it.

    A key of `vjp` may be a tuple of parameters: one rule that returns the gradient of each of them. It may ask for
    `wanted`, a tuple that says which of them are asked for.
    """

    def declare(fn):
        params, defaults, attrs = _split(fn)
        return _register(
            Op(fn.__name__, "primitive", params, fn, attrs, vjp=vjp, returns=dtype, defaults=defaults, **row)
        )

    return declare


def scalar(fn):
    """Mark a helper of formulas that may hold loops; targets compile it as a function of its own."""
    fn.is_scalar_helper = True
    return fn


def lift(x, like=None):
    """Return `x` as something with shape, dtype and operators: itself, or wrapped by the front, on the device of `like`."""
    return x if hasattr(x, "_bind") and like is None else _front["lift"](x, like)


def set_front(bind, lift):
    """Say who runs an op whose arguments cannot bind it themselves (arrays, lists)."""
    _front.update(bind=bind, lift=lift)
