"""The command line: what each command prints, and how it ends."""

import os
import subprocess
import sys

import pytest

import nbgrad as ng
from nbgrad import coverage, warmup
from nbgrad.__main__ import main, progress_bar
from nbgrad.base.config import config
from nbgrad.docs import table_markdown
from nbgrad.ops.table import table


def run(*args, **more):
    """Run the command line in a process of its own."""
    return subprocess.run([sys.executable, "-W", "error", "-m", "nbgrad", *args], capture_output=True, text=True, timeout=300, **more)


@pytest.fixture
def say(capsys):
    """Return a function that runs a command here and returns (status, lines of output, lines of errors)."""

    def command(*args):
        status = main(args)
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return command


def test_ops_lists_every_row_once(say):
    status, lines, errors = say("ops")
    assert (status, errors) == (0, [])
    names = [line.split("(")[0].strip() for line in lines if line.startswith("  ")]
    assert sorted(names) == sorted(table)
    heads = [line for line in lines if not line.startswith("  ")]
    assert [h.split()[0] for h in heads] == ["elementwise", "reduction", "movement", "primitive"]
    assert sum(int(h.split("(")[1].rstrip(")")) for h in heads) == len(names)


def test_ops_of_one_row_shows_formula_partials_and_kernels(say):
    status, lines, _ = say("ops", "tanh")
    assert status == 0
    assert lines[0] == "tanh(x)    [elementwise]"
    for wanted in ("means       numpy.tanh", "formula     math.tanh(x)", "d/dx        1.0 - out * out", "@kernel",
                   "# forward: map_tanh_float32", "# backward in x: map_tanh_g_x_float32"):  # fmt: skip
        assert wanted in lines
    assert "map_tanh_float64" in "\n".join(say("ops", "tanh", "--dtype", "float64")[1])


@pytest.mark.parametrize("name", ["sum", "permute", "matmul"])
def test_ops_of_the_other_kinds_show_their_declaration(say, name):
    status, lines, _ = say("ops", name)
    assert status == 0
    assert f"[{table[name].kind}]" in lines[0]
    assert any(line.startswith("d/dx ") for line in lines) or name == "matmul"
    assert any(line.startswith(f"def {name}(") for line in lines)


def test_ops_shows_machine_code_when_asked(say):
    plain, asm = say("ops", "add")[1], say("ops", "add", "--asm")[1]
    assert len(asm) > len(plain)
    assert any(line.strip().startswith("ret") for line in set(asm) - set(plain))


def test_an_unknown_op_ends_with_status_1_and_three_lines():
    done = run("ops", "nosuch")
    assert done.returncode == 1
    assert done.stdout == ""
    what, where, fix = done.stderr.splitlines()
    assert what == "ArgumentError: no op named 'nosuch'"
    assert where == "  at the command line"
    assert fix == "  try: python -m nbgrad ops, which lists them"


def test_an_unknown_op_is_answered_with_its_neighbours(say):
    for name, meant in (("sig", "sigmoid"), ("tan_h", "tanh"), ("softplsu", "softplus")):
        status, _, errors = say("ops", name)
        assert status == 1
        assert errors[2].startswith("  try: one of ")
        assert meant in errors[2].split("one of ")[1].split(", ")


def test_an_unknown_dtype_ends_with_status_1_and_three_lines(say):
    for dtype in ("float99", "complex64"):
        status, lines, errors = say("ops", "tanh", "--dtype", dtype)
        assert (status, lines, len(errors)) == (1, [], 3)
        assert errors[0].startswith(f"DtypeError: no kernels for dtype {dtype}")


def test_ops_as_markdown_is_a_table(say):
    status, lines, _ = say("ops", "--markdown")
    assert status == 0
    assert "\n".join(lines) == table_markdown()
    bars = {line.replace("\\|", "").count("|") for line in lines}
    assert bars == {5}
    assert len(lines) == 2 + len(table)


def test_ops_are_told_one_after_the_other(say):
    status, lines, _ = say("ops", "tanh", "exp")
    assert status == 0
    assert [line for line in lines if "[elementwise]" in line] == ["tanh(x)    [elementwise]", "exp(x)    [elementwise]"]


def test_targets_of_rows_are_told(say, monkeypatch):
    asked = lambda targets, names, dtype: [coverage.Answer(t, n) for t in targets for n in names]
    monkeypatch.setattr(coverage, "asked", asked)
    status, lines, _ = say("ops", "tanh", "--targets")
    assert (status, lines[1].split()) == (0, ["tanh", "yes", "yes", "yes", "yes"])
    assert lines[-1] == "device: 1 of 1 rows"
    status, _, errors = say("ops", "tan_h", "--targets")
    assert status == 1
    assert "tanh" in errors[-1]


def test_cache_is_told_and_cleared(say, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "cache", str(tmp_path))
    assert say("cache")[1][0] == f"0 kernels, 0.0 MB, in {tmp_path}"
    (tmp_path / f"k_{'0' * 32}.o").write_bytes(b"123")
    (tmp_path / "mine.txt").write_text("mine")
    assert say("cache")[1][0].startswith("1 kernels, ")
    assert say("cache", "--clear")[:2] == (0, ["1 files removed"])
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


def test_warmup_says_what_it_did(say, monkeypatch):
    done = warmup.Warmed(compiled=3, found=7, bytes=12, seconds=1.25)

    def warm(quick, processes, progress):
        assert (quick, processes) == (True, 3)
        for i in range(3):
            progress(i + 1, 3)
        return done

    monkeypatch.setattr(warmup, "warm", warm)
    status, lines, errors = say("warmup", "--quick", "--processes", "3")
    assert (status, errors) == (0, [])
    assert lines[0].startswith("3 kernels compiled, 7 were there, 1.2 s; ")


def test_progress_without_tqdm_is_a_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with progress_bar("compiling") as progress:
        progress(1, 2)
        progress(2, 2)
    assert capsys.readouterr().err == "\rcompiling 1 of 2\rcompiling 2 of 2\n"


def test_info_is_what_a_bug_report_needs(say):
    status, lines, _ = say("info")
    told = dict(line.split(None, 1) for line in lines)
    assert status == 0
    assert told["nbgrad"] == ng.__version__
    assert told["threads"] == str(ng.get_num_threads())
    assert {"python", "numpy", "numba", "llvmlite", "system", "processor", "cache"} <= set(told)
    found = told["devices"]
    assert found == f"none: {ng.cuda.why_not()}" or (found.startswith("cuda:0 ") and "products in float32" in found)


@pytest.mark.parametrize(
    "args",
    [(), ("nosuch",), ("demo", "--epochs", "0"), ("demo", "--batch", "-1"), ("demo", "--epochs", "many"), ("ops", "tanh", "--nosuch")],
)
def test_a_command_that_does_not_exist_ends_with_status_2_and_the_usage(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: nbgrad")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert all(f"    {word} " in out for word in ("demo", "ops", "warmup", "cache", "info"))


@pytest.mark.skipif(os.name == "nt", reason="a closed pipe is another error there")
def test_a_reader_that_has_seen_enough_gets_no_traceback():
    process = subprocess.Popen([sys.executable, "-m", "nbgrad", "ops"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=120) == 141
    assert error == ""


def test_the_command_line_starts_without_the_compiler():
    code = "import sys, nbgrad.__main__ as m; m.main(['ops', 'tanh']); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, timeout=120).returncode == 0
