"""Where the numbers that choose between kernel and BLAS come from: `python -P benchmarks/dispatch.py`.

`backends/numba/gemm.py` holds them: the rows and columns of a result from which on the kernel is as fast as NumPy's
BLAS, and PARALLEL, the multiplications from which on a second thread helps. The first table has the time of
BLAS over that of the kernel, call included, the worst of three layouts; the second, where there are two processors, the
time on one thread over that on two.
"""

import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

sys.path.insert(0, str(Path(__file__).parent))  # `-P` leaves it out

from functools import partial
from time import perf_counter

import numpy as np
from racing import race

from chainrule.backends import threads
from chainrule.backends.numba.coefficients import FLOAT32
from chainrule.backends.numba.gemm import multiply_and_finish
from chainrule.backends.numba.gemm_shared import multiply_and_share

FEW = (1, 2, 3, 4, 5, 6, 8, 12, 16, 32)
OTHER = (16, 256, 1000)  # lengths of the other axes
SQUARES = (64, 96, 128, 160, 192, 256, 384)
rng = np.random.default_rng(0)


def operands(m: int, depth: int, n: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """A and B in the layouts of forward and backward passes."""
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((m, depth), (depth, n)))
    return [(a, b), (a, np.asfortranarray(b)), (np.asfortranarray(a), b)]


def advantage(m: int, depth: int, n: int) -> float:
    """BLAS's time over the kernel's in the worst layout."""
    run, out = multiply_and_finish(FLOAT32), np.empty((m, n), np.float32)
    ratios = []
    for a, b in operands(m, depth, n):
        times = race(
            {"kernel": partial(run, a, b, out, out[0], 0), "blas": partial(np.matmul, a, b, out=out)},
            at_least=0.0005,
            clock=perf_counter,
        )
        ratios.append(times["blas"] / times["kernel"])
    return min(ratios)


def gain(size: int) -> float:
    """The time of a square product on one thread over that on two."""
    (a, b), *_ = operands(size, size, size)
    out = np.empty((size, size), np.float32)
    times = {}
    for count in (1, 2):
        threads.set_num_threads(count)
        times[count] = race({"": partial(multiply_and_share, a, b, out, out[0], 0)}, clock=perf_counter)[""]
    return times[1] / times[2]


def main() -> None:
    """Print both tables."""
    shapes = [(k, n) for k in OTHER for n in OTHER]
    print("few rows (m) or columns (n); BLAS / kernel\n     " + "".join(f"{k:>5}x{n:<5}" for k, n in shapes))
    for few in FEW:
        print(f"m={few:<3}" + "".join(f"{advantage(few, k, n):11.2f}" for k, n in shapes), flush=True)
        print(f"n={few:<3}" + "".join(f"{advantage(n, k, few):11.2f}" for k, n in shapes), flush=True)
    if threads.num_threads() > 1 or (os.cpu_count() or 1) > 1:
        print("\nmultiplications, one thread / two threads")
        for size in SQUARES:
            print(f"{size**3:>12} = 2^{np.log2(size**3):.1f} {gain(size):6.2f}", flush=True)


if __name__ == "__main__":
    main()
