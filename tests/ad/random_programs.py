"""Random programs of the language that has gradients, written as text, and their derivatives by dual numbers, which know no text.

`program(seed)` returns the text; the same seed always gives the same text. `smaller` takes statements away as long as a test fails.
"""

import ast
import linecache
import math
import random
import types

import numpy as np
from numba import njit

from nbgrad import checkpointed

HELPERS = '''
@njit
def bend(a, b):
    if a > b:
        return a * b
    return a - 0.5 * b


@njit
def power(a, n):
    out = 1.0
    for _ in range(n):
        out *= a
    return out


@njit
def spread(v, a):
    s = 0.0
    for i in range(v.size):
        v[i] = v[i] * a + 0.1 * s
        s += v[i]
    return s


@njit
def pair(a, b):
    return math.sin(a) * b, a - b


'''
ONE = ("math.sin({})", "math.cos({})", "math.tanh({})", "math.atan({})", "math.sqrt({0} * {0} + 0.5)", "abs({})", "-{}", "({}) ** 2",
       "math.exp(0.3 * math.sin({}))", "math.log({0} * {0} + 1.1)", "({}) ** 3", "np.sin({})", "power({}, 2)", "power(0.5 * {}, k % 4)")  # fmt: skip
TWO = ("({} + {})", "({} - {})", "({} * {})", "({} * {})", "({0} / ({1} * {1} + 1.0))", "max({}, {})", "min({}, {})", "bend({}, {})",
       "({} if {} > 0.4 else 0.7)", "({0} if {0} < {1} else 0.9 * {1})")  # fmt: skip
WILD = 1e8  # values beyond it say more about rounding than about gradients
COMPARE = ("<", ">", "<=", ">=")


