"""The demo: its files, its answers to a stop and to a resume, and the same weights by every road."""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import demo
from nbgrad.__main__ import main
from nbgrad.base.config import config
from nbgrad.io import latest_checkpoint, load_checkpoint

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("tqdm")

COMMAND = [sys.executable, "-W", "error", "-m", "nbgrad", "demo", "--quiet"]
ONE_THREAD = {**os.environ, "NBGRAD_NUM_THREADS": "1"}
STEPS = 23  # of an epoch


def value(lines, word):
    """Return what stands behind a word at the start of a line."""
    (found,) = [line for line in lines if line.startswith(word)]
    return found.removeprefix(word).strip()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of two epochs in a process of its own, on one thread: (folder, lines)."""
    out = tmp_path_factory.mktemp("whole")
    done = subprocess.run([*COMMAND, "--epochs", "2", "--out", str(out)], capture_output=True, text=True, env=ONE_THREAD, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return out, done.stdout.splitlines()


@pytest.fixture(autouse=True)
def one_thread():
    """Runs of this process share the machine with other tests: threads that wait for each other would be slow."""
    before = ng.get_num_threads()
    ng.set_num_threads(1)
    yield
    ng.set_num_threads(before)


@pytest.fixture
def stop(monkeypatch):
    """Let ctrl-C come at step number 30, in the second epoch."""
    real = demo.Training.step

    def step(self, x, y):
        if len(self.losses) == 30:
            raise KeyboardInterrupt
        return real(self, x, y)

    monkeypatch.setattr(demo.Training, "step", step)
    return lambda: monkeypatch.setattr(demo.Training, "step", real)


def test_a_run_leaves_its_checkpoints_and_pictures(whole):
    out, lines = whole
    assert {p.name for p in out.iterdir()} == {"checkpoints", "loss.png", "predictions.png", "tape.svg"}
    assert [p.name for p in sorted((out / "checkpoints").iterdir())] == ["ckpt-000001", "ckpt-000002"]
    for name in ("loss.png", "predictions.png"):
        content = (out / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert len(content) > 10_000
    shown = [line.removeprefix("picture").strip() for line in lines if line.startswith("picture")]
    assert shown == [str(out / name) for name in ("loss.png", "predictions.png", "tape.svg")]


def test_the_picture_of_the_tape_is_svg_with_the_users_names(whole):
    root = ElementTree.parse(whole[0] / "tape.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = {e.text for e in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"layers.0.weight", "layers.9.bias", "elementwise", "primitive"} <= texts


def test_a_run_says_what_it_did(whole):
    _, lines = whole
    assert lines[0] == "training a small convolutional network on 1438 images of digits, testing on 359"
    assert value(lines, "gradient check").endswith("against finite differences: passed")
    assert 40.0 < float(value(lines, "test accuracy").removesuffix("%")) <= 100.0
    assert value(lines, "time per step").endswith(f"(median of {2 * STEPS})")
    assert len(value(lines, "weights")) == 16
    assert lines[-1].startswith("all of it")


def test_a_stopped_run_goes_on_to_the_same_weights(whole, stop, tmp_path, capsys, seeded):
    run = ["demo", "--quiet", "--epochs", "2", "--out", str(tmp_path)]
    assert main(run) == 130
    assert capsys.readouterr().err == "\nstopped; what was saved is kept\n"
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["ckpt-000001"]
    stop()
    assert main([*run, "--resume"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "resumed after epoch 1"
    assert value(lines, "time per step").endswith(f"(median of {STEPS})")
    assert value(lines, "weights") == value(whole[1], "weights")
    assert value(lines, "test accuracy") == value(whole[1], "test accuracy")
    one, two = (load_checkpoint(folder / "checkpoints").extra["losses"] for folder in (whole[0], tmp_path))
    assert one == two
    assert len(one) == 2 * STEPS
    assert np.mean(one[-5:]) < np.mean(one[:5]) - 0.3


def test_a_finished_run_resumes_to_itself_and_a_new_one_starts_over(whole, tmp_path, capsys, seeded, monkeypatch):
    monkeypatch.setattr(demo, "draw", lambda training: [])
    monkeypatch.setattr(demo.Training, "step", None)
    assert main(["demo", "--quiet", "--epochs", "2", "--out", str(whole[0]), "--resume"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert value(lines, "weights") == value(whole[1], "weights")
    assert not [line for line in lines if line.startswith("time per step")]
    (tmp_path / "checkpoints" / "ckpt-000007").mkdir(parents=True)
    (tmp_path / "checkpoints" / "mine.txt").write_text("mine")
    monkeypatch.setattr(demo.Training, "run", lambda self, bar: None)
    assert main(["demo", "--quiet", "--epochs", "1", "--out", str(tmp_path)]) == 0
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == ["mine.txt"]


@pytest.fixture
def heard():
    """Let processes that are started hear ctrl-C: where tests run in the background of a shell, it is ignored, and this is inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_with_status_130_and_one_clean_line(tmp_path, heard):
    process = subprocess.Popen(
        [*COMMAND, "--epochs", "1000", "--out", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ONE_THREAD
    )
    try:
        for _ in range(12_000):
            if process.poll() is not None or any((tmp_path / "checkpoints").glob("ckpt-*")):
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err == "\nstopped; what was saved is kept\n"
    assert out.startswith("training a small convolutional network")
    found = load_checkpoint(tmp_path / "checkpoints")
    assert len(found.extra["losses"]) == found.step == found.epoch * STEPS
    assert latest_checkpoint(tmp_path / "checkpoints") == found.path


def test_weights_do_not_depend_on_the_number_of_threads(seeded):
    found = []
    for n in sorted({1, min(2, config.max_threads)}):
        ng.set_num_threads(n)
        training = demo.Training("unused", 1, 64, 0, checkpoints=False)
        x, y = training.train.arrays
        for i in range(0, 192, 64):
            training.step(x[i : i + 64], y[i : i + 64])
        found.append(demo.fingerprint(training.model))
    assert len(set(found)) == 1
    assert found[0] != demo.fingerprint(demo.build(0))


def test_the_fingerprint_is_of_every_bit_of_every_weight(seeded):
    model = demo.build(3)
    before = demo.fingerprint(model)
    assert before == demo.fingerprint(demo.build(3)) != demo.fingerprint(demo.build(4))
    weight = model.parameters()["layers.9.bias"].numpy()
    weight[4] = np.nextafter(weight[4], np.float32(1))
    assert demo.fingerprint(model) != before


def test_accuracy_is_the_share_of_right_predictions(seeded):
    training = demo.Training("unused", 1, 64, 0, checkpoints=False)
    x, y = training.test.arrays
    want = training.model(ng.tensor(x)).numpy().argmax(1)
    np.testing.assert_array_equal(demo.predict(training.model, x), want)
    assert demo.accuracy(training.model, training.test) == np.mean(want == y)
    assert not training.resume()
    training.save()
    assert not os.path.exists("unused")
