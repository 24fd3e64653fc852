"""Products of vectors and matrices, and linear algebra: operations on whole arrays, by the rules of `matrices`."""

from . import numpy_loops
from .expressions import Known, Tup
from .matrices import RULES
from .statements import FLOAT, Array, Const, Scalar


class Linear:
    """The part of `Lower` that writes operations on whole arrays."""

    def whole(self, rule, args, kind, extents=()):
        """Write an operation on whole arrays."""
        out = self.emit("array", args, kind, RULES[rule], "t")
        if isinstance(kind, Array):
            self.roots[out.name], self.extents[out.name] = out.name, tuple(extents)
        return out

    def packed(self, v, ndim, name):
        """Return an array of floats and of the right number of axes, whose elements lie in order in memory."""
        v = self.array_of(self.an_array(v))
        if not (v.type.ndim in ndim if isinstance(ndim, tuple) else v.type.ndim == ndim):
            raise self.refuse(f"{name} of an array of {v.type.ndim} axes is not supported")
        if not v.type.real:
            raise self.refuse(f"{name} of an array of {v.type.dtype} is not supported", "an array of floats")
        return self.do_copy(v) if v.type.layout == "A" else v

    def pair(self, a, b, name, first, second=(1, 2)):
        a, b = self.packed(a, first, name), self.packed(b, second, name)
        if a.type.dtype != b.type.dtype:
            raise self.refuse(f"{name} of {a.type.dtype} and {b.type.dtype}", "arrays of one dtype, as for Numba")
        return a, b

    def do_dot(self, a, b):
        if not (self.is_array(a) and self.is_array(b)):
            return self.binary("*", a, b)
        return self.matmul(a, b)

    def matmul(self, a, b):
        """Write a product of vectors and matrices: rows times columns."""
        a, b = self.pair(a, b, "a product", (1, 2))
        one, two = self.extents[a.name], self.extents[b.name]
        self.fitting(one[-1], two[0])
        extents = (*one[:-1], *two[1:])
        kind = Array(a.type.dtype, len(extents)) if extents else Scalar(a.type.dtype)
        return self.whole(f"dot{a.type.ndim}{b.type.ndim}", (a, b), kind, extents)

    def do_outer(self, a, b):
        a, b = (self.lazy(self.flat(v)) for v in (a, b))
        at = lambda i, j: self.binary("*", a.at(i), b.at(j))
        kind = at_dtype(self, at)
        return type(a)(kind, (*a.extents, *b.extents), at, a.roots | b.roots)

    def do_solve(self, a, b):
        a, b = self.pair(a, b, "np.linalg.solve", 2)
        self.square_matrix(a)
        self.fitting(self.extents[a.name][0], self.extents[b.name][0])
        kind = Array(a.type.dtype, b.type.ndim, "F" if b.type.ndim > 1 else "C")
        return self.whole(f"solve{b.type.ndim}", (a, b), kind, self.extents[b.name])

    def square_matrix(self, a):
        self.fitting(*self.extents[a.name])

    def do_inv(self, a):
        a = self.packed(a, 2, "np.linalg.inv")
        self.square_matrix(a)
        return self.whole("inv", (a,), Array(a.type.dtype, 2, "F"), self.extents[a.name])

    def do_pinv(self, a):
        a = self.packed(a, 2, "np.linalg.pinv")
        return self.whole("pinv", (a,), Array(a.type.dtype, 2, "A"), self.extents[a.name][::-1])

    def do_det(self, a):
        a = self.packed(a, 2, "np.linalg.det")
        return self.whole("det", (a,), Scalar(a.type.dtype))

    def do_slogdet(self, a):
        a = self.packed(a, 2, "np.linalg.slogdet")
        return Tup([self.whole(rule, (a,), Scalar(a.type.dtype)) for rule in ("sign of det", "logdet")])

    def do_cholesky(self, a):
        a = self.packed(a, 2, "np.linalg.cholesky")
        return self.whole("cholesky", (a,), Array(a.type.dtype, 2, "A"), self.extents[a.name])

    def do_eigh(self, a):
        a = self.packed(a, 2, "np.linalg.eigh")
        n = self.extents[a.name][0]
        return Tup([self.whole("eigenvalues", (a,), Array(a.type.dtype, 1), (n,)),
                    self.whole("eigenvectors", (a,), Array(a.type.dtype, 2, "F"), (n, n))])  # fmt: skip

    def do_eigvalsh(self, a):
        return self.do_eigh(a).items[0]

    def do_lstsq(self, a, b, rcond=None):
        a, b = self.pair(a, b, "np.linalg.lstsq", 2, 1)
        self.fitting(self.extents[a.name][0], self.extents[b.name][0])
        out = self.whole("lstsq", (a, b), Array(a.type.dtype, 1), self.extents[a.name][1:])
        return Tup([out, *[Known(f"{n} of np.linalg.lstsq") for n in ("the residuals", "the rank", "the singular values")]])

    def do_norm(self, v, order=None):
        v = self.an_array(v)
        known = order.object if isinstance(order, Known) else order.value if isinstance(order, Const) else order and "any"
        if len(self.sizes(v)) == 2 and known not in (None, "fro"):
            if known not in (1, float("inf")):
                raise self.refuse(f"np.linalg.norm of a matrix with ord={known} is not supported", "ord None, 1 or np.inf")
            v = self.array_of(v)
            return self.called(numpy_loops.norm_of_rows, [self.attribute(v, "T") if known == 1 else v], {})
        loops = {None: "norm", "fro": "norm", 2: "norm", 1: "norm_1", float("inf"): "norm_max", -float("inf"): "norm_min"}
        if known in loops:
            return self.called(getattr(numpy_loops, loops[known]), [self.flat(v)], {})
        return self.called(numpy_loops.norm_power, [v, self.cast(order, FLOAT)], {})

    def do_argsort(self, a):
        a = self.array_of(self.an_array(a))
        if a.type.ndim != 1:
            raise self.refuse("np.argsort of a matrix is not supported", "a loop over its rows")
        a = self.do_copy(a) if a.type.layout == "A" else a
        return self.whole("argsort", (a,), Array("int64", 1), self.extents[a.name])

    def do_searchsorted(self, a, v, side=None):
        right = isinstance(side, Known) and side.object == "right"
        a = self.array_of(self.an_array(a))
        v = self.array_of(v) if self.is_array(v) else v
        kind, extents = (Array("int64", v.type.ndim), self.extents[v.name]) if self.is_array(v) else (Scalar("int64"), ())
        return self.whole("searchsorted right" if right else "searchsorted", (a, v), kind, extents)


def at_dtype(lower, at):
    """Return the dtype of the elements that `at` writes, without writing one."""
    outer = lower.inner()
    kind = at(*[Const(0, Scalar("int64"))] * at.__code__.co_argcount).type
    lower.close(outer)
    return kind.dtype
