"""The register-blocked micro-kernel under every product: LLVM IR for a dtype and a shape of block, compiled once.

All kernels that multiply call the same function (see `micro_call.py`), so that they stay small and compile fast, and
Numba is not needed for it. Its sums are held in vector registers: `height` rows times `vectors` vectors of columns.
After Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008).
"""

from .engine import assembly_of, shared
from .load import load_ir

HEIGHTS = (1, 2, 3, 4, 6, 8, 10, 12, 14)  # rows that have a body of their own; other numbers are made of two
GROUP = 3  # rows read through one pointer: x86 adds once and twice a register to it for nothing
TYPES = {"float32": "float", "float64": "double"}
ARGUMENTS = (
    "ptr %a, i64 %a0, i64 %a_row, i64 %a_step, ptr %b, i64 %b0, i64 %b_step, i64 %k, "
    "ptr %c, i64 %c0, i64 %c_row, i64 %rows, i64 %columns, i64 %add"
)


def micro_name(dtype: str, height: int, vectors: int, width: int) -> str:
    """Return the name under which kernels call a micro-kernel.

    >>> micro_name("float32", 12, 2, 64)
    'nbgrad_micro_float32_12_2_64'
    """
    return f"nbgrad_micro_{dtype}_{height}_{vectors}_{width}"


def load_micro(name: str) -> int:
    """Return the address of the micro-kernel of this name, compiled or read from the cache."""
    dtype, *shape = name.removeprefix("nbgrad_micro_").split("_")
    return load_ir(micro_ir(dtype, *map(int, shape)), name, optimise=False)


def micro_assembly(dtype: str, height: int, vectors: int, width: int) -> str:
    """Return the assembly of a micro-kernel on this machine."""
    return assembly_of(micro_ir(dtype, height, vectors, width), optimise=False)


def micro_ir(dtype: str, height: int, vectors: int, width: int) -> str:
    """Return the module of LLVM IR of one micro-kernel.

    Parameters
    ----------
    dtype : str
        A float or integer dtype.
    height, vectors : int
        Rows and vectors of the block of sums; both and their operands should fit the registers.
    width : int
        Bytes of a vector: 64 (AVX-512), 32 (AVX2) or 16 (NEON, SSE).
    """
    return Writer(dtype, height, vectors, width).module()


