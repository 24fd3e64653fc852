"""CSV files give the numbers that are in them, and the line and column of what is no number."""

import csv
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nbgrad.base.errors import ArgumentError, FileError
from nbgrad.data import read_csv

fuzz = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def table(tmp_path):
    """Return a function that writes a text and reads it."""

    def read(text, **options):
        path = tmp_path / "t.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_csv(path, **options)

    return read


@fuzz
@given(hnp.arrays("float64", st.tuples(st.integers(1, 6), st.integers(1, 6))), st.booleans(), st.sampled_from(",;|\t"))
def test_round_trip(tmp_path, a, names, delimiter):
    with open(tmp_path / "a.csv", "w", newline="") as f:
        rows = csv.writer(f, delimiter=delimiter)
        if names:
            rows.writerow([f"c{i}" for i in range(a.shape[1])])
        rows.writerows(a.tolist())
    got = read_csv(tmp_path / "a.csv", delimiter=delimiter, header=names)
    np.testing.assert_array_equal(got.data, a)
    assert got.names == (tuple(f"c{i}" for i in range(a.shape[1])) if names else ())
    assert got.labels is None


def test_agrees_with_loadtxt(table, tmp_path):
    text = "1.5,-2e3,0x\n".replace("0x", "7") * 3 + " 4 ,+5,.5\n"
    np.testing.assert_array_equal(table(text).data, np.loadtxt(tmp_path / "t.csv", delimiter=","))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1,2\n", ("a", "b")),
        ("1,2\n3,4\n", ()),
        ("5.1,setosa\n6,virginica\n", ()),
        ('"a,""b""", b \n1,2\n', ('a,"b"', "b")),
        ("\ufeffa,b\r\n1,2\r\n", ("a", "b")),
    ],
)
def test_header_is_recognised(table, text, names):
    assert table(text, label=-1).names == names[:-1]


def test_header_can_be_stated(table):
    assert table("1990,1991\n1,2\n", header=True).names == ("1990", "1991")
    assert table(",\n1,2\n", header=False).data.shape == (2, 2)


def test_missing_values_are_nan(table):
    got = table("1,,NA\nnan,?,2\n\nNull, n/a ,None\n").data
    np.testing.assert_array_equal(got, [[1, np.nan, np.nan], [np.nan, np.nan, 2], [np.nan] * 3])


def test_text_labels(table):
    got = table("x,kind\n1,b\n2, a \n3,b\n", label="kind")
    assert got.labels.tolist() == [1, 0, 1]
    assert got.labels.dtype == np.int64
    assert (got.classes, got.names) == (("a", "b"), ("x",))
    assert got.data.tolist() == [[1], [2], [3]]


def test_number_labels(table):
    whole, real = table("1,7\n0,8\n", label=0), table("1,7\n0.5,8\n", label=-2)
    assert (whole.labels.tolist(), whole.labels.dtype) == ([1, 0], np.int64)
    assert (real.labels.tolist(), real.labels.dtype) == ([1, 0.5], np.float64)
    assert table("1,inf\n2,3\n", label=1).labels.dtype == np.float64
    assert whole.data.tolist() == [[7], [8]]


def test_only_labels(table):
    got = table("kind\na\nb\n", label="kind")
    assert got.data.shape == (2, 0)
    assert got.labels.tolist() == [0, 1]


def test_header_alone(table):
    got = table("a,b\n", label="b")
    assert got.data.shape == (0, 1)
    assert got.labels.shape == (0,)


def test_data_can_be_written_to(table):
    table("1,2\n").data[0, 0] = 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("1,2\n3\n", "line 2 has 1 fields, the first has 2"),
        ("a,b\n1,2\n\n3,4,5\n", "line 4 has 3 fields"),
        ("1,2\n3,x\n", "line 2, field 1: 'x' is not a number"),
        ("1,2\n1_000,4\n", "line 2, field 0: '1_000' is not a number"),
        ('1,2\n"3,4\n', "unexpected end of data"),
        ("1,2\n" + "9" * 200_000 + ",1\n", "field larger than field limit"),
        (b"1,2\n\xff\xfe,3\n", "codec can't decode"),
        (b"1,2\n\0,3\n", "line"),
    ],
)
def test_bad_files(table, text, said):
    with pytest.raises(FileError, match=said) as e:
        table(text)
    assert len(str(e.value).splitlines()) == 3


def test_place_counts_the_label_column(table):
    with pytest.raises(FileError, match="line 1, field 2: 'x'"):
        table("1,a,x\n", label=1)


@pytest.mark.parametrize("label", ["c", "a", 3, -4])
def test_label_must_mean_one_column(table, label):
    with pytest.raises(ArgumentError, match="the names are a, a, b"):
        table("a,a,b\n1,2,3\n", label=label)
    with pytest.raises(ArgumentError, match="3 columns and no header"):
        table("1,2,3\n", label="a" if isinstance(label, str) else label)


def test_not_a_file(tmp_path):
    for path in (tmp_path / "absent", tmp_path, os.devnull):
        with pytest.raises(FileError, match=r"No such file|not a regular file"):
            read_csv(path)


@fuzz
@given(st.binary(max_size=60) | st.text(alphabet='1,;"\n\r. ex-', max_size=60).map(str.encode))
def test_any_bytes_give_numbers_or_a_file_error(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    try:
        got = read_csv(tmp_path / "a.csv")
    except FileError:
        return
    assert got.data.dtype == np.float64
