"""Functions that have no derivative here, one for each reason; the number of the line that an error must name is marked."""

import numpy as np
from numba import njit

GROWING = [1.0]
RATE, COUNT = 2.0, 0.0
X = np.array([0.5, 1.5, 2.5])
BAD: dict = {}


def bad(*args, says="", advice=""):
    """Put a function into the collection: what its error says."""

    def keep(fn):
        BAD[fn.__name__] = (njit(fn), args, says, advice)
        return fn

    return keep


@bad(X, says="a generator expression", advice="a for loop")
def generator_expression(x):
    return sum(v * v for v in x)  # here


@bad(X, says="yield", advice="an array that is filled in a loop")
def generator(x):
    for v in x:
        yield v * v  # here


@bad(X, says="a list comprehension", advice="a for loop that fills an array")
def comprehension(x):
    y = [v * v for v in x]  # here
    return y[0]


@bad(X, says="a list", advice="an array")
def a_list(x):
    y = [x[0], x[1]]  # here
    y.append(x[2])
    return y[0]


@bad(X, says="a dict", advice="arrays or a namedtuple")
def a_dict(x):
    d = {1: x[0]}  # here
    return d[1]


@bad(X, says="a set", advice="an array")
def a_set(x):
    s = {1, 2}  # here
    return x[0] * len(s)


@bad(X, says="a string", advice="no strings")
def formatted(x):
    s = f"{x[0]}"  # here
    return x[0] * len(s)


@bad(X, says="an array is expected")
def a_string(x):
    s = "abc"
    return x[0] * len(s)  # here


@bad(X, says="try", advice="an if statement")
def tried(x):
    try:  # here
        return x[0]
    except Exception:
        return x[1]


@bad(X, says="with", advice="the statements without")
def managed(x):
    with open("f"):  # here
        return x[0]


@bad(X, says="`lambda`", advice="a function with a name, under @njit")
def anonymous(x):
    f = lambda v: v * v  # here
    return f(x[0])


@bad(X, says="a function inside of a function", advice="a function outside of this one, under @njit")
def inner_function(x):
    def f(v):  # here
        return v * v

    return f(x[0])


@bad(X, says="global", advice="an argument")
def writes_global(x):
    global COUNT  # here
    COUNT = [x[0]]
    return x[0]


@bad(X, says="the global list may change", advice="an argument")
def reads_list(x):
    return x[0] * GROWING[0]  # here


def sets_rate(v):
    global RATE
    RATE = v


@bad(X, says="the global RATE is changed by sets_rate", advice="an argument")
def reads_rate(x):
    return x[0] * RATE  # here


@bad(X, says="unknown_name", advice="a value")
def missing_name(x):
    return x[0] * unknown_name  # here # noqa: F821


@bad(X, says="complex", advice="the real and the imaginary part")
def complex_number(x):
    return (x[0] * 1j).imag  # here


def plain_square(x):
    return x * x


@bad(X, says="plain_square is a plain Python function", advice="@njit above plain_square")
def calls_plain(x):
    return plain_square(x[0])  # here


@bad(X, says="fft", advice="op table")
def unknown_function(x):
    return np.fft.fft(x)[0].real  # here


@bad(X, says="recursive_inner calls itself, and writes into its arguments", advice="a loop with an explicit stack")
def recursive(x):
    return recursive_inner(x, 3)  # here


@njit
def recursive_inner(x, n):
    if n == 0:
        return x[0]
    x[0] = x[1]
    return recursive_inner(x, n - 1) * x[1]


@bad(X, says="is put into an array of integers", advice="an array of floats")
def integer_array(x):
    counts = np.zeros(3, np.int64)
    for i in range(3):
        counts[i] = x[i] * 2.0  # here
    return counts[0] * x[1] + counts[1]


@bad(X, says="only one array of indices")
def two_index_arrays(x):
    m = np.outer(x, x)
    i = np.array([0, 1])
    return m[i, i][0]  # here


@bad(X, says="writing at an array of indices", advice="a for loop over the indices")
def scattered(x):
    i = np.array([0, 1])
    y = np.zeros(3)
    y[i] = x[0]  # here
    return y[1]


@bad(X, says="a tuple is indexed by a constant", advice="an array")
def tuple_index(x):
    t = (x[0], x[1])
    s = 0.0
    for i in range(2):
        s += t[i]  # here
    return s


@bad(X, says="a loop over a tuple", advice="its items one by one")
def tuple_loop(x):
    s = 0.0
    for v in (x[0], x[1]):  # here
        s += v
    return s


@bad(X, says="y is float64 on one way and float64 array of 1 axis on another", advice="one type")
def two_kinds(x):
    y = x[0]
    if x[1] > 0.0:
        y = x  # here  # noqa: F841
    return x[0]


@bad(X, says="truth of an array", advice="np.any or np.all")
def truth_of_array(x):
    if x > 0.0:  # here
        return x[0]
    return x[1]


@bad(X, says="2 values for 3 names")
def unpacked_wrong(x):
    a, b, c = x[0], x[1]  # here  # noqa: F841
    return a


@bad(X, says="deleted", advice="no `del`")
def deleted(x):
    y = x[0]
    z = y
    del y  # here
    return z


@bad(X, says="`:=`", advice="an assignment before")
def walrus(x):
    return (y := x[0]) * y  # here


@bad(X, says="match", advice="if and elif")
def matched(x):
    match x.size:  # here
        case 3:
            return x[0]
    return x[1]


@bad(X, says="does not return a float", advice="nbgrad.jacobian")
def returns_array(x):
    return x * 2.0


@bad(X, says="does not return a float", advice="return")
def returns_nothing(x):
    x[0] = 2.0


@bad(3, says="int64", advice="2.0 instead of 2")
def integer_argument(n):
    return n * 2.0


@bad(np.array([1, 2]), says="int64", advice="astype(float)")
def integer_array_argument(n):
    return n[0] * 2.0


@njit
def doubled(x):
    for i in range(x.size):
        x[i] *= 2.0
    return x[0]


@bad(X, says="the value on the right changes `x`", advice="in a line before")
def changed_meanwhile(x):
    x[0] += doubled(x)  # here
    return x[0]