class Writer:
    """Writes the module line by line."""

    def __init__(self, dtype, height, vectors, width):
        bits = int(dtype.lstrip("uintfloa"))
        self.name, self.real = micro_name(dtype, height, vectors, width), dtype in TYPES
        self.heights = [h for h in HEIGHTS if h <= height]
        self.height, self.vectors, self.lanes, self.size = height, vectors, width * 8 // bits, bits // 8
        self.type = TYPES.get(dtype, f"i{bits}")
        # Machines with vectors of 16 bytes have no masked loads: there, columns are peeled off by halves of a block.
        self.masked = width > 16
        self.lines, self.needs, self.count = [], set(), 0

    def module(self):
        """Return the text: a choice of the columns, of the rows, and a body for each."""
        self.say(f"define void @{self.name}({ARGUMENTS}) nounwind {{", "entry:")
        for pointer in "abc":
            self.say(f"  %{pointer}.at = getelementptr {self.type}, ptr %{pointer}, i64 %{pointer}0")
        self.say("  br label %widths", "widths:")
        self.say("  %j = phi i64 [0, %entry]" + ("" if self.masked else ", [%j.next, %next]"))
        self.say("  %rest = sub i64 %columns, %j")
        for pointer in "bc":
            self.say(f"  %{pointer}.j = getelementptr {self.type}, ptr %{pointer}.at, i64 %j")
        full = self.vectors * self.lanes
        if self.masked:
            choices = [("full", self.vectors, self.lanes, False)]
            choices += [(f"cut{v}", v, self.lanes, True) for v in range(1, self.vectors + 1)]
            self.choose([("sge", full, "full"), *[("sle", v * self.lanes, f"cut{v}") for v in range(1, self.vectors)]],
                        f"cut{self.vectors}")  # fmt: skip
        else:
            halves = [1 << i for i in range(self.vectors.bit_length())][::-1]
            choices = [(f"wide{v}", v, self.lanes, False) for v in halves] + [("single", 1, 1, False)]
            self.choose([("sge", v * self.lanes, f"wide{v}") for v in halves], "single")
        for choice in choices:
            self.rows(*choice)
        if not self.masked:
            self.say("next:")
            steps = ", ".join(f"[{v * lanes}, %{name}.rows]" for name, v, lanes, _ in choices)
            self.say(f"  %step = phi i64 {steps}", "  %j.next = add i64 %j, %step")
            self.say("  %more = icmp slt i64 %j.next, %columns", "  br i1 %more, label %widths, label %end")
        self.say("end:", "  ret void", "}", *sorted(self.needs))
        return "\n".join(self.lines) + "\n"

    def choose(self, tests, otherwise):
        """Go to the first label whose test of the columns holds."""
        for i, (test, number, label) in enumerate(tests):
            last = i == len(tests) - 1
            self.say(f"  %is.{label} = icmp {test} i64 %rest, {number}")
            self.say(f"  br i1 %is.{label}, label %{label}, label %{otherwise if last else f'not.{label}'}")
            if not last:
                self.say(f"not.{label}:")

    def rows(self, name, vectors, lanes, masked):
        """Take pieces of the rows, the largest body first, until none is left."""
        kind = f"<{lanes} x {self.type}>"
        self.say(f"{name}:")
        masks = [None] * vectors
        if masked:
            masks = [self.mask(v, lanes) for v in range(vectors)]
        self.say(f"  br label %{name}.rows", f"{name}.rows:")
        for variable, kind_, start in (("r", "i64", "0"), ("a", "ptr", "%a.at"), ("c", "ptr", "%c.j")):
            steps = ", ".join(f"[%{name}.{h}.{variable}, %{name}.{h}.done]" for h in self.heights)
            self.say(f"  %{name}.{variable} = phi {kind_} [{start}, %{name}], {steps}")
        self.say(f"  %{name}.left = sub i64 %rows, %{name}.r")
        cases = " ".join(f"i64 {r}, label %{name}.{self.piece(r)}" for r in range(1, self.height))
        end = "end" if self.masked else "next"
        self.say(f"  switch i64 %{name}.left, label %{name}.{self.height} [i64 0, label %{end} {cases}]")
        for h in self.heights:
            self.body(name, h, kind, lanes, masks)

    def piece(self, rows):
        """Return the body that takes the first of so many rows: the largest, unless two nearly equal ones do it."""
        if rows in self.heights:
            return rows
        return min((h for h in self.heights if rows - h in self.heights and h <= rows), key=lambda h: abs(2 * h - rows),
                   default=max(h for h in self.heights if h < rows))  # fmt: skip

    def body(self, name, height, kind, lanes, masks):
        """Sum over k with one accumulator per row and vector, then store the sums."""
        n, t = f"{name}.{height}", self.type
        sums = [(r, v) for r in range(height) for v in range(len(masks))]
        groups = range(0, height, GROUP)
        self.say(f"{n}:", *(f"  %{n}.row{r} = mul i64 %a_row, {r}" for r in range(1, GROUP)))
        for g in groups[1:]:
            self.say(f"  %{n}.far{g} = mul i64 %a_row, {g}")
            self.say(f'  %{n}.row{g} = call i64 asm "", "=r,0"(i64 %{n}.far{g})')
        for g in groups:
            start = f"{name}.a, i64 %{n}.row{g}" if g else f"{name}.a, i64 0"
            self.say(f"  %{n}.g{g} = getelementptr {t}, ptr %{start}")
        self.say(f"  %{n}.any = icmp sgt i64 %k, 0", f"  br i1 %{n}.any, label %{n}.sum, label %{n}.store", f"{n}.sum:")
        self.say(f"  %{n}.p = phi i64 [%k, %{n}], [%{n}.p.next, %{n}.sum]")
        for g in groups:
            self.say(f"  %{n}.x.{g} = phi ptr [%{n}.g{g}, %{n}], [%{n}.x.{g}.next, %{n}.sum]")
        self.say(f"  %{n}.y = phi ptr [%b.j, %{n}], [%{n}.y.next, %{n}.sum]")
        for r, v in sums:
            self.say(f"  %{n}.s{r}.{v} = phi {kind} [zeroinitializer, %{n}], [%{n}.t{r}.{v}, %{n}.sum]")
        ys = [self.load(f"%{n}.y", v * lanes, kind, mask) for v, mask in enumerate(masks)]
        for r in range(height):
            at = f"%{n}.x.{r}"
            if r % GROUP:
                at = f"%{n}.x{r}.at"
                self.say(f"  {at} = getelementptr {t}, ptr %{n}.x.{r - r % GROUP}, i64 %{n}.row{r % GROUP}")
            self.say(f"  %{n}.x{r} = load {t}, ptr {at}, align {self.size}")
            x = self.spread(f"%{n}.x{r}", t, kind, lanes)
            for v, y in enumerate(ys):
                self.multiply_add(f"%{n}.t{r}.{v}", x, y, f"%{n}.s{r}.{v}", kind, lanes)
        self.say(f"  %{n}.p.next = sub i64 %{n}.p, 1")
        for g in groups:
            self.say(f"  %{n}.x.{g}.next = getelementptr {t}, ptr %{n}.x.{g}, i64 %a_step")
        self.say(f"  %{n}.y.next = getelementptr {t}, ptr %{n}.y, i64 %b_step")
        self.say(f"  %{n}.more = icmp sgt i64 %{n}.p.next, 0")
        self.say(f"  br i1 %{n}.more, label %{n}.sum, label %{n}.store", f"{n}.store:")
        for r, v in sums:
            self.say(f"  %{n}.u{r}.{v} = phi {kind} [zeroinitializer, %{n}], [%{n}.t{r}.{v}, %{n}.sum]")
        self.store(name, n, kind, lanes, masks, sums)

    def store(self, name, n, kind, lanes, masks, sums):
        """Write the sums, or what is there plus the sums."""
        height = sums[-1][0] + 1
        for r in range(height):
            self.say(f"  %{n}.c.row{r} = mul i64 %c_row, {r}")
            self.say(f"  %{n}.c{r} = getelementptr {self.type}, ptr %{name}.c, i64 %{n}.c.row{r}")
        self.say(f"  %{n}.fresh = icmp eq i64 %add, 0", f"  br i1 %{n}.fresh, label %{n}.set, label %{n}.onto")
        self.say(f"{n}.onto:")
        for r, v in sums:
            old = self.load(f"%{n}.c{r}", v * lanes, kind, masks[v])
            self.say(f"  %{n}.w{r}.{v} = {'fadd' if self.real else 'add'} {kind} {old}, %{n}.u{r}.{v}")
            self.write(f"%{n}.w{r}.{v}", f"%{n}.c{r}", v * lanes, kind, masks[v])
        self.say(f"  br label %{n}.done", f"{n}.set:")
        for r, v in sums:
            self.write(f"%{n}.u{r}.{v}", f"%{n}.c{r}", v * lanes, kind, masks[v])
        self.say(f"  br label %{n}.done", f"{n}.done:", f"  %{n}.r = add i64 %{name}.r, {height}")
        for pointer in "ac":
            self.say(f"  %{n}.{pointer}.skip = mul i64 %{pointer}_row, {height}")
            self.say(f"  %{n}.{pointer} = getelementptr {self.type}, ptr %{name}.{pointer}, i64 %{n}.{pointer}.skip")
        self.say(f"  br label %{name}.rows")

    def load(self, pointer, offset, kind, mask):
        """Load one vector; lanes outside of `mask` are not touched."""
        at, out = self.place(pointer, offset), self.new()
        if mask is None:
            self.say(f"  {out} = load {kind}, ptr {at}, align {self.size}")
        else:
            name = f"{kind} @llvm.masked.load.{self.suffix(kind)}.p0"
            self.say(f"  {out} = call {name}(ptr {at}, i32 {self.size}, {mask}, {kind} zeroinitializer)")
            self.needs.add(f"declare {name}(ptr, i32, {mask.split('> ')[0]}>, {kind})")
        return out

    def write(self, value, pointer, offset, kind, mask):
        at = self.place(pointer, offset)
        if mask is None:
            self.say(f"  store {kind} {value}, ptr {at}, align {self.size}")
        else:
            name = f"void @llvm.masked.store.{self.suffix(kind)}.p0"
            self.say(f"  call {name}({kind} {value}, ptr {at}, i32 {self.size}, {mask})")
            self.needs.add(f"declare {name}({kind}, ptr, i32, {mask.split('> ')[0]}>)")

    def place(self, pointer, offset):
        if not offset:
            return pointer
        at = self.new()
        self.say(f"  {at} = getelementptr {self.type}, ptr {pointer}, i64 {offset}")
        return at

    def multiply_add(self, out, x, y, s, kind, lanes):
        if self.real:
            name = f"{kind} @llvm.fmuladd.{self.suffix(kind)}"
            self.say(f"  {out} = call {name}({kind} {x}, {kind} {y}, {kind} {s})")
            self.needs.add(f"declare {name}({kind}, {kind}, {kind})")
        else:
            product = self.new()
            self.say(f"  {product} = mul {kind} {x}, {y}", f"  {out} = add {kind} {product}, {s}")

    def mask(self, v, lanes):
        """Return which lanes of vector number `v` are among the columns that are left, typed."""
        rest, out, numbers = self.new(), self.new(), f"<{lanes} x i32>"
        self.say(f"  {rest} = trunc i64 %rest to i32")
        wide = self.spread(rest, "i32", numbers, lanes)
        own = ", ".join(f"i32 {i}" for i in range(v * lanes, (v + 1) * lanes))
        self.say(f"  {out} = icmp slt {numbers} <{own}>, {wide}")
        return f"<{lanes} x i1> {out}"

    def spread(self, x, element, kind, lanes):
        """Return a vector with `x` in every lane."""
        one, out = self.new(), self.new()
        self.say(f"  {one} = insertelement {kind} poison, {element} {x}, i32 0")
        self.say(f"  {out} = shufflevector {kind} {one}, {kind} poison, <{lanes} x i32> zeroinitializer")
        return out

    def suffix(self, kind):
        """Return how LLVM's intrinsics name a vector type."""
        return kind.strip("<>").replace(" x ", "", 1).replace("float", "f32").replace("double", "f64").join(("v", ""))

    def new(self):
        self.count += 1
        return f"%v{self.count}"

    def say(self, *lines):
        self.lines += lines


shared["nbgrad_micro_"] = load_micro
