"""Every exception of nbgrad, and the one builder of their text: what, where, what to do."""

import os
import sys

import numpy as np

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
NOT_USERS = (PACKAGE, os.path.dirname(os.path.abspath(np.__file__)) + os.sep, "<frozen ")  # `<frozen`: Python's start


class NbgradError(Exception):
    """Base of every error that nbgrad raises on purpose."""


class ShapeError(NbgradError, ValueError):
    """Shapes or axes that do not fit."""


class IndexRangeError(NbgradError, IndexError):
    """An index outside of its axis."""


class DtypeError(NbgradError, TypeError):
    """A dtype that the op has no meaning for."""


class ArgumentError(NbgradError, ValueError):
    """A value or an option outside of what is allowed."""


class GradientError(NbgradError, RuntimeError):
    """A gradient that was asked for and cannot be given."""


class AnomalyError(NbgradError, FloatingPointError):
    """A NaN found by `detect_anomaly`."""


class FileError(NbgradError, OSError):
    """A file that cannot be read, written or trusted."""


class KernelError(NbgradError, RuntimeError):
    """A kernel that cannot be compiled or loaded."""


class DeviceError(NbgradError, RuntimeError):
    """A device that is not there, or arrays on different ones."""


class OutOfMemoryError(NbgradError, MemoryError):
    """A device has no room for an array."""


class MissingPackageError(NbgradError, ImportError):
    """An optional package that is not installed."""


class NbgradCacheWarning(UserWarning):
    """The kernel cache cannot be used as asked; the program goes on without it."""


OFTEN_BETWEEN = ("functools.py", "contextlib.py", os.path.join("numba", "core", "dispatcher.py"))  # between the user's line and nbgrad
_inside: dict = {}  # file name -> whether it is nbgrad's own or NumPy's; asked at every recorded op


def user_frame():
    """Return the innermost frame outside of nbgrad and NumPy, or None."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        inside = _inside.get(name)
        if inside is None:
            inside = _inside[name] = name.startswith(NOT_USERS) or name.endswith(OFTEN_BETWEEN)
        if not inside:
            return frame
        frame = frame.f_back
    return None


def describe(code, line) -> str:
    """Return "train.py:41, in forward" for a code object and a line number."""
    name, folder, file = code.co_name, *os.path.split(code.co_filename)
    place = "" if name.startswith("<module") else f", in {name}"
    cell = os.path.basename(folder).startswith("ipykernel_")
    return f"a notebook cell, line {line}{place}" if cell else f"{file}:{line}{place}"


def user_location() -> str | None:
    """Return where the user's code stands now, or None when there is no such frame."""
    frame = user_frame()
    return None if frame is None else describe(frame.f_code, frame.f_lineno)


def problem(cls, what: str, fix: str | None = None, where: str | None = None, at: str | None = None) -> NbgradError:
    """Build an error of three lines: what is wrong, where the user wrote it, what to do.

    Parameters
    ----------
    cls : type
        One of the exceptions of this file.
    what : str
        Op, argument names, shapes, dtypes.
    fix : str, optional
        What to try; printed after "try: ".
    where : str, optional
        Place of the cause when it is not the present line (a recorded node's place).
    at : str, optional
        Place in a text that is read and not run: a function that is differentiated from its source.

    Examples
    --------
    >>> print(problem(ShapeError, "add(a, b): shapes (2,) and (3,) do not broadcast", "a[:, None]", "f.py:1"))
    add(a, b): shapes (2,) and (3,) do not broadcast
      recorded at f.py:1
      try: a[:, None]
    """
    lines = [what]
    if where is not None:
        lines.append(f"  recorded at {where}")
    else:
        lines.append(f"  at {at or user_location() or 'the command line'}")
    if fix:
        lines.append(f"  try: {fix}")
    return cls("\n".join(lines))


def require(name: str, extra: str):
    """Import an optional package, or say how to install it.

    Parameters
    ----------
    name : str
        Module to import.
    extra : str
        The extra of nbgrad that brings it.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise problem(
            MissingPackageError,
            f"the package {name!r} is needed here and is not installed",
            f'pip install "nbgrad[{extra}]"',
        ) from None
