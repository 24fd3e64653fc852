"""Tables of numbers: CSV files with headers, missing values and a column of labels."""

import csv
import math
import os
from array import array
from itertools import chain
from typing import NamedTuple

import numpy as np

from ..base.errors import ArgumentError, problem
from ..base.files import open_regular, reading

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})


class Table(NamedTuple):
    """What `read_csv` found.

    Attributes
    ----------
    data : ndarray of float64, shape (rows, columns)
        NaN where a value is missing.
    labels : ndarray of shape (rows,), or None
        int64 for whole numbers and for texts (then an index into `classes`), else float64.
    names : tuple of str
        Names of the columns of `data`; empty when the file has no header.
    classes : tuple of str
        The sorted texts of the label column; empty when its labels are numbers.
    """

    data: np.ndarray
    labels: object = None
    names: tuple = ()
    classes: tuple = ()


def read_csv(path, label=None, delimiter=",", header=None):
    """Read a table of numbers from a CSV file.

    Parameters
    ----------
    path : path-like
        UTF-8 text; fields may be quoted. Empty lines are skipped. Empty fields, NA, N/A, NaN, null, None and ? are
        missing values.
    label : str or int, optional
        Name or position (negative from the end) of a column to keep apart, of numbers or texts.
    delimiter : str of length 1
    header : bool, optional
        Whether the first line holds names; by default it does when none of its fields is a number.

    Returns
    -------
    Table

    Raises
    ------
    FileError
        With the line and column of the first field that is no number, or the first line of another length.
    ArgumentError
        When there is no column `label`, or several.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "iris.csv")
    ...     with open(path, "w") as f:
    ...         _ = f.write("length,width,kind\\n5.1,3.5,setosa\\n6.2,,virginica\\n")
    ...     table = read_csv(path, label="kind")
    >>> table.data, table.labels, table.names, table.classes
    (array([[5.1, 3.5],
           [6.2, nan]]), array([0, 1]), ('length', 'width'), ('setosa', 'virginica'))
    """
    with reading(f"read_csv({os.fspath(path)!r})", "UTF-8 text with the same number of fields in every line") as file:
        f, _ = open_regular(path)
        with open(f.fileno(), encoding="utf-8-sig", newline="", closefd=False) as text, f:
            return csv_table(csv.reader(text, delimiter=delimiter, strict=True), label, header, file)


def csv_table(rows, label, header, file):
    """Return the Table in the lines of a csv.reader."""
    lines = ((rows.line_num, row) for row in rows if row)
    first = next(lines, None)
    if first is None:
        raise file.error("the file is empty")
    width = len(first[1])
    has_names = header if header is not None else not any(map(is_number, first[1]))
    names = tuple(n.strip() for n in first[1]) if has_names else ()
    column = label_column(label, width, names)
    numbers, labels, count = csv_columns(lines if has_names else chain([first], lines), width, column, file)
    data = np.array(numbers).reshape(count, width - (column is not None))
    if column is None:
        return Table(data, names=names)
    return Table(data, *csv_labels(labels, names[:column] + names[column + 1 :]))


def csv_columns(lines, width, column, file):
    """Return (all numbers in one array, texts of the label column, number of lines)."""
    numbers, labels, count = array("d"), [], 0
    for line, row in lines:
        if len(row) != width:
            raise file.error(f"line {line} has {len(row)} fields, the first has {width}")
        if column is not None:
            labels.append(row.pop(column).strip())
        count += 1
        try:
            numbers.extend(map(number, row))
        except ValueError:
            bad = next(i for i, field in enumerate(row) if not (is_number(field) or is_missing(field)))
            place = bad + (column is not None and bad >= column)
            raise file.error(f"line {line}, field {place}: {row[bad][:40]!r} is not a number") from None
    return numbers, labels, count


def label_column(label, width, names):
    """Return the position of the label column, or None."""
    if label is None:
        return None
    if isinstance(label, str):
        found = [i for i, n in enumerate(names) if n == label]
    else:
        found = [label % width] if -width <= label < width else []
    if len(found) != 1:
        told = f"the names are {', '.join(names[:8])}" if names else f"there are {width} columns and no header"
        what = f"read_csv: label={label!r} means {len(found) or 'no'} columns; {told}"
        raise problem(ArgumentError, what, "label=-1 for the last column")
    return found[0]


def csv_labels(texts, names):
    """Return (labels, names, classes): numbers where every text is a number, else an index into the sorted texts."""
    if not all(map(is_number, texts)):
        classes, codes = np.unique(texts, return_inverse=True)
        return codes.astype(np.int64), names, tuple(classes.tolist())
    labels = np.array([float(t) for t in texts])
    whole = np.all(np.abs(labels) < 2**53) and np.all(labels == np.rint(labels))
    return (labels.astype(np.int64) if whole else labels), names, ()


def number(field):
    """Return the value of a field, NaN when it is missing; ValueError when it is no number."""
    try:
        if "_" in field:
            raise ValueError(field)
        return float(field)
    except ValueError:
        if is_missing(field):
            return math.nan
        raise


def is_missing(field):
    """Say whether a field stands for a missing value."""
    return field.strip().lower() in MISSING


def is_number(field):
    """Say whether a field is a number, and not a missing value."""
    if is_missing(field):
        return False
    try:
        number(field)
    except ValueError:
        return False
    return True
