"""The README is run: every python block, in order, in one namespace, and what it says it prints is what it prints.

`print(...)  # text` prints that text; anything else that a block prints stands in the `text` block after it. A block whose
first line is a comment like `# train.py` is a file of that name, so that messages tell its lines.
"""

import ast
import contextlib
import io
import re
import tokenize
from pathlib import Path
from typing import NamedTuple

import pytest

import nbgrad as ng
from nbgrad.__main__ import main
from nbgrad.base import config
from nbgrad.docs import table_markdown

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BEGIN, END = "<!-- op table: begin -->\n", "\n<!-- op table: end -->"
ABSOLUTE = re.compile(r"(?<![\w.~:/<-])/(?:[\w.-]+/)+[\w.-]+|\b[A-Z]:\\\w")
EXAMPLE = "# example.py\nx = 1\nprint(x)  # 1\nprint(x + 1)  # 3\nfor i in range(2):\n    print(i)  # not looked at\n"


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line of the README that it begins in."""

    language: str
    text: str
    line: int

    @property
    def file(self):
        """Name of the file it stands for."""
        named = re.match(r"# (\w+\.py)\n", self.text)
        return named[1] if named else f"readme_line_{self.line}.py"


def blocks(text):
    """Return the fenced blocks of a Markdown text."""
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(m[1], m[2], text.count("\n", 0, m.start()) + 2) for m in found]


def promised(block):
    """Return line -> comment at its end."""
    words = tokenize.generate_tokens(io.StringIO(block.text).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in words if t.type == tokenize.COMMENT}


def is_print(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "print"


def run(block, scope, folder):
    """Run a block; return (wrong promises, what else it printed)."""
    path = folder / block.file
    path.write_text(block.text, encoding="utf-8")
    comments, wrong, rest = promised(block), [], ""
    for node in ast.parse(block.text).body:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(ast.Module([node], []), str(path), "exec"), scope)
        expected = comments.get(node.end_lineno) if is_print(node) else None
        if expected is None:
            rest += out.getvalue()
        elif out.getvalue().rstrip("\n") != expected:
            wrong.append(
                f"README.md:{block.line + node.end_lineno - 1} says {expected!r} and prints {out.getvalue()!r}"
            )
    return wrong, rest.rstrip("\n")


@pytest.fixture
def threads():
    """Give the number of threads back after the test."""
    before = ng.get_num_threads()
    yield
    ng.set_num_threads(before)


@pytest.mark.usefixtures("seeded", "threads")
def test_every_block_does_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scope = {"__name__": "__main__"}
    found = blocks(README)
    for block, after in zip(found, [*found[1:], Block("", "", 0)]):
        if block.language == "python":
            wrong, printed = run(block, scope, tmp_path)
            assert not wrong, "\n".join(wrong)
            assert printed == (after.text.rstrip("\n") if after.language == "text" else ""), f"README.md:{block.line}"


def test_a_wrong_promise_is_noticed(tmp_path):
    wrong, printed = run(Block("python", EXAMPLE, 10), {}, tmp_path)
    assert wrong == ["README.md:13 says '3' and prints '2\\n'"]
    assert printed == "0\n1"


def test_blocks_are_python_text_or_shell():
    assert {b.language for b in blocks(README)} == {"python", "text", "sh"}


def commands():
    """Return the commands that the README names: lines of shell blocks, and code in its sentences."""
    shell = [line for b in blocks(README) if b.language == "sh" for line in b.text.splitlines()]
    prose = re.sub(r"^```.*?^```$", "", README, flags=re.MULTILINE | re.DOTALL)
    return [c.partition("#")[0].strip() for c in [*shell, *re.findall(r"`((?:make|python|pip|nbgrad) [^`]+)`", prose)]]


def test_commands_exist(capsys):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    optional = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    extras = re.findall(r"^(\w+) = \[", optional, re.MULTILINE)
    kinds = set()
    for command in filter(None, commands()):
        words = command.split()
        if words[0] == "make":
            assert words[1] in targets, command
        elif words[:3] == ["python", "-m", "nbgrad"]:
            with pytest.raises(SystemExit) as stopped:
                main([words[3], "--help"])
            assert stopped.value.code == 0, command
            shown = capsys.readouterr().out
            assert all(w in shown for w in words[4:] if w.startswith("--")), command
        else:
            assert words[:2] == ["pip", "install"], f"{command!r} is no command that this test knows"
            assert set(re.findall(r"\[(\w+)\]", command)) <= set(extras), command
        kinds.add(words[0])
    assert kinds == {"make", "python", "pip"}


def test_options_told_beside_a_command_exist(capsys):
    for name, text in re.findall(r"python -m nbgrad (\w+)[^\n]*?#([^\n]*--[^\n]*)", README):
        with pytest.raises(SystemExit):
            main([name, "--help"])
        shown = capsys.readouterr().out
        assert all(option in shown for option in re.findall(r"--\w+", text)), text


def test_names_exist():
    dotted = re.findall(r"`ng\.([\w.]+)", README)
    assert len(dotted) > 20
    for name in dotted:
        value = ng
        for part in name.split("."):
            assert hasattr(value, part), f"README.md names ng.{name}"
            value = getattr(value, part)


def test_variables_are_read():
    text = Path(config.__file__).read_text(encoding="utf-8")
    for name in set(re.findall(r"`((?:NBGRAD|NUMBA)_\w+)`", README)) - {"NUMBA_ENABLE_CUDASIM"}:  # which Numba reads
        assert f'"{name}"' in text, name


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            words = target[1:].replace("-", " ")
            assert re.search(rf"^#+ {words}$", README, re.MULTILINE | re.IGNORECASE), target
        elif not target.startswith("https://"):
            assert (ROOT / target).exists(), target


def test_op_table_stands_between_its_markers():
    inside = README.partition(BEGIN)[2].partition(END)[0]
    assert inside == table_markdown(), "python -m nbgrad ops --markdown prints the table; put it between the markers"


def test_no_path_of_a_machine():
    assert not ABSOLUTE.search(README)


def test_version_is_in_the_changes():
    assert f"### {ng.__version__}\n" in README
