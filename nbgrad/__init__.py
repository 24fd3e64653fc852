"""nbgrad: automatic differentiation compiled with Numba.

>>> import nbgrad as ng
>>> float(ng.grad(lambda x: x**2)(4.0))
8.0
"""

from . import cuda as cuda
from . import data as data
from . import io as io
from . import nn as nn
from . import numpy_protocol as _numpy_protocol  # gives tensors the protocols of NumPy
from . import optim as optim
from . import random as random
from . import viz as viz
from . import writing as _writing  # gives tensors their in-place writes
from .anomaly import detect_anomaly as detect_anomaly
from .base.errors import AnomalyError as AnomalyError
from .base.errors import ArgumentError as ArgumentError
from .base.errors import DeviceError as DeviceError
from .base.errors import DtypeError as DtypeError
from .base.errors import FileError as FileError
from .base.errors import GradientError as GradientError
from .base.errors import IndexRangeError as IndexRangeError
from .base.errors import KernelError as KernelError
from .base.errors import MissingPackageError as MissingPackageError
from .base.errors import NbgradCacheWarning as NbgradCacheWarning
from .base.errors import NbgradError as NbgradError
from .base.errors import OutOfMemoryError as OutOfMemoryError
from .base.errors import ShapeError as ShapeError
from .checkpoint import checkpoint as checkpoint
from .compiling.compile import compile as compile
from .compiling.profile import profile as profile
from .control import cond as cond
from .control import fori_loop as fori_loop
from .control import scan as scan
from .control import while_loop as while_loop
from .creation import arange as arange
from .creation import asarray as asarray
from .creation import empty as empty
from .creation import empty_like as empty_like
from .creation import eye as eye
from .creation import from_dlpack as from_dlpack
from .creation import full as full
from .creation import full_like as full_like
from .creation import identity as identity
from .creation import linspace as linspace
from .creation import ones as ones
from .creation import ones_like as ones_like
from .creation import zeros as zeros
from .creation import zeros_like as zeros_like
from .function import custom_vjp as custom_vjp
from .function import op as op
from .gradcheck import gradcheck as gradcheck
from .jacobian import hessian as hessian
from .jacobian import hvp as hvp
from .jacobian import jacobian as jacobian
from .loops import checkpointed as checkpointed
from .loops import kernel as kernel
from .loops import source as source
from .ops.activation import elu as elu
from .ops.activation import gelu as gelu
from .ops.activation import gelu_tanh as gelu_tanh
from .ops.activation import hardsigmoid as hardsigmoid
from .ops.activation import hardswish as hardswish
from .ops.activation import hardtanh as hardtanh
from .ops.activation import leaky_relu as leaky_relu
from .ops.activation import log_sigmoid as log_sigmoid
from .ops.activation import mish as mish
from .ops.activation import relu as relu
from .ops.activation import selu as selu
from .ops.activation import silu as silu
from .ops.activation import softplus as softplus
from .ops.arithmetic import abs as abs
from .ops.arithmetic import absolute as absolute
from .ops.arithmetic import add as add
from .ops.arithmetic import cbrt as cbrt
from .ops.arithmetic import ceil as ceil
from .ops.arithmetic import clip as clip
from .ops.arithmetic import copysign as copysign
from .ops.arithmetic import div as div
from .ops.arithmetic import divide as divide
from .ops.arithmetic import fabs as fabs
from .ops.arithmetic import floor as floor
from .ops.arithmetic import floor_divide as floor_divide
from .ops.arithmetic import fmax as fmax
from .ops.arithmetic import fmin as fmin
from .ops.arithmetic import fmod as fmod
from .ops.arithmetic import hypot as hypot
from .ops.arithmetic import maximum as maximum
from .ops.arithmetic import minimum as minimum
from .ops.arithmetic import mod as mod
from .ops.arithmetic import mul as mul
from .ops.arithmetic import multiply as multiply
from .ops.arithmetic import neg as neg
from .ops.arithmetic import negative as negative
from .ops.arithmetic import positive as positive
from .ops.arithmetic import pow as pow
from .ops.arithmetic import power as power
from .ops.arithmetic import reciprocal as reciprocal
from .ops.arithmetic import remainder as remainder
from .ops.arithmetic import round as round
from .ops.arithmetic import rsqrt as rsqrt
from .ops.arithmetic import sign as sign
from .ops.arithmetic import sqrt as sqrt
from .ops.arithmetic import square as square
from .ops.arithmetic import sub as sub
from .ops.arithmetic import subtract as subtract
from .ops.arithmetic import true_divide as true_divide
from .ops.arithmetic import trunc as trunc
from .ops.arithmetic import where as where
from .ops.compare import bitwise_and as bitwise_and
from .ops.compare import bitwise_invert as bitwise_invert
from .ops.compare import bitwise_left_shift as bitwise_left_shift
from .ops.compare import bitwise_or as bitwise_or
from .ops.compare import bitwise_right_shift as bitwise_right_shift
from .ops.compare import bitwise_xor as bitwise_xor
from .ops.compare import equal as equal
from .ops.compare import greater as greater
from .ops.compare import greater_equal as greater_equal
from .ops.compare import invert as invert
from .ops.compare import isfinite as isfinite
from .ops.compare import isinf as isinf
from .ops.compare import isnan as isnan
from .ops.compare import isneginf as isneginf
from .ops.compare import isposinf as isposinf
from .ops.compare import left_shift as left_shift
from .ops.compare import less as less
from .ops.compare import less_equal as less_equal
from .ops.compare import logical_and as logical_and
from .ops.compare import logical_not as logical_not
from .ops.compare import logical_or as logical_or
from .ops.compare import logical_xor as logical_xor
from .ops.compare import nan_to_num as nan_to_num
from .ops.compare import not_equal as not_equal
from .ops.compare import right_shift as right_shift
from .ops.compare import signbit as signbit
from .ops.composite import cosine_similarity as cosine_similarity
from .ops.composite import embedding as embedding
from .ops.composite import log_softmax as log_softmax
from .ops.composite import logsumexp as logsumexp
from .ops.composite import norm as norm
from .ops.composite import softmax as softmax
from .ops.composite import softmin as softmin
from .ops.composite import std as std
from .ops.composite import var as var
from .ops.einsum import einsum as einsum
from .ops.gather import add_along_axis as add_along_axis
from .ops.gather import one_hot as one_hot
from .ops.gather import scatter as scatter
from .ops.gather import scatter_add as scatter_add
from .ops.gather import searchsorted as searchsorted
from .ops.gather import take as take
from .ops.gather import take_along_axis as take_along_axis
from .ops.indexing import index_put as index_put
from .ops.joining import array_split as array_split
from .ops.joining import concatenate as concatenate
from .ops.joining import hstack as hstack
from .ops.joining import pad as pad
from .ops.joining import repeat as repeat
from .ops.joining import split as split
from .ops.joining import stack as stack
from .ops.joining import tile as tile
from .ops.joining import vstack as vstack
from .ops.loss import binary_cross_entropy as binary_cross_entropy
from .ops.loss import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .ops.loss import cross_entropy as cross_entropy
from .ops.loss import huber_loss as huber_loss
from .ops.loss import kl_div as kl_div
from .ops.loss import l1_loss as l1_loss
from .ops.loss import mse_loss as mse_loss
from .ops.loss import nll_loss as nll_loss
from .ops.loss import smooth_l1_loss as smooth_l1_loss
from .ops.matmul import dot as dot
from .ops.matmul import inner as inner
from .ops.matmul import kron as kron
from .ops.matmul import linear as linear
from .ops.matmul import matmul as matmul
from .ops.matmul import outer as outer
from .ops.matmul import tensordot as tensordot
from .ops.matmul import vdot as vdot
from .ops.movement import atleast_1d as atleast_1d
from .ops.movement import atleast_2d as atleast_2d
from .ops.movement import broadcast_to as broadcast_to
from .ops.movement import diag as diag
from .ops.movement import diagonal as diagonal
from .ops.movement import expand_dims as expand_dims
from .ops.movement import flatten as flatten
from .ops.movement import flip as flip
from .ops.movement import fliplr as fliplr
from .ops.movement import flipud as flipud
from .ops.movement import meshgrid as meshgrid
from .ops.movement import moveaxis as moveaxis
from .ops.movement import permute as permute
from .ops.movement import ravel as ravel
from .ops.movement import reshape as reshape
from .ops.movement import roll as roll
from .ops.movement import squeeze as squeeze
from .ops.movement import swapaxes as swapaxes
from .ops.movement import trace as trace
from .ops.movement import transpose as transpose
from .ops.movement import tril as tril
from .ops.movement import triu as triu
from .ops.normalization import batch_norm as batch_norm
from .ops.normalization import group_norm as group_norm
from .ops.normalization import layer_norm as layer_norm
from .ops.normalization import rms_norm as rms_norm
from .ops.pooling import avg_pool as avg_pool
from .ops.pooling import avg_pool1d as avg_pool1d
from .ops.pooling import avg_pool2d as avg_pool2d
from .ops.pooling import avg_pool3d as avg_pool3d
from .ops.pooling import max_pool as max_pool
from .ops.pooling import max_pool1d as max_pool1d
from .ops.pooling import max_pool2d as max_pool2d
from .ops.pooling import max_pool3d as max_pool3d
from .ops.pooling import pool_max as pool_max
from .ops.pooling import pool_pick as pool_pick
from .ops.pooling import pool_unpick as pool_unpick
from .ops.reduce import all as all
from .ops.reduce import any as any
from .ops.reduce import argmax as argmax
from .ops.reduce import argmin as argmin
from .ops.reduce import count_nonzero as count_nonzero
from .ops.reduce import max as max
from .ops.reduce import mean as mean
from .ops.reduce import min as min
from .ops.reduce import prod as prod
from .ops.reduce import ptp as ptp
from .ops.reduce import sum as sum
from .ops.scan import cummax as cummax
from .ops.scan import cummin as cummin
from .ops.scan import cumprod as cumprod
from .ops.scan import cumsum as cumsum
from .ops.scan import linear_recurrence as linear_recurrence
from .ops.segment import bincount as bincount
from .ops.segment import segment_max as segment_max
from .ops.segment import segment_mean as segment_mean
from .ops.segment import segment_min as segment_min
from .ops.segment import segment_sum as segment_sum
from .ops.sort import argsort as argsort
from .ops.sort import median as median
from .ops.sort import percentile as percentile
from .ops.sort import quantile as quantile
from .ops.sort import sort as sort
from .ops.sort import topk as topk
from .ops.transcendental import acos as acos
from .ops.transcendental import acosh as acosh
from .ops.transcendental import arccos as arccos
from .ops.transcendental import arccosh as arccosh
from .ops.transcendental import arcsin as arcsin
from .ops.transcendental import arcsinh as arcsinh
from .ops.transcendental import arctan as arctan
from .ops.transcendental import arctan2 as arctan2
from .ops.transcendental import arctanh as arctanh
from .ops.transcendental import asin as asin
from .ops.transcendental import asinh as asinh
from .ops.transcendental import atan as atan
from .ops.transcendental import atan2 as atan2
from .ops.transcendental import atanh as atanh
from .ops.transcendental import cos as cos
from .ops.transcendental import cosh as cosh
from .ops.transcendental import deg2rad as deg2rad
from .ops.transcendental import degrees as degrees
from .ops.transcendental import digamma as digamma
from .ops.transcendental import erf as erf
from .ops.transcendental import erfc as erfc
from .ops.transcendental import erfinv as erfinv
from .ops.transcendental import exp as exp
from .ops.transcendental import exp2 as exp2
from .ops.transcendental import expit as expit
from .ops.transcendental import expm1 as expm1
from .ops.transcendental import lgamma as lgamma
from .ops.transcendental import log as log
from .ops.transcendental import log1p as log1p
from .ops.transcendental import log2 as log2
from .ops.transcendental import log10 as log10
from .ops.transcendental import logaddexp as logaddexp
from .ops.transcendental import polygamma as polygamma
from .ops.transcendental import rad2deg as rad2deg
from .ops.transcendental import radians as radians
from .ops.transcendental import sigmoid as sigmoid
from .ops.transcendental import sin as sin
from .ops.transcendental import sinc as sinc
from .ops.transcendental import sinh as sinh
from .ops.transcendental import tan as tan
from .ops.transcendental import tanh as tanh
from .ops.transcendental import trigamma as trigamma
from .ops.transcendental import xlogy as xlogy
from .ops.window import conv as conv
from .ops.window import conv1d as conv1d
from .ops.window import conv2d as conv2d
from .ops.window import conv3d as conv3d
from .ops.window import conv_biased as conv_biased
from .ops.window import conv_input_grad as conv_input_grad
from .ops.window import conv_transpose as conv_transpose
from .ops.window import conv_transpose1d as conv_transpose1d
from .ops.window import conv_transpose2d as conv_transpose2d
from .ops.window import conv_transpose3d as conv_transpose3d
from .ops.window import conv_weight_grad as conv_weight_grad
from .ops.window import convolve as convolve
from .record import Tape as Tape
from .record import show as show
from .sparsity import sparse_jacobian as sparse_jacobian
from .sparsity import sparsity as sparsity
from .tape.tape import enable_grad as enable_grad
from .tape.tape import no_grad as no_grad
from .target.cpu.threads import get_num_threads as get_num_threads
from .target.cpu.threads import set_num_threads as set_num_threads
from .tensor import Tensor as Tensor
from .tensor import tensor as tensor
from .transform import grad as grad
from .transform import jvp as jvp
from .transform import stop_gradient as stop_gradient
from .transform import value_and_grad as value_and_grad
from .transform import vjp as vjp

