"""Machine code of derivatives that Numba kept on disk, loaded without what only compiling needs."""

import os
import subprocess
import sys

import numpy as np
from numba import njit
from numba.core.registry import cpu_target

import nbgrad as ng
from nbgrad.target.cpu.engine import compile_ir
from nbgrad.target.functions.kept import Kept, _is_complete, environment

SCRIPT = """
import sys
import numpy as np
import nbgrad as ng
from numba import njit, prange

@njit(parallel={parallel})
def total(x, n):
    s = 0.0
    for i in {over}(n):
        s += np.exp(x[i]) * x[i]
    return s

slopes = ng.grad(total)
x = np.array([0.0, 1.0, 2.0])
first = slopes(x, 3)
compiles = bool({{"numba.np.linalg", "numba.np.arrayobj"}} & set(sys.modules))  # modules that only compiling needs

@njit
def outer(x):
    return 2.0 * slopes(x, 3)[1]

print(compiles, *first.round(6).tolist(), round(outer(x), 6), sum(next(iter(slopes.found.values()))[0].stats.cache_hits.values()))
"""


MORE = """
import sys
import numpy as np
import nbgrad as ng
from numba import njit

@njit
def solved(a, b):
    if b[0] < 0.0:
        raise ValueError("no negative numbers")
    c = np.zeros((b.size, 2))
    c[:, 0] = np.linalg.solve(a, b)
    for i in range(b.size):
        c[i, 1] = c[i, 0] ** 2
        a[i, i] = 1.0
    return np.sum(c)

slopes = ng.value_and_grad(solved, (0, 1))
a, b = np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([1.0, 3.0])
out = slopes(a.copy(), b)
print("numba.np.arrayobj" in sys.modules, repr(out).replace("\\n", " "))
for args in ((a.copy(), -b), (a, a[0])):
    try:
        slopes(*args)
    except Exception as error:
        print(type(error).__name__, error)
"""


def processes(tmp_path, text=SCRIPT, **options):
    """Return what two processes print, one after the other."""
    (tmp_path / "script.py").write_text(text.format(**options) if options else text)
    environ = {**os.environ, "NBGRAD_CACHE_DIR": str(tmp_path / "cache")}
    run = lambda: subprocess.run([sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, check=True, env=environ)
    return [run().stdout.split(*(["\n"] if text is MORE else [])) for _ in range(2)]


def test_the_second_process_imports_nothing_that_compiles(tmp_path):
    first, second = processes(tmp_path, parallel=False, over="range")
    assert (first[0], second[0]) == ("True", "False")
    assert (first[-1], second[-1]) == ("0", "1")
    x = np.array([0.0, 1.0, 2.0])
    expected = np.exp(x) * (1 + x)
    assert first[1:5] == second[1:5]
    np.testing.assert_allclose(list(map(float, first[1:4])), expected, atol=1e-6)
    assert abs(float(first[4]) - 2 * expected[1]) < 1e-5  # code that is compiled later calls it


def test_parallel_machine_code_has_its_threads(tmp_path):
    first, second = processes(tmp_path, parallel=True, over="prange")
    assert (first[0], second[0], first[-1], second[-1]) == ("True", "False", "0", "1")
    assert first[1:5] == second[1:5]


def test_results_and_errors_are_those_of_the_first_process(tmp_path):
    first, second = processes(tmp_path, MORE)
    assert first[0].startswith("True ") and second[0].startswith("False ")
    assert first[0].removeprefix("True") == second[0].removeprefix("False")
    assert first[1:] == second[1:] and len(first) == 4
    assert first[1] == "ValueError no negative numbers"
    assert first[2].startswith("ValueError") and "share memory" in first[2]


def test_objects_that_code_uses_need_no_module_of_numba():
    made = environment("numba.no_such_module", [1, "two"], "a name")
    assert made.consts == [1, "two"] and made.globals == {"__name__": "numba.no_such_module"}
    assert environment("numba.no_such_module", [], "a name") is made  # there is one by a name
    own = environment(__name__, [3], "another name")
    assert own.globals is globals() and own.consts == [3]


def test_texts_are_kept_this_way():
    @njit
    def cube(x):
        return x * x * x

    slope = ng.grad(cube)
    assert slope(2.0) == 12.0
    assert type(next(iter(slope.found.values()))[0]._cache) is Kept


def library(text):
    """Return an object file as Numba keeps it."""
    return ("a library", "object", (compile_ir(text), b""))


def test_code_is_complete_when_all_that_it_calls_is_there():
    calls = 'declare void @{0}()\ndefine void @own() {{\n  call void @{0}()\n  ret void\n}}\n'
    assert _is_complete(library("define void @own() {\n  ret void\n}\n"), (), ())
    assert _is_complete(library(calls.format("abort")), (), ())
    assert not _is_complete(library(calls.format("nobody_has_this_function")), (), ())
    assert not _is_complete(("a library", "bitcode", b""), (), ())


def test_threads_begin_before_code_is_looked_at():
    begun = []
    assert not _is_complete(("a library", "bitcode", b""), [lambda: begun.append(1)], ())
    assert begun == [1]


def test_where_something_is_missing_numba_gets_all_that_it_knows(monkeypatch):
    @njit(cache=True)
    def twice(x):
        return x + x

    kept, asked = Kept(twice.py_func), []
    found = (("a library", "bitcode", b""), (), ())
    monkeypatch.setattr(kept._cache_file, "load", lambda key: found)
    monkeypatch.setattr(type(kept._impl), "rebuild", lambda self, context, payload: payload)
    monkeypatch.setattr(type(cpu_target.target_context), "refresh", lambda self: asked.append(1))
    assert kept.load_overload((), cpu_target.target_context) is found and asked == [1]
    monkeypatch.setattr(kept._cache_file, "load", lambda key: None)
    assert kept.load_overload((), cpu_target.target_context) is None and asked == [1]
