"""A run killed at random moments and resumed ends with the same weights, bit for bit."""

import random
import re
import signal
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-m", "nbgrad", "demo", "--quiet", "--epochs", "12"]


def weights(text):
    found = re.search(r"^weights +(\w+)$", text, re.MULTILINE)
    return found and found.group(1)


@pytest.mark.slow
def test_a_run_killed_at_ten_random_moments_resumes_to_the_same_weights(tmp_path):
    start = time.monotonic()
    whole = subprocess.run([*COMMAND, "--out", str(tmp_path / "whole")], capture_output=True, text=True, check=True)
    length = time.monotonic() - start
    command, draw = [*COMMAND, "--resume", "--out", str(tmp_path / "killed")], random.Random(0)
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            process.communicate(timeout=draw.uniform(0.2, 0.8) * length)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert process.returncode == -signal.SIGKILL
        else:
            assert process.returncode == 0
    last = subprocess.run(command, capture_output=True, text=True, check=True)
    assert weights(whole.stdout) is not None
    assert weights(last.stdout) == weights(whole.stdout)