__version__ = "0.5.0"

__all__ = [
    "AnomalyError",
    "ArgumentError",
    "DeviceError",
    "DtypeError",
    "FileError",
    "GradientError",
    "IndexRangeError",
    "KernelError",
    "MissingPackageError",
    "NbgradCacheWarning",
    "NbgradError",
    "OutOfMemoryError",
    "ShapeError",
    "Tape",
    "Tensor",
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "add_along_axis",
    "all",
    "any",
    "arange",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "argsort",
    "array_split",
    "asarray",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "atleast_1d",
    "atleast_2d",
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "bincount",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "broadcast_to",
    "cbrt",
    "ceil",
    "checkpoint",
    "checkpointed",
    "clip",
    "compile",
    "concatenate",
    "cond",
    "conv",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_biased",
    "conv_input_grad",
    "conv_transpose",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "conv_weight_grad",
    "convolve",
    "copysign",
    "cos",
    "cosh",
    "cosine_similarity",
    "count_nonzero",
    "cross_entropy",
    "cuda",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "custom_vjp",
    "data",
    "deg2rad",
    "degrees",
    "detect_anomaly",
    "diag",
    "diagonal",
    "digamma",
    "div",
    "divide",
    "dot",
    "einsum",
    "elu",
    "embedding",
    "empty",
    "empty_like",
    "enable_grad",
    "equal",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expand_dims",
    "expit",
    "expm1",
    "eye",
    "fabs",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "fori_loop",
    "from_dlpack",
    "full",
    "full_like",
    "gelu",
    "gelu_tanh",
    "get_num_threads",
    "grad",
    "gradcheck",
    "greater",
    "greater_equal",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hessian",
    "hstack",
    "huber_loss",
    "hvp",
    "hypot",
    "identity",
    "index_put",
    "inner",
    "invert",
    "io",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "jacobian",
    "jvp",
    "kernel",
    "kl_div",
    "kron",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "left_shift",
    "less",
    "less_equal",
    "lgamma",
    "linear",
    "linear_recurrence",
    "linspace",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logsumexp",
    "matmul",
    "max",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "maximum",
    "mean",
    "median",
    "meshgrid",
    "min",
    "minimum",
    "mish",
    "mod",
    "moveaxis",
    "mse_loss",
    "mul",
    "multiply",
    "nan_to_num",
    "neg",
    "negative",
    "nll_loss",
    "nn",
    "no_grad",
    "norm",
    "not_equal",
    "one_hot",
    "ones",
    "ones_like",
    "op",
    "optim",
    "outer",
    "pad",
    "percentile",
    "permute",
    "polygamma",
    "pool_max",
    "pool_pick",
    "pool_unpick",
    "positive",
    "pow",
    "power",
    "prod",
    "profile",
    "ptp",
    "quantile",
    "rad2deg",
    "radians",
    "random",
    "ravel",
    "reciprocal",
    "relu",
    "remainder",
    "repeat",
    "reshape",
    "right_shift",
    "rms_norm",
    "roll",
    "round",
    "rsqrt",
    "scan",
    "scatter",
    "scatter_add",
    "searchsorted",
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_sum",
    "selu",
    "set_num_threads",
    "show",
    "sigmoid",
    "sign",
    "signbit",
    "silu",
    "sin",
    "sinc",
    "sinh",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "sort",
    "source",
    "sparse_jacobian",
    "sparsity",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "stop_gradient",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "tensor",
    "tensordot",
    "tile",
    "topk",
    "trace",
    "transpose",
    "trigamma",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "value_and_grad",
    "var",
    "vdot",
    "viz",
    "vjp",
    "vstack",
    "where",
    "while_loop",
    "xlogy",
    "zeros",
    "zeros_like",
]
