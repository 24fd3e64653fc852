"""Every notebook runs from top to bottom, and what is stored in it is what such a run gave.

`python tests/test_notebooks.py` runs all of them and stores their outputs.
"""

import os
import re
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
ABSOLUTE = re.compile(r"(?<![\w.~:/<-])/(?:[\w.-]+/)+[\w.-]+|\b[A-Z]:\\\w")
LARGEST = 150_000  # characters of one stored output: a picture, in base64
CELL_SECONDS = 60


def read(path):
    """Return a notebook."""
    import nbformat

    return nbformat.read(path, as_version=4)


def execute(notebook, folder):
    """Run all cells in a new kernel whose working directory is `folder`; a cell that raises raises here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Jupyter's own packages; the kernel's are its own
        from nbclient import NotebookClient

        resources = {"metadata": {"path": str(folder)}}
        NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources=resources,
                       record_timing=False, coalesce_streams=True).execute()  # fmt: skip
    return notebook


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code"]


def kinds(cell):
    """Return what a cell put out: text and media types, not their content, which the machine has a part in.

    Messages on stderr are left out: Matplotlib tells there that it looks for fonts, once on a new machine.
    """
    return [o.get("name") or sorted(o.get("data", [])) for o in cell.outputs if o.get("name") != "stderr"]


def texts(notebook):
    """Yield every text of a notebook: sources, streams, and outputs of each media type but pictures in base64."""
    for cell in notebook.cells:
        yield cell.source
        for o in cell.get("outputs", []):
            yield o.get("text", "")
            yield from (str(v) for k, v in o.get("data", {}).items() if k != "image/png")


@pytest.mark.filterwarnings("ignore")  # of Jupyter's packages, some of them raised when objects are thrown away
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs(path, tmp_path, monkeypatch):
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    stored = read(path)
    fresh = execute(read(path), tmp_path)
    for number, (a, b) in enumerate(zip(code_cells(stored), code_cells(fresh)), 1):
        assert kinds(a) == kinds(b), f"{path.name}, cell [{number}]: run python tests/test_notebooks.py"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_stored_outputs_are_of_one_whole_run(path):
    cells = code_cells(read(path))
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    assert not [o for c in cells for o in c.outputs if o.output_type == "error"]
    assert not [o for c in cells for o in c.outputs if o.get("name") == "stderr"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_stored_outputs_are_small_and_name_no_machine(path):
    notebook = read(path)
    for text in texts(notebook):
        assert not ABSOLUTE.search(text), ABSOLUTE.search(text).string[:200]
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert len(str(output)) < LARGEST, cell.source[:80]


def test_there_are_notebooks():
    names = ["01_first_gradient", "02_the_op_table", "03_the_tape_is_the_program", "04_differentiate_your_loops", "05_cuda"]
    assert [p.stem for p in NOTEBOOKS] == names


def store(path):
    """Run a notebook and write it back with its outputs, and nothing of this machine in its metadata."""
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        os.environ["IPYTHONDIR"] = folder
        notebook = execute(read(path), folder)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or NOTEBOOKS:
        store(chosen)
        print(f"stored {Path(chosen).name}")
