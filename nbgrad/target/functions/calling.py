"""What kernels that call a function of the user's are made of: arrays of its own kind, the call, the error that it ended with.

The function is called at its address, so that a kernel is the same for all functions of the same types, and is kept as others are.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

WORD = ir.IntType(64)


@intrinsic
def array(context, pointer, shape, dtype):
    """Make an array, row by row, of what lies at an address; nobody counts who holds it."""
    kind = types.Array(dtype.instance_type, len(shape), "C")

    def emit(context, builder, signature, args):
        made = context.make_array(kind)(context, builder)
        size = context.get_abi_sizeof(context.get_data_type(kind.dtype))
        extents, strides = cgutils.unpack_tuple(builder, args[1]), [WORD(size)]
        for n in extents[:0:-1]:
            strides.insert(0, builder.mul(strides[0], n))
        data = builder.bitcast(args[0], made.data.type)
        populate_array(made, data=data, shape=extents, strides=strides, itemsize=WORD(size), meminfo=None)
        return made._getvalue()

    return kind(pointer, shape, dtype), emit


@intrinsic
def copy(context, to, source, count):
    """Copy `count` elements to an address, from another or of an array that lies in one piece."""

    def emit(context, builder, signature, args):
        size = context.get_abi_sizeof(context.get_data_type(to.dtype))
        whole = isinstance(source, types.Array)
        start = context.make_array(source)(context, builder, args[1]).data if whole else args[1]
        cgutils.raw_memcpy(builder, args[0], start, args[2], size)
        return context.get_dummy_value()

    return types.void(to, source, types.int64), emit


@intrinsic
def invoke(context, address, result, arguments):
    """Call Numba's code at an address; return (status, where the error is described, the result), status 0 for no error."""
    kind, given = result.instance_type, tuple(arguments)
    out = types.Tuple((types.int64, types.int64, kind))

    def emit(context, builder, signature, args):
        function = context.call_conv.get_function_type(kind, given).as_pointer()
        callee, values = builder.inttoptr(args[0], function), cgutils.unpack_tuple(builder, args[2])
        status, value = context.call_conv.call_function(builder, callee, kind, given, values)
        code, info = builder.sext(status.code, WORD), builder.ptrtoint(status.excinfoptr, WORD)
        code = builder.select(status.is_error, code, WORD(0))
        return context.make_tuple(builder, out, (code, info, value))

    return out(types.int64, result, arguments), emit


@intrinsic
def thrown(context, code, info):
    """End the function that stands around this as one that was called ended: with this status, and the error described there."""

    def emit(context, builder, signature, args):
        convention = context.call_conv
        where = builder.function.args[1].type.pointee
        code, info = builder.trunc(args[0], ir.IntType(32)), builder.inttoptr(args[1], where)
        status = convention._get_return_status(builder, code, info)
        with builder.if_then(status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), emit
