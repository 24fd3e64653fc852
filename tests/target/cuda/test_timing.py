"""Programs whose launches are timed."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cuda.timing import peaks

pytestmark = pytest.mark.cuda


def test_a_profile_tells_every_kernel(rng):
    a = rng.standard_normal((5, 6)).astype("float32")
    f = ng.compile(lambda x: (ng.exp(x) * 2.0, ng.flip(x, 1) + 1.0))
    found = ng.profile(f, ng.tensor(a, device="cuda"), repeats=3)
    assert sum(r.share for r in found.rows) == pytest.approx(1.0)
    assert all(r.seconds > 0 and r.limit == "memory" for r in found.rows)
    assert "on the device" in str(found)
    np.testing.assert_allclose(f(ng.tensor(a, device="cuda"))[0].numpy(), np.exp(a) * 2.0, rtol=1e-6)


def test_checks_are_no_kernels_of_a_profile(rng):
    x, i = ng.tensor(rng.standard_normal((5, 6)), device="cuda"), ng.tensor([0, 3], device="cuda")
    f = ng.compile(lambda x, i: ng.take(ng.exp(x), i, 0))
    found = ng.profile(f, x, i, repeats=2)
    assert [r.rows for r in found.rows] == [r.rows for r in ng.profile(f, ng.tensor(x.numpy()), ng.tensor(i.numpy()), repeats=1).rows]
    with pytest.raises(ng.IndexRangeError, match="index 5"):
        ng.profile(f, x, i + 2, repeats=1)


def test_what_is_shown_says_blocks_and_threads():
    x = ng.ones((3, 4), "float32", device="cuda")
    f = ng.compile(lambda x: ng.tanh(x) * 2.0)
    text = str(f.show(x))
    assert " of 2 threads]" in text or " of 256 threads]" in text
    assert "def map_tanh_mul_float32(args, p0, p1)" in f.source(1)
    assert f.source(1).path.exists()
    with pytest.raises(ng.KernelError, match="is a kernel of a device"):
        f.source(1).run(np.ones((3, 4)))
    assert "tanh" in f.svg(x)._repr_svg_()


def test_a_device_has_a_speed():
    assert peaks().copies > 0
    assert peaks().least(1e9, 8.0, "float32")[1] == "memory"
