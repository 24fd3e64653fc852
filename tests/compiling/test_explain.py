"""A compiled function to read: kernels in waves, names of the user's, counts, pictures, the text of kernels."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.compiling.explain import MOST, entries, inside
from nbgrad.plan.calls import Loop, While

SPACE = "{http://www.w3.org/2000/svg}"


def array(*shape):
    return ng.tensor(np.linspace(0.1, 1.0, int(np.prod(shape)), dtype="float32").reshape(shape))


@pytest.fixture
def step():
    """A step of training, compiled and not yet run."""
    model = ng.nn.Sequential(ng.nn.Linear(6, 8), ng.tanh, ng.nn.Linear(8, 3))
    optimizer = ng.optim.Adam(model, lr=1e-2)

    @ng.compile
    def step(x, y):
        loss = ng.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step.model = model
    return step


def arguments():
    return array(5, 6), ng.tensor(np.arange(5) % 3)


def test_what_is_fused_is_one_kernel_with_its_rows():
    f = ng.compile(lambda x: ng.tanh(x * 2.0) + x)
    lines = f.show(array(4)).splitlines()
    assert lines[0] == "<lambda>(x: float32[4])"
    assert lines[3].startswith("  k1  map_mul_tanh_add_float32  [1 tile, in place]")
    assert lines[4].split() == ["is", "mul,", "tanh,", "add"]
    assert lines[5].split("  ")[-1] == " x float32[4]" or lines[5].endswith("x float32[4]")
    assert lines[6].endswith("result float32[4]")
    assert "test_explain.py:" in lines[7]
    assert "3 recorded, 3 after simplifying, 1 kernel" in lines[-6]
    assert "1 wave, 1 launch, 0 of them shared by threads" in lines[-5]


def test_showing_runs_nothing(step):
    before = [p.numpy().copy() for p in step.model.parameters().values()]
    text = step.show(*arguments())
    assert all(np.array_equal(p.numpy(), b) for p, b in zip(step.model.parameters().values(), before))
    assert all(p.grad is None for p in step.model.parameters().values())
    assert step.show() == text
    assert len(step.runs) == 1


def test_a_step_that_was_shown_first_trains_as_one_that_was_not(step):
    state = {k: v.numpy().copy() for k, v in step.model.named_tensors()}
    step.show(*arguments())
    losses = [step(*arguments()).item() for _ in range(4)]
    step.show(*arguments())
    more = [step(*arguments()).item() for _ in range(2)]
    model = ng.nn.Sequential(ng.nn.Linear(6, 8), ng.tanh, ng.nn.Linear(8, 3))
    model.load_state(state)
    optimizer = ng.optim.Adam(model, lr=1e-2)
    for expected in losses + more:
        loss = ng.cross_entropy(model(arguments()[0]), arguments()[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        np.testing.assert_allclose(loss.item(), expected, rtol=1e-5)


def test_random_numbers_are_those_of_the_next_call(seeded):
    f = ng.compile(lambda x: x + ng.random.uniform(3))
    state = ng.random.get_state()
    f.show(array(3))
    f.show(array(3))
    first = f(array(3)).numpy()
    ng.random.set_state(state)
    np.testing.assert_array_equal(first, (array(3) + ng.random.uniform(3)).numpy())


def test_names_are_those_of_the_user(step):
    text = step.show(*arguments())
    for name in ("x float32[5, 6]", "y int64[5]", "model.layers.0.weight float32[8, 6]", "model.layers.2.bias.grad float32[3]",
                 "optimizer.memory.layers.0.weight.m float32[8, 6]", "result float32[]"):  # fmt: skip
        assert name in text, name
    assert "stop where" in text


def test_counts_are_of_the_plan(step):
    text = step.show(*arguments())
    schedule = step.latest.program.schedule
    found = entries(schedule, "k")
    kernels = [e for e in found if e.number]
    assert [e.number for e in kernels] == [f"k{i + 1}" for i in range(len(kernels))]
    assert all(f"  {e.number:3} {e.name}" in text for e in kernels)
    calls, runs, arena, values, held, peak = text.splitlines()[-6:]
    assert calls.split() == ["calls", str(schedule.counts[0]), "recorded,", str(schedule.counts[1]), "after", "simplifying,", str(len(kernels)), "kernels"]
    assert f"{len(schedule.waves)} waves" in runs
    sizes = [float(n) * {"bytes": 1, "KiB": 1024}[unit] for n, unit in re.findall(r"([\d.]+) (bytes|KiB)", arena)]
    assert sizes[2] <= sizes[0] <= sizes[1]
    assert abs(sizes[0] - schedule.arena) < 60
    assert values.startswith("values") and held.startswith("held") and peak.startswith("peak")


def test_the_backward_of_a_result_is_shown_behind_its_forward():
    w = ng.tensor(np.ones((4, 2), "float32"), requires_grad=True)
    f = ng.compile(lambda x: (ng.tanh(x @ w) ** 2).sum())
    text = f.show(array(3, 4))
    forward, backward = text.split("backward, when the gradient of a result is asked for")
    assert "gradient of w float32[4, 2]" in backward
    assert "gradient of result float32[]" in backward or "gradient of result" in backward
    assert "b1" in backward and "b1" not in forward


def test_loops_show_what_a_turn_does():
    w = ng.tensor(np.eye(4, dtype="float32"))
    f = ng.compile(lambda x: ng.scan(lambda c, row: (ng.tanh(c @ w + row), c), ng.zeros(4, "float32"), x)[0])
    text = f.show(array(7, 4))
    assert "7 turns" in text
    assert "x[turn] float32[4]" in text
    loop = next(e for e in entries(f.latest.program.schedule, "k") if e.loop)
    assert isinstance(loop.loop, Loop)
    assert f"{loop.number}.1" in text
    (_, body, prefix), = inside(loop)
    assert any("tanh" in f.source(e.number) for e in entries(body.schedule, prefix))


def test_whiles_show_condition_and_body():
    f = ng.compile(lambda x: ng.while_loop(lambda c: c.sum() < 100.0, lambda c: c * 2.0, x))
    text = f.show(array(3))
    assert text.index("while\n") < text.index("do\n")
    loop = next(e for e in entries(f.latest.program.schedule, "k") if e.loop)
    assert isinstance(loop.loop, While)
    assert [what for what, _, _ in inside(loop)] == ["while", "do"]


def test_reversals_show_what_is_made_again():
    f = ng.compile(ng.grad(lambda x: ng.fori_loop(0, 9, lambda i, c: ng.sin(c), x, checkpoint=True).sum()))
    text = f.show(array(3))
    back = [e for e in entries(f.latest.program.schedule, "k") if e.loop][-1]
    assert [what for what, _, _ in inside(back)] == ["9 turns, the last first", "with carries that are made again"]
    assert f"{back.number}.1" in text and f"{back.number}.c1" in text
    assert "carry[turn]" in text


def test_nothing_recorded_is_an_error():
    with pytest.raises(ng.ArgumentError, match="nothing has been recorded"):
        ng.compile(lambda x: x).show()


def test_a_function_that_computes_nothing_is_shown():
    f = ng.compile(lambda x: x)
    assert f.show(array(3)).endswith("0 bytes of results")
    assert f.svg().startswith("<svg")
    with pytest.raises(ng.ArgumentError, match="no kernel"):
        f.source(1)


def test_the_picture_has_a_box_for_each_call_and_a_colour_for_each_kernel(step):
    picture = step.svg(*arguments())
    root = ElementTree.fromstring(picture)
    tips = [g.find(f"{SPACE}title").text for g in root.iter(f"{SPACE}g")]
    calls = [t for t in tips if re.match(r"k\d+ ", t)]
    assert len(calls) == step.latest.program.schedule.counts[1] - 1  # a stop is no box
    colour = {}
    for g, tip in zip(root.iter(f"{SPACE}g"), tips):
        kernel = re.match(r"(k\d+) ", tip)
        if kernel:
            colour.setdefault(kernel[1], set()).add(g.find(f"{SPACE}rect").get("fill"))
    assert all(len(c) == 1 for c in colour.values())
    assert picture._repr_svg_() == picture


def test_a_picture_of_very_many_calls_is_cut():
    def f(x):
        for _ in range(MOST):
            x = ng.tanh(x @ x)
        return x

    picture = ng.compile(f).svg(array(2, 2))
    assert picture.count("<g>") <= 2 * MOST
    assert f"and {MOST} calls more" in picture


def test_source_is_what_is_compiled(step):
    step.show(*arguments())
    for e in entries(step.latest.program.schedule, "k"):
        if e.number:
            text = step.source(e.number)
            assert "@kernel\ndef " in text
            assert text.path.read_text().endswith(text[text.index("@kernel") :] + "\n")
            assert step.source(int(e.number[1:])) == text
    with pytest.raises(ng.ArgumentError, match="there is no kernel k99; there are k1, k2"):
        step.source(99)


def test_convolutions_name_the_file_that_writes_them():
    w = array(4, 2, 3, 3)
    f = ng.compile(lambda x: ng.conv2d(x, w))
    f.show(array(1, 2, 8, 8))
    found = [f.source(e.number) for e in entries(f.latest.program.schedule, "k")]
    assert any("windows.py" in text and text.path is None for text in found)


def test_what_is_done_to_each_block_of_a_convolution_is_shown_with_it():
    w = array(4, 2, 3, 3)
    f = ng.compile(lambda x: ng.tanh(ng.conv2d(x, w)))
    f.show(array(1, 2, 8, 8))
    found = [f.source(e.number) for e in entries(f.latest.program.schedule, "k")]
    assert any("windows.py" in text and "def map_tanh_float32(args, tile)" in text for text in found)


def test_memory_of_loops_is_counted():
    w = ng.tensor(np.eye(4, dtype="float32"))
    f = ng.compile(lambda x: ng.scan(lambda c, row: (ng.tanh((c @ w) @ w + row), c), ng.zeros(4, "float32"), x)[0])
    lines = f.show(array(7, 4)).splitlines()
    assert any(line.startswith("loops ") for line in lines)
    assert not any(line.startswith("loops ") for line in ng.compile(lambda x: ng.exp(x)).show(array(3)).splitlines())


def test_a_value_in_the_place_of_another_counts_once():
    w = array(64, 64)
    f = ng.compile(lambda x: ng.tanh(ng.softmax(x @ w) + x).sum())
    arena = next(line for line in f.show(array(64, 64)).splitlines() if line.startswith("arena"))
    size, _, least = (float(n) * {"bytes": 1, "KiB": 1024}[unit] for n, unit in re.findall(r"([\d.]+) (bytes|KiB)", arena))
    assert least <= size
