"""What is raised when a run ends early: a stop of the program found something, and says where."""

from ..base.errors import ArgumentError, problem
from ..target.run import host
from .making import array_at, view_at


def raise_stopped(program, stopped, given, starts):
    """Raise what a stop of a program says about the values it looked at.

    Parameters
    ----------
    program : Program
    stopped : tuple
        As its run returned it: (stop, arena, inner).
    given : list of arrays
        Of the run.
    starts : list of int
        Bytes from the lowest address of the first of them to their first element.
    """
    stop, arena, inner = stopped
    r, program = stop.reads[1], program if inner is None else inner.program
    if hasattr(program, "view"):
        a = host(program.view(r, given))
    elif r.slot not in program.given:
        slot = program.schedule.slots[r.slot]
        a = view_at(arena[program.schedule.places[r.slot] :] if slot.array is None else slot.array, r)
    elif inner is not None:
        a = array_at(inner.address(r.slot) + r.offset, r.layout, given)
    else:
        number = program.given.index(r.slot)
        a = view_at(given[number], r, starts[number] if number < len(starts) else 0)
    stop.explain(a)
    raise problem(ArgumentError, "a check inside of a compiled function failed", "the function without ng.compile, which says where")
