"""Factors of a product as text: how the threads of a block bring a tile of each to shared memory.

A thread loads a few numbers of a tile. Where neighbours in memory lie along k, so do neighbouring threads; else they lie
along the other axis. Numbers are loaded without branches: those beyond the end are some number that is there, set to 0.
"""

AXES = "dhw"
CELL = 5  # words of a cell of a window: where it lies in the input, in the weight, and how far along d, h, w


class Factor:
    """A factor of a product as lines of text.

    name : of its variables; pointer : which operand; side : what its other axis is, "row" or "column"; size : of the tile
    along that axis; tests : axes of windows that leave the input.
    """

    words: tuple = ()

    def __init__(self, name, pointer, side, size, tile, tests):
        self.name, self.pointer, self.side, self.size, self.depth = name, pointer, side, size, tile.depth
        self.run = tile.run
        self.limit, self.tests = "m" if side == "row" else "n", tests
        self.loads = size * tile.depth // tile.threads
        self.step = tile.threads // (tile.depth if self.along else size)

    along = True  # whether neighbouring threads lie along k

    def together(self) -> list:
        """Return the lines of what the factor walks together with the other one."""
        return []

    def origin(self) -> list:
        """Return the lines that say which numbers of a tile are this thread's: its first along k, and along the other axis."""
        near, far, n = ("k", "r", self.depth) if self.along else ("r", "k", self.size)
        a = self.name
        return [f"{near}{a} = me % {n}", f"{far}{a} = me // {n}", f"g{a} = first + k{a}"]

    def place(self, r) -> str:
        """Return the number of load `r` along the other axis, at most the last one there is."""
        return f"min({self.side} + r{self.name} + {r * self.step if self.along else 0}, {self.limit} - 1)"

    def number(self, r, index, there=None) -> list:
        """Return the lines of load `r`; it is 0 where `there` says that there is none."""
        value = f"D(p{self.pointer}[U({index})])"
        lines = [f"{self.name}{r} = {value}"]
        return lines if there is None else [*lines, f"{self.name}{r} = {self.name}{r} if {there} else zero"]

    def store(self, to, pitch) -> list:
        """Return the lines that write this thread's numbers to shared memory, along the other axis for each step of k."""
        a, whole = self.name, self.depth * pitch
        at = lambda r: f"k{a} * {pitch} + r{a} + {r * self.step}" if self.along else f"(k{a} + {r * self.step}) * {pitch} + r{a}"
        return [f"{to}[U(here * {whole} + {at(r)} + {self.run})] = {a}{r}" for r in range(self.loads)]


class Along(Factor):
    """A matrix whose numbers along k lie side by side."""

    def setup(self) -> list:
        a = self.name
        return [*self.origin(), *[f"i{a}{r} = start{a} + {self.place(r)} * {a}_side" for r in range(self.loads)]]

    def load(self, edge) -> list:
        """Return the lines that load the next tile; `edge`: it may go beyond the end of k."""
        a = self.name
        lines = [f"s{a} = min(g{a}, last - 1) * {a}_step" if edge else f"s{a} = g{a} * {a}_step"]
        for r in range(self.loads):
            lines += self.number(r, f"i{a}{r} + s{a}", f"g{a} < last" if edge else None)
        return [*lines, f"g{a} += {self.depth}"]


class Across(Factor):
    """A matrix whose numbers along k lie apart."""

    along = False

    def setup(self) -> list:
        a = self.name
        return [*self.origin(), f"i{a} = start{a} + {self.place(0)} * {a}_side"]

    def load(self, edge) -> list:
        a, lines = self.name, []
        for r in range(self.loads):
            k = f"g{a} + {r * self.step}"
            lines += self.number(r, f"i{a} + {f'min({k}, last - 1)' if edge else f'({k})'} * {a}_step", f"{k} < last" if edge else None)
        return [*lines, f"g{a} += {self.depth}"]


class Weights(Factor):
    """Weights of a convolution whose cells lie anyhow: k is (channel, cell)."""

    words = ("a_side", "a_channel", "cell_count", "a_turn", "a_channels")

    def setup(self) -> list:
        lines = [f"ia{r} = starta + {self.place(r)} * a_side" for r in range(self.loads)]
        return [*self.origin(), *lines, "cella, sa = ga % cell_count, ga // cell_count * a_channel"]

    def load(self, edge) -> list:
        at = f"sa + args[U(cells + {CELL} * cella + 1)]"
        lines = [f"ta = {at} if ga < last else 0" if edge else f"ta = {at}"]
        for r in range(self.loads):
            lines += self.number(r, f"ia{r} + ta", "ga < last" if edge else None)
        return [*lines, f"ga += {self.depth}", *turned("a", "a_channel")]


