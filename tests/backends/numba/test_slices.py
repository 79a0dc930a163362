"""Kernels on several threads compute what they compute on one, to the last bit."""

import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from numba import types

from chainrule.backends import threads
from chainrule.backends.numba import crew as crews, elementwise, slices
from chainrule.backends.numba.atomics import add, load, pause
from chainrule.backends.numba.codegen import fuse, fuse_over
from chainrule.backends.numba.compile import kernel, read_only, writeable
from chainrule.backends.numba.crew import MEMBERS, MISSED, WORD, Crew
from chainrule.backends.numba.slices import LARGE, LEAST, Sliced

PATIENCE = 1 << 28  # pauses: some seconds, after which a test fails and does not hang
WIDE = types.Array(types.int64, 1, "C")


def bits(x):
    return x.view(f"i{x.itemsize}")


def special(size, dtype):
    x = (np.random.default_rng(size).standard_normal(size) * 20).astype(dtype)
    x[::1001] = 1e6  # for sin and cos far enough to go another way
    x[5::5003], x[7::5003], x[9::5003], x[11::5003] = np.nan, np.inf, -np.inf, -0.0
    return x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", elementwise.SMALLEST)
def test_the_same_bits_on_any_number_of_threads(name, dtype, set_threads):
    function, parameter = elementwise.TABLE[name], (0.3,) if name in elementwise.WITH_PARAMETER else ()
    for size in (LARGE - 1, LARGE, 5 * LEAST + 63, 10 * LEAST + 1):
        x = special(size, dtype)
        set_threads(1)
        expected = function(x, *parameter)
        for count in (2, 3, 5, 64):
            set_threads(count)
            np.testing.assert_array_equal(bits(function(x, *parameter)), bits(expected))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_derivatives(dtype, set_threads):
    def rule(xp, g, out, x, slope):
        return g * slope + xp.sigmoid(x) * x

    into, over = fuse("test_sliced", rule, 1), fuse_over("test_sliced", rule)
    g, x = special(3 * LARGE + 17, dtype), special(3 * LARGE + 17, dtype)[::-1].copy()
    set_threads(1)
    expected = into(g, None, x, slope=0.25)
    for count in (2, 3):
        set_threads(count)
        np.testing.assert_array_equal(bits(into(g, None, x, slope=0.25)), bits(expected))
        changed = g.copy()
        assert over(changed, None, x, slope=0.25) is changed
        np.testing.assert_array_equal(bits(changed), bits(expected))
    assert into(g, None, x, slope=None) is None  # what is no number, is none on several threads either


@cache
def add_columns():
    """out = x + column by column, times a number: a whole array, a number, matrices."""

    def loop(column, x, factor, out):
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                out[i, j] = x[i, j] * factor + column[j]

    arguments = read_only(np.float64), read_only(np.float64, 2), types.float64, writeable(np.float64, 2)
    return kernel(loop, "test-add-columns", *arguments)


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 100])
def test_matrices_are_cut_by_rows(rows, set_threads):
    set_threads(3)
    run = Sliced(add_columns(), 1, 3, unit=1, weight=LEAST)
    column, x = np.arange(50.0), np.random.default_rng(1).standard_normal((rows, 50))
    out = np.full((rows, 50), np.nan)
    run(column, x, 2.0, out)
    np.testing.assert_allclose(out, x * 2 + column)


@cache
def column_sums():
    """The sums of the columns of x, and how many rows there are, times a number."""

    def loop(x, factor, sums, rows):
        sums[:] = 0
        rows[0] = x.shape[0] * factor
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                sums[j] += x[i, j] * factor

    result = writeable(np.float64)
    return kernel(loop, "test-column-sums", read_only(np.float64, 2), types.float64, result, result)


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 8, 9, 1000])
def test_sums_over_the_axis_that_is_cut(rows, set_threads):
    x, found = np.random.default_rng(2).standard_normal((rows, 40)), []
    run = Sliced(column_sums(), 0, summed=(2, 3), unit=1, weight=LEAST)
    for count in (1, 2, 2, 3):
        set_threads(count)
        sums, number = np.full(40, np.nan), np.full(1, np.nan)
        run(x, 2.0, sums, number)
        assert number == 2 * rows
        np.testing.assert_allclose(sums, 2 * x.sum(0), rtol=1e-12, atol=1e-13)
        found.append(sums)
    np.testing.assert_array_equal(found[1], found[2])


