"""LLVM's half of a kernel: the machine code is that of Numba's own passes, and several threads may ask for it."""

import threading

import llvmlite.binding as llvm
import pytest

from nbgrad.target.cpu import build, machine_code
from nbgrad.target.cpu.prelude import prelude

ROOTS = prelude(("float32", "float32")) + """

@kernel
def roots(args, tile):
    x, out, n = at0(args), at1(args), word(args, 2)
    for i in range(n):
        out[i] = math.sqrt(x[i]) + T0(NUMBER)
"""


def linked(number):
    text = ROOTS.replace("NUMBER", str(number))
    with build.compiling(text, "roots"):
        return build.linked(text, "roots")


def test_a_module_alone_has_a_context_of_its_own():
    one = linked(1)
    other = machine_code.alone(one)
    assert one._context is not other._context
    assert str(one) == str(other)


def test_the_passes_are_those_of_numba():
    """Numba's own way, in its own context."""
    from numba.core.registry import cpu_target

    written = linked(2)
    module = llvm.parse_assembly(str(written))
    library = cpu_target.target_context.codegen().create_library("roots")
    library._final_module = module
    library._optimize_final_module()
    found = machine_code.optimised(written)
    told = [[line for line in str(m).splitlines() if not line.startswith((";", "source_filename", "target "))] for m in (found, module)]
    assert told[0] == told[1]


@pytest.mark.parametrize("machine", ["near", "far"])
def test_machine_code_is_that_of_llvmlite(machine):
    module, writer = machine_code.optimised(linked(3)), getattr(machine_code, machine)()
    assert machine_code.emitted(writer, module.clone()) == writer.emit_object(module.clone())


def test_several_threads_finish_kernels_at_once():
    modules, found = [linked(n) for n in range(4, 12)], {}
    want = [machine_code.emitted(machine_code.near(), machine_code.optimised(machine_code.alone(m))) for m in modules]

    def finish(i):
        found[i] = machine_code.emitted(machine_code.near(), machine_code.optimised(modules[i]))

    threads = [threading.Thread(target=finish, args=(i,)) for i in range(len(modules))]
    for t in threads:
        t.start()
    for i in range(20, 23):
        linked(i)  # Numba works on others meanwhile
    for t in threads:
        t.join()
    assert [found[i] for i in range(len(modules))] == want