class Patches(Factor):
    """What windows see: k is (channel, cell), columns are (image, place)."""

    along = False
    words = ("x_image", "x_channel", *[f"{word}_{i}" for word in ("x", "size", "step", "first") for i in AXES],
             "cell_count", "b_turn", "b_channels")  # fmt: skip

    def setup(self) -> list:
        return [
            *self.origin(), f"rest = {self.place(0)}", *digits("", "rest"), *[f"{i}b = {i} * step_{i} + first_{i}" for i in AXES],
            "ib = startb + image * x_image + db * x_d + hb * x_h + wb * x_w",
            "cellb, sb = gb % cell_count, gb // cell_count * x_channel",
        ]  # fmt: skip

    def load(self, edge) -> list:
        lines, there = [], ["(gb < last)"] * edge
        there += [f"({i}b + {i}c >= 0) & ({i}b + {i}c < size_{i})" for i in AXES if i in self.tests]
        for r in range(self.loads):
            lines += [f"o = cells + {CELL} * cellb", *[f"{i}c = args[U(o + {2 + AXES.index(i)})]" for i in self.tests]]
            lines += ["tb = ib + sb + args[U(o)]"]
            if there:
                lines += [f"there = {' & '.join(there)}", "tb = tb if there else startb"]
            lines += [*self.number(r, "tb", "there" if there else None), f"gb += {self.step}", *turned("b", "x_channel")]
        return lines


class Values(Factor):
    """A gradient of a convolution's result: rows are channels, k is (image, place)."""

    words = ("a_side", "y_image", "y_d", "y_h", "y_w", "places_d", "places_h", "places_w", "turn_image", "turn_d", "turn_h", "turn_w")

    def together(self) -> list:
        return [f"q = first + me % {self.depth}", *digits("q", "q")]

    def setup(self) -> list:
        return [*self.origin(), *[f"ia{r} = starta + {self.place(r)} * a_side" for r in range(self.loads)]]

    def load(self, edge) -> list:
        at = "qimage * y_image + qd * y_d + qh * y_h + qw * y_w"
        lines = [f"ya = {at} if q < last else 0" if edge else f"ya = {at}"]
        for r in range(self.loads):
            lines += self.number(r, f"ia{r} + ya", "q < last" if edge else None)
        return lines


class Windows(Factor):
    """What windows see: k is (image, place), columns are (channel, cell)."""

    words = ("x_image", "x_channel", *[f"{word}_{i}" for word in ("x", "size", "step", "first") for i in AXES], "cell_count")

    def together(self) -> list:
        return Values.together(self)

    def setup(self) -> list:
        lines = self.origin()
        for r in range(self.loads):
            lines += [f"o = {self.place(r)}", "c, o = o // cell_count, cells + o % cell_count * " + str(CELL)]
            lines += [f"ib{r} = startb + c * x_channel + args[U(o)]"]
            lines += [f"{i}b{r} = args[U(o + {2 + AXES.index(i)})]" for i in self.tests]
        return lines

    def load(self, edge) -> list:
        lines = [f"{i}b = q{i} * step_{i} + first_{i}" for i in AXES]
        lines += ["xb = qimage * x_image + db * x_d + hb * x_h + wb * x_w"]
        for r in range(self.loads):
            there = ["(q < last)"] * edge
            there += [f"({i}b + {i}b{r} >= 0) & ({i}b + {i}b{r} < size_{i})" for i in AXES if i in self.tests]
            lines += [f"tb = ib{r} + xb"]
            if there:
                lines += [f"there = {' & '.join(there)}", "tb = tb if there else startb"]
            lines += self.number(r, "tb", "there" if there else None)
        lines += [f"q += {self.depth}", "qw, qh, qd, qimage = qw + turn_w, qh + turn_h, qd + turn_d, qimage + turn_image"]
        for i, above in (("w", "h"), ("h", "d"), ("d", "image")):
            lines += [f"over = q{i} >= places_{i}", f"q{i} = q{i} - places_{i} if over else q{i}"]
            lines += [f"q{above} = q{above} + 1 if over else q{above}"]
        return lines


def turned(name, channel) -> list:
    """Return the lines that go on along (channel, cell) by a step whose digits are words: no division."""
    cell, s = f"cell{name}", f"s{name}"
    return [
        f"{cell} += {name}_turn", f"{s} += {name}_channels * {channel}", f"over = {cell} >= cell_count",
        f"{cell} = {cell} - cell_count if over else {cell}", f"{s} = {s} + {channel} if over else {s}",
    ]  # fmt: skip


def digits(to, number) -> list:
    """Return the lines that take a number apart into image and place along d, h, w."""
    return [
        f"{to}w, o = {number} % places_w, {number} // places_w", f"{to}h, o = o % places_h, o // places_h",
        f"{to}d, {to}image = o % places_d, o // places_d",
    ]  # fmt: skip


def _matrix(name, kind):
    return type(kind.__name__, (kind,), {"words": (f"{name}_side", f"{name}_step")})


FACTORS = {
    "left along": _matrix("a", Along), "left across": _matrix("a", Across), "weights": Weights, "values": Values,
    "right along": _matrix("b", Along), "right across": _matrix("b", Across), "patches": Patches, "windows": Windows,
}  # fmt: skip
