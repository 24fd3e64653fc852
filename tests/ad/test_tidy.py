"""What nobody needs is dropped, what is computed twice is computed once; the meaning stays."""

import math

import numpy as np

from nbgrad.ad.copying import copied
from nbgrad.ad.statements import Do, If, Loop, Set, Store, While, walk
from nbgrad.ad.tidy import Shared, changed, dead, names, renamed, replace
from tests.ad.plain import lowered
from tests.ad.zoo import V


def tidied(f, *args):
    made = lowered(f, *args)
    results = Shared(made.roots).run(made.body, made.results)
    dead(made.body, (results,), made.roots, [p.name for p in made.params])
    return made


def count(f, op):
    return sum(isinstance(s, Set) and (s.op == op or getattr(s.extra, "name", "") == op) for s in walk(f.body))


def test_the_same_is_computed_once():
    def f(x, y):
        return math.sin(x * y) + math.sin(x * y) * (x * y)

    assert count(lowered(f, 1.0, 2.0), "sin") == 2
    assert count(tidied(f, 1.0, 2.0), "sin") == 1
    assert count(tidied(f, 1.0, 2.0), "*") == 2


def test_what_changed_in_between_is_computed_again():
    def f(x):
        a = x[0] * 2.0
        x[0] += 3.0
        return a + x[0] * 2.0

    def branch(x, y):
        s = x
        a = s * y
        if y > 0.0:
            s = y
        return a + s * y

    assert count(tidied(f, V), "load") == 2
    assert count(tidied(branch, 1.0, 2.0), "*") == 2


def test_what_nothing_reads_is_dropped():
    def f(x, n):
        s = 0.0
        for i in range(n):
            s += x * i
        k = 0
        while k < n:
            k += 1
        z = np.zeros(3)
        z[0] = x
        if n > 2:
            w = x * 3.0
            z[1] = w
        return x

    assert not [s for s in walk(tidied(f, 1.0, 3).body) if isinstance(s, Loop | While | If | Store)]


def test_arguments_that_are_written_and_checks_stay():
    def f(x):
        assert x[0] > 0.0
        x[1] = 2.0
        return 1.0

    kinds = [type(s) for s in walk(tidied(f, V).body)]
    assert Store in kinds and Do in kinds


def test_renaming_and_copies():
    made = lowered(lambda_free, 2.0)
    body, known = copied(made.body, lambda n: f"{n}_new")
    assert {s.out.name for s in walk(body) if isinstance(s, Set)} == {f"{s.out.name}_new" for s in walk(made.body) if isinstance(s, Set)}
    result = renamed(made.results, known)
    assert names((result,)) == [f"{made.results.name}_new"]
    replace(body, {f"{made.results.name}_new": made.params[0]})
    assert changed(body, made.results, made.roots) is not None


def lambda_free(x):
    y = x * x
    return y + x
