"""Matrices turned in vector registers, rows to columns: LLVM IR for a dtype, compiled once and called by kernels.

A square of as many rows as a vector has lanes is turned by perfect shuffles of its rows, one for each halving of their
number (the rotation of the bits of an index that a transposition is).
"""

from .engine import shared
from .load import load_ir
from .micro import TYPES

SIDE = 16  # rows and columns at once, where a vector holds as many


def turn_name(dtype: str, width: int) -> str:
    """Return the name under which kernels call it.

    >>> turn_name("float32", 64)
    'nbgrad_turn_float32_64'
    """
    return f"nbgrad_turn_{dtype}_{width}"


def load_turn(name: str) -> int:
    """Return the address of the function of this name, compiled or read from the cache."""
    dtype, width = name.removeprefix("nbgrad_turn_").split("_")
    return load_ir(turn_ir(dtype, int(width)), name, optimise=False)


def turn_ir(dtype: str, width: int) -> str:
    """Return the LLVM IR of `void turn(out, to, pitch, x, start, row, rows, n)`, for vectors of `width` bytes.

    It sets out[to + p * pitch + i] to x[start + i * row + p] for i < rows and p < n, and touches nothing else. Squares at
    the edges are turned through masks, or one number at a time where the machine has none (vectors of 16 bytes).
    """
    bits = int(dtype.lstrip("uintfloa"))
    size, kind = bits // 8, TYPES.get(dtype, f"i{bits}")
    side = min(SIDE, width // size)
    cut = _masked(kind, size, side) if width > 16 else _one_by_one(kind, side)
    return _LOOPS.format(
        name=turn_name(dtype, width), kind=kind, side=side, whole=_square(kind, size, side, False), cut=cut[0],
        declares=cut[1],
    )  # fmt: skip


_LOOPS = """\
define void @{name}(ptr %out.0, i64 %to, i64 %pitch, ptr %x.0, i64 %start, i64 %row, i64 %rows, i64 %n) nounwind {{
entry:
  %out = getelementptr {kind}, ptr %out.0, i64 %to
  %x = getelementptr {kind}, ptr %x.0, i64 %start
  br label %outer
outer:
  %i = phi i64 [0, %entry], [%i.next, %outer.next]
  %i.more = icmp slt i64 %i, %rows
  br i1 %i.more, label %strip, label %end
strip:
  %high = sub i64 %rows, %i
  %tall = icmp sge i64 %high, {side}
  %x.offset = mul i64 %i, %row
  %x.i = getelementptr {kind}, ptr %x, i64 %x.offset
  %out.i = getelementptr {kind}, ptr %out, i64 %i
  br label %inner
inner:
  %p = phi i64 [0, %strip], [%p.next, %inner.next]
  %p.more = icmp slt i64 %p, %n
  br i1 %p.more, label %square, label %outer.next
square:
  %wide = sub i64 %n, %p
  %broad = icmp sge i64 %wide, {side}
  %from = getelementptr {kind}, ptr %x.i, i64 %p
  %out.offset = mul i64 %p, %pitch
  %target = getelementptr {kind}, ptr %out.i, i64 %out.offset
  %full = and i1 %tall, %broad
  br i1 %full, label %whole, label %cut
whole:
{whole}
  br label %inner.next
{cut}
inner.next:
  %p.next = add i64 %p, {side}
  br label %inner
outer.next:
  %i.next = add i64 %i, {side}
  br label %outer
end:
  ret void
}}
{declares}
"""


def _shuffles(vector, side, tag):
    """Return the lines that turn `side` vectors named `%{tag}0.r`, and the names of the results."""
    half, lines, names = side // 2, [], [f"%{tag}0.{r}" for r in range(side)]
    order = lambda first: ", ".join(f"i32 {first + k // 2 + side * (k % 2)}" for k in range(side))
    for stage in range(1, side.bit_length()):
        pairs = [(a, b, first) for a, b in zip(names[:half], names[half:]) for first in (0, half)]
        names = [f"%{tag}{stage}.{r}" for r in range(side)]
        for name, (a, b, first) in zip(names, pairs):
            mask = f"<{side} x i32> <{order(first)}>"
            lines.append(f"  {name} = shufflevector {vector} {a}, {vector} {b}, {mask}")
    return lines, names


def _square(kind, size, side, masked):
    """Return the lines for a whole square."""
    vector, lines = f"<{side} x {kind}>", []
    for r in range(side):
        lines += [f"  %at.{r} = mul i64 %row, {r}", f"  %from.{r} = getelementptr {kind}, ptr %from, i64 %at.{r}"]
        lines.append(f"  %w0.{r} = load {vector}, ptr %from.{r}, align {size}")
    shuffles, names = _shuffles(vector, side, "w")
    lines += shuffles
    for q, name in enumerate(names):
        lines += [f"  %to.{q} = mul i64 %pitch, {q}", f"  %target.{q} = getelementptr {kind}, ptr %target, i64 %to.{q}"]
        lines.append(f"  store {vector} {name}, ptr %target.{q}, align {size}")
    return "\n".join(lines)


def _masked(kind, size, side):
    """Return the blocks for a square at an edge, and their declarations: rows past the end are the last one again."""
    vector, bools, suffix = f"<{side} x {kind}>", f"<{side} x i1>", {"float": "f32", "double": "f64"}.get(kind, kind)
    load, store = f"{vector} @llvm.masked.load.v{side}{suffix}.p0", f"void @llvm.masked.store.v{side}{suffix}.p0"
    lanes, lines = ", ".join(f"i32 {k}" for k in range(side)), ["cut:", "  %last = sub i64 %high, 1"]
    for name, count in (("columns", "wide"), ("filled", "high")):
        lines.append(f"  %{name}.count = trunc i64 %{count} to i32")
        lines.append(f"  %{name}.one = insertelement <{side} x i32> poison, i32 %{name}.count, i32 0")
        lines.append(f"  %{name}.all = shufflevector <{side} x i32> %{name}.one, <{side} x i32> poison, <{side} x i32> zeroinitializer")
        lines.append(f"  %{name} = icmp slt <{side} x i32> <{lanes}>, %{name}.all")
    for r in range(side):
        lines += [f"  %in.{r} = icmp sgt i64 %last, {r}", f"  %line.{r} = select i1 %in.{r}, i64 {r}, i64 %last"]
        lines += [f"  %cat.{r} = mul i64 %row, %line.{r}", f"  %cfrom.{r} = getelementptr {kind}, ptr %from, i64 %cat.{r}"]
        lines.append(f"  %c0.{r} = call {load}(ptr %cfrom.{r}, i32 {size}, {bools} %columns, {vector} zeroinitializer)")
    shuffles, names = _shuffles(vector, side, "c")
    lines += [*shuffles, "  br label %put.0"]
    for q, name in enumerate(names):
        follow = f"put.{q + 1}" if q + 1 < side else "inner.next"
        lines += [f"put.{q}:", f"  %there.{q} = icmp sgt i64 %wide, {q}"]
        lines += [f"  br i1 %there.{q}, label %do.{q}, label %inner.next", f"do.{q}:"]
        lines += [f"  %cto.{q} = mul i64 %pitch, {q}", f"  %ctarget.{q} = getelementptr {kind}, ptr %target, i64 %cto.{q}"]
        lines.append(f"  call {store}({vector} {name}, ptr %ctarget.{q}, i32 {size}, {bools} %filled)")
        lines.append(f"  br label %{follow}")
    declares = f"declare {load}(ptr, i32, {bools}, {vector})\ndeclare {store}({vector}, ptr, i32, {bools})"
    return "\n".join(lines), declares


def _one_by_one(kind, side):
    """Return the blocks for a square at an edge without masks."""
    return f"""\
cut:
  %low = icmp slt i64 %high, {side}
  %rows.cut = select i1 %low, i64 %high, i64 {side}
  %narrow = icmp slt i64 %wide, {side}
  %n.cut = select i1 %narrow, i64 %wide, i64 {side}
  br label %line
line:
  %r = phi i64 [0, %cut], [%r.next, %line.next]
  %r.more = icmp slt i64 %r, %rows.cut
  br i1 %r.more, label %cells, label %inner.next
cells:
  %line.offset = mul i64 %r, %row
  %line.from = getelementptr {kind}, ptr %from, i64 %line.offset
  %line.target = getelementptr {kind}, ptr %target, i64 %r
  br label %cell
cell:
  %q = phi i64 [0, %cells], [%q.next, %cell]
  %cell.from = getelementptr {kind}, ptr %line.from, i64 %q
  %value = load {kind}, ptr %cell.from
  %cell.offset = mul i64 %q, %pitch
  %cell.target = getelementptr {kind}, ptr %line.target, i64 %cell.offset
  store {kind} %value, ptr %cell.target
  %q.next = add i64 %q, 1
  %q.more = icmp slt i64 %q.next, %n.cut
  br i1 %q.more, label %cell, label %line.next
line.next:
  %r.next = add i64 %r, 1
  br label %line""", ""


shared["nbgrad_turn_"] = load_turn
