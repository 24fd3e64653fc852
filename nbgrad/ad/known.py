"""What functions of Python, NumPy and Numba mean: methods of `Lower` that write them, or loops that stand for them."""

import builtins
import math

import numpy as np

from . import numpy_loops as loops

HANDLERS = {
    builtins.len: "do_len", builtins.abs: "do_abs", builtins.min: "do_min", builtins.max: "do_max", builtins.float: "do_float",
    builtins.int: "do_int", builtins.bool: "do_bool", builtins.round: "do_round", np.float32: "do_float32", np.float64: "do_float64",
    np.int64: "do_int", math.floor: "do_floor", math.ceil: "do_ceil", math.trunc: "do_int",
    np.zeros: "do_zeros", np.empty: "do_empty", np.ones: "do_ones", np.full: "do_full",
    np.zeros_like: "do_zeros_like", np.empty_like: "do_empty_like", np.ones_like: "do_ones_like", np.full_like: "do_full_like",
    np.copy: "do_copy", np.array: "do_array", np.asarray: "do_asarray", np.ascontiguousarray: "do_asarray", np.arange: "do_arange",
    np.linspace: "do_linspace", np.eye: "do_eye", np.identity: "do_eye",
    np.sum: "do_sum", np.prod: "do_prod", np.max: "do_amax", np.min: "do_amin", np.amax: "do_amax", np.amin: "do_amin",
    np.mean: "do_mean", np.var: "do_var", np.std: "do_std", np.average: "do_average",
    np.where: "do_where", np.clip: "do_clip", np.around: "do_around", np.round: "do_around",
    np.outer: "do_outer", np.dot: "do_dot", np.vdot: "do_vdot", np.argsort: "do_argsort", np.searchsorted: "do_searchsorted",
    np.linalg.solve: "do_solve", np.linalg.inv: "do_inv", np.linalg.pinv: "do_pinv", np.linalg.det: "do_det",
    np.linalg.slogdet: "do_slogdet", np.linalg.cholesky: "do_cholesky", np.linalg.eigh: "do_eigh", np.linalg.eigvalsh: "do_eigvalsh",
    np.linalg.lstsq: "do_lstsq", np.linalg.norm: "do_norm",
    np.concatenate: "do_concatenate", np.stack: "do_stack", np.hstack: "do_hstack", np.vstack: "do_vstack",
    np.column_stack: "do_column_stack", np.append: "do_append", np.flip: "do_flip", np.flipud: "do_flipud", np.fliplr: "do_fliplr",
    np.transpose: "do_transpose", np.swapaxes: "do_swapaxes", np.expand_dims: "do_expand_dims", np.ravel: "do_ravel",
    np.reshape: "do_reshape", np.interp: "do_interp", np.quantile: "do_quantile", np.percentile: "do_percentile",
    np.diff: "do_diff", np.shape: "do_shape", np.size: "do_size",
}  # fmt: skip

# loops over an array as one axis
FLAT = {np.cumsum: loops.cumsum, np.cumprod: loops.cumprod, np.nansum: loops.nansum, np.nanmean: loops.nanmean, np.nanvar: loops.nanvar,
        np.nanstd: loops.nanstd, np.nanprod: loops.nanprod, np.nanmax: loops.nanmax, np.nanmin: loops.nanmin, np.argmax: loops.argmax,
        np.argmin: loops.argmin, np.any: loops.any_of, np.all: loops.all_of, np.count_nonzero: loops.count_nonzero, np.ptp: loops.ptp,
        np.median: loops.median, np.repeat: loops.repeat}  # fmt: skip

# loops by the number of axes of the first argument
LOOPS = {np.sort: {1: loops.sort}, np.convolve: {1: loops.convolve}, np.correlate: {1: loops.correlate}, np.roll: {1: loops.roll},
         np.kron: {1: loops.kron_vectors, 2: loops.kron}, np.diag: {1: loops.diag_of_vector, 2: loops.diag_of_matrix},
         np.trace: {2: loops.trace}, np.tril: {2: loops.tril}, np.triu: {2: loops.triu}, np.cross: {1: loops.cross},
         np.take: {1: loops.take}, np.fill_diagonal: {2: loops.fill_diagonal}}  # fmt: skip
if hasattr(np, "trapezoid"):
    HANDLERS[np.trapezoid] = "do_trapezoid"

METHODS = {
    "sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "mean": np.mean, "var": np.var, "std": np.std, "copy": np.copy,
    "cumsum": np.cumsum, "cumprod": np.cumprod, "dot": np.dot, "any": np.any, "all": np.all, "argmax": np.argmax, "argmin": np.argmin,
    "argsort": np.argsort, "ptp": np.ptp, "clip": np.clip, "repeat": np.repeat, "transpose": np.transpose, "round": np.round,
    "take": np.take, "trace": np.trace,
}  # fmt: skip
