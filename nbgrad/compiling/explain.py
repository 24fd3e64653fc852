"""A compiled function to read: its kernels in waves, what they read and write, where that lies, as text and as a picture."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..base.errors import ArgumentError, KernelError, problem
from ..base.layers import WIDEST, Box, Drawing, draw
from ..plan.calls import MADE, WALKS, Reversal, Stop, While, loops_of
from ..plan.memory import LINE, in_place, least_arena, lives_of
from ..plan.plan import Kernel
from ..record import Shown
from ..tape.tape import shown
from ..target.cpu.native_replay import SHARED
from ..target.cpu.plain import run_plain
from ..target.cpu.windows import NAMES as WINDOWS
from ..target.program import ON_DEVICE, grid_of, launches_of, source, source_path
from .naming import Names, shape_text, size_text

FUSED = ("#fdd49e", "#c6dbef", "#c7e9c0", "#dadaeb", "#fde0ef", "#fff3a8", "#b9e3df", "#f7c6b5", "#d5e8a8", "#cfd8f7",
         "#e9d3bf", "#f3c9e6")  # fmt: skip
ALONE, GIVEN = "#f4f4f4", "#ffffff"
MOST = 600  # calls of a picture
WIDE = 118  # letters of a line of text


class Entry(NamedTuple):
    """One kernel of a program: its number, its item (or a stop, without number), the number of its wave, and who it runs with.

    kind : as in a table; mates : the entries that share its launch, itself among them; part, parts : which of the
    kernels of one work it is.
    """

    number: str | None
    item: Any
    wave: int
    kind: int
    mates: int
    part: int
    parts: int

    @property
    def loop(self):
        """The loop that stands for a kernel; None for a kernel."""
        kernel = getattr(self.item, "kernel", None)
        return kernel if isinstance(kernel, WALKS) else None

    @property
    def name(self) -> str:
        if self.number is None:
            return "stop"
        return f"{self.item.work.ops[0].name}" if self.loop is not None else self.item.kernel.name

    @property
    def rows(self) -> str:
        """The rows that it stands for, in order, equal ones once."""
        names = [op.name for op in self.item.work.ops]
        return ", ".join(n if names.count(n) == 1 else f"{n} ×{names.count(n)}" for n in dict.fromkeys(names))


def entries(schedule, prefix="") -> list:
    """Return the kernels of a schedule in the order in which they run; those inside of loops are left out."""
    out, parts = [], {}
    for number, wave in enumerate(schedule.waves, 1):
        for kind, items in launches_of(schedule, wave):
            for item in items:
                if isinstance(item, Stop):
                    out.append(Entry(None, item, number, kind, 1, 0, 1))
                    continue
                part = parts[id(item.work)] = parts.get(id(item.work), -1) + 1
                count = 1 + sum(e.number is not None for e in out)
                out.append(Entry(f"{prefix}{count}", item, number, kind, len(items), part, len(item.work.plan.steps)))
    return out


def inside(entry) -> list:
    """Return (what it is, loop, how its kernels are numbered) of each program that a loop walks."""
    loop, number = entry.loop, entry.number
    if isinstance(loop, While):
        return [("while", loop.condition, f"{number}.w"), ("do", loop.body, f"{number}.")]
    turns = f"{loop.turns} turns" if type(loop.turns) is int else "as many turns as are found to be needed"
    if isinstance(loop, Reversal):
        return [(f"{turns}, the last first", loop.back, f"{number}."), ("with carries that are made again", loop.again, f"{number}.c")]
    return [(turns + (", the last first" if loop.back else ""), loop, f"{number}.")]


# -- text


def text(run, name) -> Shown:
    """Return the whole of a record as text."""
    names = Names(run)
    parts = [f"{name}({', '.join(names.signature)})", *_waves(run.program.schedule, names, "", "k")]
    parts += ["", *_counts(run.program, run)]
    if run.back is not None:
        parts += ["", "backward, when the gradient of a result is asked for", *_waves(run.back.program.schedule, names, "", "b")]
        parts += ["", *_counts(run.back.program, None)]
    return Shown("\n".join(parts))


def _waves(schedule, names, indent, prefix) -> list:
    lines, wave = [], 0
    for e in entries(schedule, prefix):
        if e.wave != wave:
            wave = e.wave
            lines += ["", f"{indent}wave {wave}"] if not indent else [f"{indent}wave {wave}"]
        if e.number is None:
            lines.append(f"{indent}  stop where {names.text(e.item.reads[0])} is not zero")
            continue
        lines += _entry(e, names, indent)
    return lines


def _entry(e, names, indent) -> list:
    work = e.item.work
    how = "a loop" if e.loop else _how(e)
    lines = [f"{indent}  {e.number:3} {e.name}  [{how}]"]
    if e.part:
        lines[0] += f"  kernel {e.part + 1} of {e.parts}"
        return lines
    places = list(dict.fromkeys(filter(None, map(shown, work.places))))
    more = [f"{len(places) - 4} more"] if len(places) > 4 else []
    if e.name != e.rows:
        lines += _wrapped("is", [e.rows], indent)
    lines += _wrapped("reads", [*map(names.text, work.reads)] or ["nothing"], indent)
    lines += _wrapped("writes", [*map(names.text, work.writes)], indent)
    lines += _wrapped("at", [*places[:4], *more], indent, ";") if places else []
    if e.loop:
        for what, loop, prefix in inside(e):
            lines.append(f"{indent}        {what}")
            lines += _waves(loop.schedule, names.of_loop(e, loop), f"{indent}          ", prefix)
    return lines


def _wrapped(word, items, indent, sign=",") -> list:
    """Return lines of items behind a word, none longer than need be."""
    space, lines = f"{indent}        ", [""]
    for i, item in enumerate(items):
        item = item + sign if i < len(items) - 1 else item
        if lines[-1] and len(space) + 9 + len(lines[-1]) + len(item) > WIDE:
            lines.append("")
        lines[-1] += f" {item}" if lines[-1] else item
    return [f"{space}{'' if i else word:8}{line}" for i, line in enumerate(lines)]


def _how(e) -> str:
    if e.kind == ON_DEVICE:
        grid = grid_of(e.item)
        if grid is None:
            return "a call of a library"
        blocks, threads = grid
        return f"{_many(blocks, 'block')} of {threads} threads"
    tiles = _many(e.item.tiles, "tile")
    if e.kind != SHARED:
        return f"{tiles}, in place"
    return f"{tiles}, shared by threads" + (f", one launch with {e.mates - 1} more" if e.mates > 1 else "")


def _inner_arenas(found) -> int:
    """Return the bytes of the arenas of all loops among entries."""
    inner = [loop.schedule for e in found if e.loop is not None for loop in loops_of(e.loop)]
    return sum(s.arena + _inner_arenas(entries(s)) for s in inner)


def _many(number, what) -> str:
    return f"{number} {what}{'' if number == 1 else 'es' if what[-2:] == 'ch' else 's'}"


def _counts(program, run) -> list:
    schedule = program.schedule
    found, launches = entries(schedule), [k for wave in schedule.waves for k in launches_of(schedule, wave)]
    kernels, shared = sum(e.number is not None for e in found), sum(k == SHARED for k, _ in launches)
    recorded, left = schedule.counts
    lives = lives_of(schedule.waves, schedule.slots, set(program.given))
    sizes = [-(-s.size // LINE) * LINE for s in schedule.slots]
    least = least_arena(in_place(schedule.waves, lives, [s.size for s in schedule.slots])[1], sizes)
    apart, inner = sum(sizes[s] for s in lives), _inner_arenas(found)
    lines = [
        f"calls   {recorded} recorded, {left} after simplifying, {_many(kernels, 'kernel')}",
        f"runs    {_many(len(schedule.waves), 'wave')}, {_many(len(launches), 'launch')}, {shared} of them shared by threads",
        f"arena   {size_text(schedule.arena)}; {size_text(apart)} if values did not share places, {size_text(least)} at the least",
        *([f"loops   {size_text(inner)} for the values of a turn, beside the arena"] if inner else []),
    ]
    if run is None:
        return lines
    held = sum({id(c.array): c.array.nbytes for c in run.captured}.values())
    made = sum(schedule.slots[s].size for s in program.given if schedule.slots[s].kind == MADE)
    lines += [
        f"values  {size_text(values(run))} that the recorded calls make, of which {size_text(apart + made)} are stored",
        f"held    {size_text(held)} in {_many(len(run.captured), 'captured tensor')}",
        f"peak    {size_text(schedule.arena + inner + made)} in each run: the arena, and {size_text(made)} of results",
    ]
    return lines


def values(run) -> int:
    """Return the bytes of all values that the recorded calls make: what they would take if none was ever let go of."""
    calls = run.recorder.calls[: None if run.back is None else run.back.first]
    slots = run.program.schedule.slots
    return sum(slots[s].size for s in {w.slot for c in calls for w in c.writes} if slots[s].kind == MADE)


# -- picture


def svg(run) -> Drawing:
    """Return a picture of the calls that were left to fuse, one colour for each kernel that stands for several.

    What is given is drawn once for each kernel that reads it, so that arrows stay short.
    """
    boxes, colours, legend, made, names = [], {"": GIVEN}, [], {}, Names(run)
    calls = _calls(run.program.schedule)
    for (number, title, members), call in calls[:MOST]:
        kind = number if members > 1 else "alone"
        if kind not in colours:
            colours[kind] = FUSED[len(legend) % len(FUSED)] if members > 1 else ALONE
            legend += [(colours[kind], f"{number}  {title}")] if members > 1 else []
        inputs = []
        for r in call.reads:
            key = r.slot if r.slot in made else (r.slot, number)
            if key not in made and names.known(r.slot):
                made[key] = len(boxes)
                boxes.append(Box(_short(names.name(r.slot)), shape_text(r.layout), "", (), names.name(r.slot)))
            inputs += [made[key]] if key in made else []
        inputs += [made[w.slot] for w in call.writes if w.slot in made]
        label = f"{call.op.name} · {number}"
        label = label if len(label) <= WIDEST else call.op.name
        tip = "; ".join(filter(None, [f"{number} {title}", _written(call, names, 200), shown(call.place)]))
        boxes.append(Box(label, _written(call, names, 10), kind, tuple(dict.fromkeys(inputs)), tip))
        for w in call.writes:
            made[w.slot] = len(boxes) - 1
    if len(calls) > MOST:
        legend.append((GIVEN, f"and {len(calls) - MOST} calls more, which are not drawn"))
    return draw(boxes, colours, [*legend, (ALONE, "one call, one kernel"), (GIVEN, "given or captured")])


def _short(name, most=19) -> str:
    return name if len(name) <= most else f"…{name[1 - most:]}"


def _written(call, names, most) -> str:
    w = call.writes[0]
    return f"{_short(names.name(w.slot), most) if names.known(w.slot) else ''} {shape_text(w.layout)}".strip()


def _calls(schedule) -> list:
    """Return ((number, name, calls) of the kernel, call) for each call that was left to fuse, in an order that holds."""
    out, seen = [], set()
    for e in entries(schedule, "k"):
        if e.number is None or id(e.item.work) in seen:
            continue
        seen.add(id(e.item.work))
        calls = e.item.work.calls or (e.item.work,)
        calls = [c if hasattr(c, "op") else _Call(c.ops[0], c.reads, c.writes, c.places[0] if c.places else None) for c in calls]
        out += [((e.number, e.name, len(calls)), c) for c in calls]
    return out


class _Call(NamedTuple):
    op: Any
    reads: tuple
    writes: tuple
    place: Any


# -- source


class Source(Shown):
    """Text of a kernel's file below its first half, which is the same in all.

    Attributes
    ----------
    path : Path or None
        The file.
    device : bool
        Whether it is a kernel of a device.
    """

    __slots__ = ("device", "item", "path")

    def run(self, *arrays) -> list:
        """Run the kernel in plain Python on what it reads; return what it writes. A debugger steps through its file.

        Of a work of several kernels all are run.

        Parameters
        ----------
        *arrays : array_like
            In the order that `show` tells, of the shapes there.

        Raises
        ------
        KernelError
            For kernels of instructions that only the compiler has; elementwise rows and reductions have none.
        """
        work = self.item.work
        if self.device:
            what = f"run: {self.item.kernel.name} is a kernel of a device"
            raise problem(KernelError, what, "NUMBA_ENABLE_CUDASIM=1, where a debugger stops in it")
        memory = _memory((*work.reads, *work.writes))
        if len(arrays) != len(work.reads):
            what = f"run: the kernel reads {len(work.reads)} arrays and {len(arrays)} are given"
            raise problem(ArgumentError, what, "those that show() lists")
        for r, a in zip(work.reads, arrays):
            _view(memory, r)[...] = a.numpy() if hasattr(a, "numpy") else a
        flat = [memory[r.slot][r.offset // memory[r.slot].itemsize :] for r in (*work.reads, *work.writes)]
        flat += [np.zeros(prod(shape), dtype) for shape, dtype in work.plan.scratch]
        for step in work.plan.steps:
            kernel = self.item.kernel if step.kernel.loop == self.item.kernel.loop else step.kernel
            run_plain(kernel, step.words, step.tiles, [flat[i] for i in step.pointers])
        return [_view(memory, w).copy() for w in work.writes]


def _memory(refs) -> dict:
    """Return slot -> flat array of zeros that holds all refs to it."""
    sizes, dtypes = {}, {}
    for r in refs:
        steps = [(n - 1) * s for n, s in zip(r.layout.shape, r.layout.strides)]
        dtypes[r.slot] = dtype = np.dtype(r.layout.dtype)
        sizes[r.slot] = max(sizes.get(r.slot, 0), r.offset // dtype.itemsize + sum(s for s in steps if s > 0) + 1)
    return {slot: np.zeros(size, dtypes[slot]) for slot, size in sizes.items()}


def _view(memory, r) -> np.ndarray:
    """Return the array at a ref."""
    flat = memory[r.slot]
    first, strides = r.offset // flat.itemsize, [s * flat.itemsize for s in r.layout.strides]
    return np.lib.stride_tricks.as_strided(flat[first:], r.layout.shape, strides)


def kernel_source(run, number) -> Source:
    """Return the text of the kernel of this number, as `text` counts them; its file is written."""
    found = _numbered(run.program.schedule, "k")
    if run.back is not None:
        found |= _numbered(run.back.program.schedule, "b")
    key = f"k{number}" if not isinstance(number, str) or number[:1].isdigit() else number
    if key not in found:
        what = f"source: there is no kernel {key}; there are {', '.join(found)}" if found else "source: this record has no kernels"
        raise problem(ArgumentError, what, "a number that show() tells")
    kernel = found[key].item.kernel
    schedule = run.program.schedule
    if kernel.loop in WINDOWS and not schedule.device:
        text = f"# {kernel.name} is written as LLVM IR by nbgrad/target/cpu/windows.py"
        behind = [source(schedule, w) for w in found[key].item.words if isinstance(w, Kernel)]
        text = "\n".join([text, *[f"# and this is done to each block of its result\n{_below(s)}" for s in behind]])
        made = Source(text)
        made.path, made.item, made.device = None, found[key].item, False
        return made
    whole = source(schedule, kernel)
    made = Source(_below(whole))
    made.path, made.item, made.device = source_path(whole, kernel.name), found[key].item, schedule.device
    return made


def _below(whole) -> str:
    """Return the text of a file below its first half, and the constants above it."""
    start = whole.index("@kernel") if "@kernel" in whole else 0
    constants = [line for line in whole[:start].splitlines() if line[:1] == "c" and " = np." in line]
    return "\n".join([*constants, whole[start:].rstrip()])


def _numbered(schedule, prefix) -> dict:
    """Return number -> entry of the kernels of a schedule and of the loops in it."""
    found = {}
    for e in entries(schedule, prefix):
        if e.loop is not None:
            for _, loop, inner in inside(e):
                found |= _numbered(loop.schedule, inner)
        elif e.number is not None:
            found[e.number] = e
    return found