def test_the_kernel_itself_is_suited_to_what_is_small():
    run = Sliced(add_columns(), 1, 3, unit=1, weight=2)
    assert run.suited(LARGE // 2 - 1) is run.alone
    assert run.suited(LARGE // 2) is run
    alone = Sliced(add_columns(), 1, 3, weight=0)
    assert alone.suited(1 << 40) is alone.alone


@cache
def meeting():
    """A kernel none of whose first two slices ends before the other has begun; words: begun, met."""

    def loop(words, x):
        add(words.ctypes.data, 1)
        for _ in range(PATIENCE):
            if load(words.ctypes.data) >= 2:
                add(words.ctypes.data + WORD, 1)
                return
            pause()

    return kernel(loop, "test-slices-meet", WIDE, read_only(np.float64))


def test_two_threads_work_at_once(set_threads):
    set_threads(2)
    words = np.zeros(2, np.int64)
    Sliced(meeting(), 1, weight=slices.WAKING)(words, np.zeros(1024))
    assert words.tolist() == [2 * slices.SLICES] * 2


def test_what_is_small_stays_on_one_thread(set_threads, monkeypatch):
    def refuse(size):
        raise AssertionError("a crew is called")

    monkeypatch.setattr(slices, "crew", refuse)
    small, large = np.ones(LARGE - 1, np.float32), np.ones(LARGE, np.float32)
    set_threads(8)
    elementwise.TABLE["exp"](small)
    with pytest.raises(AssertionError):
        elementwise.TABLE["exp"](large)
    set_threads(1)
    elementwise.TABLE["exp"](large)


@cache
def willing():
    def ask(crew, members, work, waking):
        return crews.willing(crew, members, work, waking)

    return kernel(ask, "test-willing", *[types.int64] * 4)


def test_who_sleeps_is_woken_for_a_large_job_or_after_many_small_ones():
    crew = Crew(0)  # nobody changes its words
    asleep = np.zeros((MEMBERS + 3 * 128) // WORD, np.int64)
    address = -(-asleep.ctypes.data // 128) * 128
    words = asleep[(address - asleep.ctypes.data) // WORD :]
    assert willing()(address, 2, 10, 100) == 2  # they watch
    words[MEMBERS // WORD + 16] = 1  # the second sleeps
    assert [willing()(address, 2, 30, 100) for _ in range(5)] == [1, 1, 1, 1, 1]
    words[MEMBERS // WORD] = 1
    words[MISSED // WORD] = 0
    assert [willing()(address, 2, 40, 100) for _ in range(6)] == [0, 0, 1, 0, 0, 1]
    words[MISSED // WORD] = 0
    assert willing()(address, 2, 250, 100) == 2
    assert willing()(address, 1, 250, 100) == 1
    crew.dismiss()


def test_arrays_are_freed(set_threads):
    set_threads(2)
    x = np.ones(LARGE)
    result = elementwise.TABLE["exp"](x)
    references = sys.getrefcount(x), sys.getrefcount(result)
    elementwise.TABLE["exp"](x)
    elementwise.TABLE["exp"](result)
    assert (sys.getrefcount(x), sys.getrefcount(result)) == references
    alive = weakref.ref(result)
    del result
    assert alive() is None


def test_callers_hammer_while_the_count_changes(set_threads):
    cases = [special(LARGE + 1000 * k, "float32") for k in range(5)]
    set_threads(1)
    expected = [elementwise.TABLE["gelu"](x) for x in cases]

    def call(k):
        if k % 10 == 0:
            threads.set_num_threads(1 + k // 10 % 5)
        return np.array_equal(elementwise.TABLE["gelu"](cases[k % 5]), expected[k % 5], equal_nan=True)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(500)))


CHILD = """
import multiprocessing, sys
import numpy as np
from chainrule.backends import threads
from chainrule.backends.numba import elementwise

threads.set_num_threads(2)

def worst(size):
    x = np.linspace(-3, 3, size, dtype=np.float32)
    return float(abs(elementwise.TABLE["sigmoid"](x) - 1 / (1 + np.exp(-x))).max())

if __name__ == "__main__":
    found = worst(1_000_000)  # the parent's threads are running when the child begins
    for method in sys.argv[1:]:
        with multiprocessing.get_context(method).Pool(2) as pool:
            found = max(found, *pool.map(worst, [1_000_000] * 4))
    print(found)
"""


def test_spawned_and_forked_processes(tmp_path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    methods = ["spawn", "fork"] if sys.platform == "linux" else ["spawn"]
    command = [sys.executable, "-P", "-W", "ignore::DeprecationWarning", str(script), *methods]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert float(done.stdout) < 1e-6


@cache
def square_roots():
    def loop(x, out):
        for i in range(out.size):
            if x[i] < 0:
                raise ValueError("a negative number has no square root")
            out[i] = x[i] ** 0.5

    return kernel(loop, "test-square-roots", read_only(np.float64), writeable(np.float64))


def test_an_exception_of_a_part_is_raised(set_threads):
    set_threads(3)
    run, x, out = Sliced(square_roots(), 0, 1), np.arange(3.0 * LARGE), np.empty(3 * LARGE)
    run(x, out)
    np.testing.assert_array_equal(out, np.sqrt(x))
    x[2 * LARGE] = -1
    with pytest.raises(ValueError, match="a negative number has no square root"):
        run(x, out)