class Program:
    """Writes one random function `f(x, y, a, b, n)` of two arrays, two numbers and an integer."""

    def __init__(self, seed, size):
        self.random, self.left, self.count, self.lines = random.Random(seed), size, 0, []
        self.numbers, self.integers, self.arrays = ["a", "b"], ["n"], ["x", "y"]
        self.loops, self.depth, self.kept = 0, 1, []

    def pick(self, *of):
        return self.random.choice(of)

    def chance(self, p):
        return self.random.random() < p

    def fresh(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def line(self, text):
        self.lines.append("    " * self.depth + text)

    # expressions

    def integer(self):
        v = self.pick(*self.integers)
        return self.pick(v, f"({v} + {self.random.randint(1, 3)})", f"({v} + {self.pick(*self.integers)})")

    def element(self, array=None):
        array = array or self.pick(*self.arrays)
        if self.chance(0.4):
            return f"{array}[{self.pick(0, 1, -1)}]"
        return f"{array}[{self.integer()} % {array}.size{self.pick('', '', '', ' - 1')}]"

    def number(self, depth=2):
        if depth == 0 or self.chance(0.25):
            return self.pick(self.pick(*self.numbers), self.pick(*self.numbers), self.element(), self.element(), self.pick("0.5", "1.2", "2.0", "0.1 * k"),
                             f"0.3 * {self.pick('np.sum', 'np.max', 'np.mean')}({self.pick(*self.arrays)})")  # fmt: skip
        if self.chance(0.35):
            return self.pick(*ONE).format(self.number(depth - 1))
        return self.pick(*TWO).format(self.number(depth - 1), self.number(depth - 1))

    def test(self):
        one = f"{self.number(1)} {self.pick(*COMPARE)} {self.pick('0.3', '0.8', self.number(0))}"
        if self.chance(0.3):
            return f"{one} {self.pick('and', 'or')} {self.integer()} % 2 == {self.pick(0, 1)}"
        return f"not {one}" if self.chance(0.15) else one

    def whole(self, array):
        """An array as long as another."""
        other = self.pick(*[v for v in self.arrays if v[0] != "w"], array)
        if other != array and "w" in (other[0], array[0]):
            other = array
        return self.pick(f"{array} * {self.number(1)} + {other}", f"np.sin({other}) * {array}", f"0.5 * {array} - {other} * {other}", f"{other} * 0.9")

    # statements

    def block(self, most=3):
        """Write an indented block; variables that are new in it end with it."""
        held = self.numbers[:], self.integers[:], self.arrays[:]
        self.depth += 1
        for _ in range(self.random.randint(1, most)):
            self.statement()
        self.depth -= 1
        self.numbers, self.integers, self.arrays = held

    def statement(self):
        self.left -= 1
        kinds = [self.assign, self.assign, self.augment, self.store, self.store, self.slices, self.swap, self.create, self.call, self.rebind]
        if self.left > 0 and self.depth < 5:
            kinds += [self.branch, self.branch, self.loop, self.loop, self.over, self.repeat]
        if self.loops:
            kinds += [self.jump]
        elif self.depth > 1 and self.chance(0.3):
            kinds += [self.leave]
        self.pick(*kinds)()

    def assign(self):
        value = self.number()
        name = self.pick(*self.numbers) if self.chance(0.6) else self.fresh("s")
        self.line(f"{name} = {value}")
        if name not in self.numbers:
            self.numbers.append(name)

    def augment(self):
        self.line(f"{self.pick(*self.numbers)} {self.pick('+=', '-=', '*=')} {self.number(1)}")

    def store(self):
        self.line(f"{self.element()} {self.pick('=', '=', '+=', '*=', '-=')} {self.number(1)}")

    def slices(self):
        v = self.pick(*self.arrays)
        self.line(self.pick(f"{v}[:] = {self.whole(v)}", f"{v}[1:] = {v}[:-1] * {self.number(1)}", f"{v} *= {self.number(0)}", f"{v}[::2] += {self.number(1)}",
                            f"{v}[:-1] *= {v}[1:]", f"{v}[1:3] = {self.number(1)}"))  # fmt: skip

    def swap(self):
        one, other = self.pick(*self.numbers), self.pick(*self.numbers)
        if self.chance(0.5) and one != other:
            self.line(f"{one}, {other} = {other}, {one} + {self.number(0)}")
        else:
            v = self.pick(*self.arrays)
            self.line(f"{v}[0], {v}[-1] = {v}[-1], {v}[0]")

    def create(self):
        v = self.pick(*self.arrays)
        name = self.fresh("w" if v[0] == "w" else "v")
        made = self.pick("zeros", "copy", "view", "whole")
        if made == "view":
            name = self.fresh("w")
            self.line(f"{name} = {v}{self.pick('[1:]', '[::2]', '[::-1]', '[:-1]', '[1:3]')}")
        elif made == "zeros":
            self.line(f"{name} = np.zeros({v}.size)")
        else:
            self.line(f"{name} = {f'{v}.copy()' if made == 'copy' else self.whole(v)}")
        self.arrays.append(name)

    def rebind(self):
        """Let a variable stand for another array."""
        whole = [v for v in self.arrays if v[0] != "w"]
        one, other = self.pick(*whole), self.pick(*whole)
        if self.chance(0.4) and one != other:
            self.line(f"{one}, {other} = {other}, {one}")
        elif self.chance(0.2):
            self.line(f"{one} = {other}")
        else:
            self.line(f"{one} = {self.whole(one)}")

    def call(self):
        if self.chance(0.5):
            self.line(f"{self.pick(*self.numbers)} = spread({self.pick(*self.arrays)}, {self.number(1)}) * 0.3")
        else:
            self.line(f"{self.pick(*self.numbers)}, {self.fresh('s')} = pair({self.number(1)}, {self.number(1)})")

    def branch(self):
        self.line(f"if {self.test()}:")
        self.block()
        if self.chance(0.25):
            self.line(f"elif {self.test()}:")
            self.block(2)
        if self.chance(0.5):
            self.line("else:")
            self.block(2)

    def inside(self, *integers):
        """Write the body of a loop."""
        self.integers += integers
        self.loops += 1
        self.block()
        self.loops -= 1
        del self.integers[len(self.integers) - len(integers) :]

    def loop(self):
        i = self.fresh("i")
        inner = self.pick(*self.integers)
        over = self.pick("3", "n", f"{inner} % 3", f"1, {inner} % 3 + 2", "3, -1, -1", "0, 5, 2", "n, 0, -1", "x.size", f"2, {inner} % 4")
        self.line(f"for {i} in range({over}):")
        self.inside(i)

    def over(self):
        v, i = self.pick(*self.arrays), self.fresh("i")
        name = self.fresh("e")
        held = self.numbers[:]
        self.numbers.append(name)
        if self.chance(0.4):
            self.line(f"for {name} in {v}:")
            self.inside()
        elif self.chance(0.5):
            self.line(f"for {i}, {name} in enumerate({v}):")
            self.inside(i)
        else:
            other = self.fresh("e")
            self.numbers.append(other)
            self.line(f"for {name}, {other} in zip({v}, {self.pick(*self.arrays)}):")
            self.inside()
        self.numbers = held

    def repeat(self):
        i = self.fresh("i")
        self.line(f"{i} = 0")
        self.line(f"while {i} < {self.pick(1, 3, 4)} and ({self.test()}):" if self.chance(0.7) else f"while {i} < n:")
        self.depth += 1
        self.line(f"{i} += 1")
        self.depth -= 1
        self.inside(i)

    def jump(self):
        self.line(f"if {self.test()}:")
        self.line(f"    {self.pick('break', 'continue', 'break', 'continue', f'return {self.number(1)}')}")

    def leave(self):
        self.line(f"return {self.number(1)}")

    def text(self):
        """Return the text of the module."""
        self.line("k = n + 1")
        self.integers.append("k")
        while self.left > 0:
            self.statement()
        total = " + ".join([*self.numbers, *(f"np.sum({v}) * {round(0.3 + 0.2 * i, 1)}" for i, v in enumerate(self.arrays))])
        self.line(f"return {total}")
        return HELPERS + "@njit\ndef f(x, y, a, b, n):\n" + "\n".join(self.lines) + "\n"


def program(seed) -> str:
    """Return a random program of about 4 to 12 statements."""
    return Program(seed, 4 + seed % 9).text()


def with_checkpoints(text) -> str:
    """Return a program whose loops over ranges are checkpointed, of more turns where there are three; those in other loops stay."""
    tree = ast.parse(text)
    f = tree.body[-1]

    def marked(body):
        for s in body:
            if isinstance(s, ast.For) and isinstance(s.iter, ast.Call) and s.iter.func.id == "range":
                if ast.unparse(s.iter) == "range(3)":
                    s.iter.args[0].value = 6
                s.iter = ast.Call(ast.Name("checkpointed", ast.Load()), [s.iter], [])
                marked(s.body)
            elif isinstance(s, ast.If):
                marked(s.body)
                marked(s.orelse)

    marked(f.body)
    return HELPERS + ast.unparse(ast.fix_missing_locations(f)) + "\n"


def arguments(seed):
    """Return arguments for a program: (x, y, a, b, n)."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 4))
    return rng.uniform(0.2, 1.5, 4), rng.uniform(-1.5, 1.5, 4), float(rng.uniform(0.2, 1.5)), float(rng.uniform(-1.5, 1.5)), n


def function(text, name):
    """Return the compiled function of a text; its source text can be found."""
    file = f"/random/{name}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    known = {"njit": njit, "math": math, "np": np, "checkpointed": checkpointed, "__name__": name}
    exec(compile(text, file, "exec"), known)
    return known["f"]


def plain_function(text):
    """Return the function of a text in plain Python."""
    known = {"njit": lambda f: f, "math": math, "np": np, "checkpointed": checkpointed}
    exec(compile(text, "<plain>", "exec"), known)
    return known["f"]


# dual numbers


class Dual:
    """A number with its derivatives along several directions."""

    __slots__ = ("d", "v")

    def __init__(self, v, d):
        self.v, self.d = float(v), d
        if not abs(self.v) < WILD:
            raise OverflowError("no tame program")

    def of(self, v, slope):
        return Dual(v, slope * self.d)

    def __add__(self, o):
        return Dual(self.v + o.v, self.d + o.d) if isinstance(o, Dual) else NotImplemented if isinstance(o, np.ndarray) else Dual(self.v + o, self.d)

    def __mul__(self, o):
        if isinstance(o, np.ndarray):
            return NotImplemented
        return Dual(self.v * o.v, self.v * o.d + o.v * self.d) if isinstance(o, Dual) else self.of(self.v * o, o)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return self.of(-self.v, -1.0)

    def __sub__(self, o):
        return NotImplemented if isinstance(o, np.ndarray) else self + -o

    def __rsub__(self, o):
        return -self + o

    def __truediv__(self, o):
        return NotImplemented if isinstance(o, np.ndarray) else self * (o**-1 if isinstance(o, Dual) else 1.0 / o)

    def __rtruediv__(self, o):
        return self**-1 * o

    def __pow__(self, n):
        return self.of(self.v**n, n * self.v ** (n - 1))

    def __abs__(self):
        return self if self.v > 0 else -self

    def __lt__(self, o):
        return self.v < float(o)

    def __gt__(self, o):
        return self.v > float(o)

    def __le__(self, o):
        return self.v <= float(o)

    def __ge__(self, o):
        return self.v >= float(o)

    def __float__(self):
        return self.v

    def sin(self):
        return self.of(math.sin(self.v), math.cos(self.v))

    def cos(self):
        return self.of(math.cos(self.v), -math.sin(self.v))

    def tanh(self):
        return self.of(math.tanh(self.v), 1.0 - math.tanh(self.v) ** 2)

    def atan(self):
        return self.of(math.atan(self.v), 1.0 / (1.0 + self.v**2))

    def sqrt(self):
        return self.of(math.sqrt(self.v), 0.5 / math.sqrt(self.v))

    def exp(self):
        return self.of(math.exp(self.v), math.exp(self.v))

    def log(self):
        return self.of(math.log(self.v), 1.0 / self.v)


def dual_gradients(text, args):
    """Return (value, gradients of x, y, a and b) of a program by forward mode on numbers."""
    sizes = [np.size(v) for v in args[:4]]
    directions = np.eye(sum(sizes))
    zero = np.zeros(sum(sizes))
    flat = [Dual(v, d) for v, d in zip(np.concatenate([np.ravel(v) for v in args[:4]]), directions)]

    def array(items):
        out = np.empty(len(items), object)
        out[:] = items
        return out

    numpy = types.SimpleNamespace(zeros=lambda n: array([Dual(0.0, zero)] * n), sum=np.sum, max=np.max, mean=np.mean, sin=np.sin)
    names = ("sin", "cos", "tanh", "atan", "sqrt", "exp", "log")
    functions = {n: lambda v, n=n: getattr(v, n)() if isinstance(v, Dual) else getattr(math, n)(v) for n in names}
    known = {"np": numpy, "math": types.SimpleNamespace(**functions), "njit": lambda f: f, "checkpointed": checkpointed}
    exec(compile(text, "<dual>", "exec"), known)
    x, y, (a, b) = array(flat[: sizes[0]]), array(flat[sizes[0] : -2]), flat[-2:]
    out = known["f"](x, y, a, b, args[4])
    value, d = (out.v, out.d) if isinstance(out, Dual) else (out, zero)
    return value, (d[: sizes[0]], d[sizes[0] : -2], d[-2], d[-1])


def smaller(text, fails):
    """Return a program with as few statements as still fails."""
    found = True
    while found:
        found = False
        for n in range(1000):
            shorter = _without(text, n)
            if shorter is None:
                break
            if shorter != text and fails(shorter):
                text, found = shorter, True
                break
    return text


def _without(text, n):
    """Return a text without its n-th statement, or with the inside of it in its place; None when there is none."""
    tree = ast.parse(text)
    f = tree.body[-1]
    count = 0
    for node in ast.walk(f):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if not isinstance(block, list):
                continue
            for i, s in enumerate(block):
                for new in ([], *([s.body] if isinstance(s, ast.If | ast.For | ast.While) else [])):
                    if count == n:
                        block[i : i + 1] = new
                        if not block and field == "body":
                            block.append(ast.Pass())
                        return HELPERS + ast.unparse(ast.fix_missing_locations(f)) + "\n"
                    count += 1
    return None


__all__ = ["arguments", "dual_gradients", "function", "plain_function", "program", "smaller", "with_checkpoints"]
