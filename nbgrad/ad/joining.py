"""Arrays put together, turned and reordered."""

from ..ops.table import table
from . import typing
from .expressions import Known, Tup, constant
from .statements import INT, Array, Const

REVERSED = (None, None, Const(-1, INT))
WHOLE = (None, None, None)


class Joining:
    """The part of `Lower` that writes new arrays made of the parts of others, and views in another order."""

    # several arrays in one

    def parts(self, v):
        """Return the arrays of a tuple."""
        if not isinstance(v, Tup):
            raise self.refuse("a tuple of arrays is expected here", "np.concatenate((a, b))")
        return [self.array_of(self.an_array(x)) for x in v.items]

    def axis(self, axis, count):
        if not isinstance(axis, Const):
            raise self.refuse("axis is no constant", "a number: axis=0")
        if not -count <= axis.value < count:
            raise self.refuse(f"axis {axis.value} of an array of {count} axes")
        return axis.value % count

    def do_concatenate(self, arrays, axis=None):
        arrays = self.parts(arrays)
        count = arrays[0].type.ndim
        axis = self.axis(axis or constant(0), count)
        dtype = arrays[0].type.dtype
        for a in arrays[1:]:
            if a.type.ndim != count:
                raise self.refuse("the arrays have different numbers of axes")
            dtype = dtype if a.type.dtype == dtype else typing.common(dtype, a.type.dtype)
            for k in range(count):
                if k != axis:
                    self.fitting(self.extents[arrays[0].name][k], self.extents[a.name][k])
        starts = [constant(0)]
        for a in arrays:
            starts.append(self.binary("+", starts[-1], self.extents[a.name][axis]))
        extents = list(self.extents[arrays[0].name])
        extents[axis] = starts[-1]
        out = self.new(tuple(extents), dtype)
        for a, start in zip(arrays, starts):
            def one(*index, a=a, start=start):
                place = [self.binary("+", start, i) if k == axis else i for k, i in enumerate(index)]
                self.write(out, tuple(place), "=", self.load(a, index))

            self.looped(self.extents[a.name], one)
        return out

    def do_stack(self, arrays, axis=None):
        arrays = self.parts(arrays)
        axis = self.axis(axis or constant(0), arrays[0].type.ndim + 1)
        return self.do_concatenate(Tup([self.widened(a, axis) for a in arrays]), constant(axis))

    def widened(self, a, axis):
        """Return a view of an array with one more axis."""
        return self.view(a, [*[WHOLE] * axis, Known(None)])

    def do_hstack(self, arrays):
        arrays = self.parts(arrays)
        return self.do_concatenate(Tup(arrays), constant(0 if arrays[0].type.ndim == 1 else 1))

    def do_vstack(self, arrays):
        arrays = [self.widened(a, 0) if a.type.ndim == 1 else a for a in self.parts(arrays)]
        return self.do_concatenate(Tup(arrays), constant(0))

    def do_column_stack(self, arrays):
        arrays = [self.widened(a, 1) if a.type.ndim == 1 else a for a in self.parts(arrays)]
        return self.do_concatenate(Tup(arrays), constant(1))

    def do_append(self, a, values, axis=None):
        if axis is not None:
            return self.do_concatenate(Tup([a, values]), axis)
        a = self.flat(a)
        if not self.is_array(values):
            values = self.do_array(Tup([values]))
        return self.do_concatenate(Tup([a, self.flat(values)]))

    # one array in another order

    def do_flip(self, v):
        v = self.array_of(v)
        return self.view(v, [REVERSED] * v.type.ndim)

    def do_flipud(self, v):
        return self.view(self.array_of(v), [REVERSED])

    def do_fliplr(self, v):
        return self.view(self.array_of(v), [WHOLE, REVERSED])

    def do_transpose(self, v, axes=None):
        v = self.array_of(v)
        if axes is None or (isinstance(axes, Known) and axes.object is None):
            return self.attribute(v, "T")
        order = [a.value % v.type.ndim for a in axes.items]
        return self.as_view(v, (v,), f"{{0}}.transpose(({', '.join(map(str, order))}))", Array(v.type.dtype, v.type.ndim, "A"))

    def do_swapaxes(self, v, one, two):
        v = self.array_of(v)
        order = list(range(v.type.ndim))
        i, j = (self.axis(k, v.type.ndim) for k in (one, two))
        order[i], order[j] = order[j], order[i]
        return self.do_transpose(v, Tup([constant(k) for k in order]))

    def do_expand_dims(self, v, axis):
        v = self.array_of(v)
        return self.widened(v, self.axis(axis, v.type.ndim + 1))

    def do_ravel(self, v):
        return self.reshaped(v, "ravel", [])

    def do_reshape(self, v, shape):
        return self.reshaped(v, "reshape", [shape])

    def flat(self, v):
        """Return an array as one axis: itself where it has but one."""
        v = self.an_array(v)
        return v if len(self.sizes(v)) == 1 else self.reshaped(v, "ravel", [])

    def an_array(self, v):
        """Return an array; a tuple of numbers is one where NumPy takes it for one."""
        if isinstance(v, Tup):
            return self.do_array(v)
        if not self.is_array(v):
            raise self.refuse("an array is expected here")
        return v

    # elements chosen

    def do_where(self, test, a=None, b=None):
        if a is None or b is None:
            raise self.refuse("np.where of one argument is not supported", "a for loop with an if")

        def one(t, x, y):
            return self.chosen(self.truth(t), ([], x), ([], y))

        if not any(self.is_array(v) for v in (test, a, b)):
            return one(test, a, b)
        return self.mapped(one, [test, a, b])

    def do_clip(self, v, low=None, high=None):
        for row, bound in (("maximum", low), ("minimum", high)):
            if bound is not None and not isinstance(bound, Known):
                v = self._extreme(row, [v, bound])
        return v

    def do_around(self, v, decimals=None):
        tens = constant(10.0 ** (0 if decimals is None else decimals.value))
        return self.binary("/", self.apply(table["rint"], [self.binary("*", v, tens)]), tens)
