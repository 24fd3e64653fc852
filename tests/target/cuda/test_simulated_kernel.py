"""Kernels in the simulator: threads of a block that take turns."""

import threading

import numpy as np
import pytest

from nbgrad.target.cuda.simulated_kernel import _idle, cuda, kernel, lane_of

pytestmark = pytest.mark.cuda


def launched(fn, out, blocks=1, threads=8):
    kernel(fn)[blocks, threads, 0](out)
    return out


def test_every_thread_knows_where_it_stands():
    def places(out):
        i = cuda.grid(1)
        out[i] = cuda.blockIdx.x, cuda.threadIdx.x, cuda.gridsize(1), cuda.gridDim.x

    want = [(i // 4, i % 4, 12, 3) for i in range(12)]
    np.testing.assert_array_equal(launched(places, np.zeros((12, 4), "int64"), 3, 4), want)


def test_threads_of_a_block_share_one_array_per_call():
    def shared(out):
        a, b = cuda.shared.array(64, np.float64), cuda.shared.array(64, np.int32)
        own = cuda.local.array(1, np.int64)
        i = cuda.threadIdx.x
        a[i], b[i], own[0] = i, -i, i
        cuda.syncthreads()
        out[own[0]] = a[63 - i] + b[63 - i] * 1000

    np.testing.assert_array_equal(launched(shared, np.zeros(64), 1, 64), [-999.0 * (63 - i) for i in range(64)])


def test_blocks_share_nothing_and_begin_with_no_numbers():
    def shared(out):
        a, b = cuda.shared.array((2, 3), np.float32), cuda.shared.array(2, np.int32)
        cuda.syncthreads()
        out[cuda.blockIdx.x, cuda.threadIdx.x] = a[1, 2] + b[1]
        cuda.syncthreads()
        a[1, 2] = b[1] = 0

    assert np.isnan(launched(shared, np.zeros((3, 2)), 3, 2)).all()


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_number_that_is_read_too_early_is_noticed_in_either_direction(by, before):
    def neighbours(out):
        a = cuda.shared.array(8, np.float64)
        i = cuda.threadIdx.x
        for _ in range(before):
            cuda.syncthreads()
        a[i] = i
        out[cuda.blockIdx.x, i] = a[(i + by) % 8]  # nobody has waited

    out = launched(neighbours, np.zeros((2, 8)), 2)
    assert (out != (np.arange(8) + by) % 8).any()


def test_all_wait_for_all():
    def sums(out):
        a = cuda.shared.array((2, 8), np.int64)
        i = cuda.threadIdx.x
        a[0, i] = i
        for step in range(5):
            cuda.syncthreads()
            a[1 - step % 2, i] = a[step % 2, (i + 1) % 8] + a[step % 2, (i + 3) % 8]
        out[cuda.blockIdx.x, i] = a[1, i]

    want = np.arange(8)
    for _ in range(5):
        want = np.roll(want, -1) + np.roll(want, -3)
    np.testing.assert_array_equal(launched(sums, np.zeros((3, 8), "int64"), 3), [want] * 3)


def test_lanes_ask_one_another_again_and_again():
    def asking(out):
        i = cuda.threadIdx.x
        value = np.float32(i)
        for by in (1, 2, 4):
            value += lane_of(value, i ^ by)
        out[i] = value

    np.testing.assert_array_equal(launched(asking, np.zeros(8, "float32")), [28.0] * 8)


def test_threads_that_are_over_are_not_waited_for():
    def some(out):
        i = cuda.threadIdx.x
        if i % 3:
            return
        cuda.syncthreads()
        out[i] = 1

    np.testing.assert_array_equal(launched(some, np.zeros(8)), [1, 0, 0, 1, 0, 0, 1, 0])


@pytest.mark.parametrize("which", [0, 5, 7])
def test_an_error_ends_the_threads_that_wait_and_is_raised(which):
    def failing(out):
        i = cuda.threadIdx.x
        cuda.syncthreads()
        if i == which:
            raise IndexError(f"of thread {i}")
        cuda.syncthreads()
        out[i] = 1

    out = np.zeros(8)
    for _ in range(3):
        with pytest.raises(IndexError, match=f"of thread {which}"):
            launched(failing, out)
    assert not out.any()
    carriers = len(_idle)
    test_all_wait_for_all()
    assert len(_idle) == carriers  # those that were there


def test_numbers_overflow_in_silence():
    def over(out):
        cuda.syncthreads()
        out[cuda.threadIdx.x] = np.float32(3e38) * np.float32(3e38)

    assert np.isinf(launched(over, np.zeros(8))).all()


def test_kernels_of_several_threads_of_python_run_one_after_another():
    def steps(out):
        i = cuda.threadIdx.x
        for _ in range(20):
            cuda.syncthreads()
            out[i] += i

    outs = [np.zeros(8) for _ in range(4)]
    started = [threading.Thread(target=launched, args=(steps, out)) for out in outs]
    for one in started:
        one.start()
    for one in started:
        one.join()
    np.testing.assert_array_equal(outs, [np.arange(8) * 20.0] * 4)
