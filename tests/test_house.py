"""The rules of the house, as tests: each failure says which line, and where it belongs."""

import ast
import re
from pathlib import Path

import pytest

import nbgrad
from nbgrad.docs import table_markdown
from nbgrad.ops.table import table

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "nbgrad"
FLOORS = {"base": 0, "ops": 1, "ad": 2, "tape": 3, "plan": 4, "target": 5,
          "tensor": 6, "plain": 6, "sparsity": 6, "loops": 6, "history": 6, "road": 6, "eager": 6, "jacobian": 6, "checkpoint": 6, "control": 6, "called": 6, "derived": 6, "by_hand": 6, "methods": 6, "writing": 6, "transform": 6, "function": 6, "gradcheck": 6, "random": 6, "record": 6, "creation": 6,
          "numpy_protocol": 6, "forms": 6, "compiling": 6, "anomaly": 6, "cuda": 6, "mapped": 6,
          "nn": 7, "optim": 7, "data": 7, "io": 7, "viz": 7, "docs": 8, "samples": 8, "coverage": 8, "demo": 8, "warmup": 8, "__main__": 9, "__init__": 9}  # fmt: skip
OPTIONAL = {"sklearn", "matplotlib", "tqdm", "safetensors", "torch", "jax", "h5py", "onnx", "rich", "cupy", "nvmath"}
COMPILERS = {"numba", "llvmlite"}
FORBIDDEN = re.compile(r"\b(backend|grad_output|saved_tensors|dy|gy)\b")
FILES = sorted(p for p in HOUSE.rglob("*.py") if "__pycache__" not in p.parts)


def room(path):
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imports(path):
    """Yield (line, absolute module, whether inside a function) for each import of a file."""
    package = ["nbgrad", *path.relative_to(HOUSE).parts[:-1]]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda)) for n in ast.walk(f)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                below = HOUSE / Path(*module.split(".")[1:], alias.name) if module.startswith("nbgrad") else None
                whole = below is not None and (below.is_dir() or below.with_suffix(".py").exists())
                yield node.lineno, f"{module}.{alias.name}" if whole else module, id(node) in inside


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_imports_go_down_only(path):
    floor = FLOORS[room(path)]
    for line, module, _ in imports(path):
        parts = module.split(".")
        if parts[0] != "nbgrad" or len(parts) == 1:
            continue
        target = FLOORS[parts[1]]
        same = parts[1] == room(path) or (floor == target == 6) or floor >= 8
        assert target < floor or same, (
            f"{path.relative_to(ROOT)}:{line} (floor {floor}) imports {module} (floor {target})"
        )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_compilers_are_known_only_under_target(path):
    for line, module, inside in imports(path):
        if module.split(".")[0] in COMPILERS and room(path) != "target":
            assert room(path) == "__main__" and inside, (
                f"{path.relative_to(ROOT)}:{line} imports {module}; that belongs under target/"
            )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_optional_packages_are_imported_where_they_are_used(path):
    for line, module, inside in imports(path):
        if module.split(".")[0] in OPTIONAL:
            assert inside, (
                f"{path.relative_to(ROOT)}:{line} imports {module} at the top; move it into the function that needs it"
            )


def test_environment_is_read_in_one_place():
    for path in FILES:
        if path.name != "config.py":
            text = path.read_text(encoding="utf-8")
            assert "os.environ" not in text and "getenv" not in text, (
                f"{path.relative_to(ROOT)} reads the environment; ask base/config.py"
            )


def test_files_and_functions_stay_short():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400 or path.name == "__init__.py", f"{path.relative_to(ROOT)} has {text.count(chr(10))} lines"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and not path.name.startswith(("loops_", "templates")):
                length = node.end_lineno - node.body[0].lineno
                assert length <= 60, f"{path.relative_to(ROOT)}:{node.lineno} {node.name} is {length} lines long"


def test_one_name_per_concept():
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = FORBIDDEN.search(line)
            assert not found, f"{path.relative_to(ROOT)}:{number} says {found and found.group()!r}"


def test_public_names_are_documented():
    for name in nbgrad.__all__:
        value = getattr(nbgrad, name)
        if callable(value):
            assert (value.__doc__ or "").strip(), f"nbgrad.{name} has no docstring"


def test_public_list_is_what_init_imports():
    tree = ast.parse((HOUSE / "__init__.py").read_text(encoding="utf-8"))
    bound = {a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names if (a.asname or a.name)[0] != "_"}
    assert bound == set(nbgrad.__all__)
    assert list(nbgrad.__all__) == sorted(nbgrad.__all__)


def test_tests_mirror_sources():
    missing = []
    for path in FILES:
        relative = path.relative_to(HOUSE)
        if path.name.startswith(("__", "loops_")):
            continue
        names = {f"test_{path.stem}.py", f"test_{path.stem}_{relative.parts[0]}.py"}
        if not any((ROOT / "tests" / relative.parent / name).exists() for name in names):
            missing.append(str(relative))
    assert not missing, f"no test file of the same name for {missing}"


def test_no_two_tests_share_a_name():
    for path in (ROOT / "tests").rglob("test_*.py"):
        names = [n.name for n in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(n, ast.FunctionDef)]
        twice = {n for n in names if names.count(n) > 1}
        assert not twice, f"{path.relative_to(ROOT)}: {twice} would run only once"


def test_readme_op_table_is_the_table():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table_markdown() in readme, "run: python -m nbgrad ops --markdown, and put it into the README"


def test_every_row_says_what_it_is():
    for op in table.values():
        assert (op.__doc__ or "").strip(), f"{op.name} has no sentence of doc"
