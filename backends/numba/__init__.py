"""The numba backend: the NumPy table with its hot functions replaced by compiled kernels.

| file | what it holds |
|---|---|
| `compile.py` | the compiler's flags and the cache on disk |
| `coefficients.py`, `bits.py`, `math.py` | elementary functions that vectorise |
| `vectors.py` | vectors as values, for loops that LLVM does not vectorise well |
| `activations.py` | activations composed of them |
| `elementwise.py` | loops over all these |
| `rows.py`, `entropy.py` | softmax, its logarithm; cross-entropy |
| `reduce.py` | sums, means and maxima along any axes |
| `moments.py`, `norms.py` | layer norm and batch norm |
| `conv_tile.py`, `conv.py`, `pool.py` | convolutions and pooling |
| `tile.py`, `gemm.py` | the kernel of the matrix product |
| `atomics.py`, `places.py`, `crew.py` | threads that wait for work |
| `slices.py`, `gemm_shared.py` | other kernels on several threads; the product |
| `products.py`, `prologue.py`, `epilogue.py` | who computes a product; what goes before it, and what follows |
| `layers.py` | a linear layer with its activation, forward and backward |
| `objects.py`, `updates.py` | arrays read out of a list; the optimizers' updates |
| `codegen.py` | derivative rules become kernels |
| `memory.py` | freed memory serves the next arrays |

A kernel is compiled, or loaded from the disk, when it is first called.
"""

from types import SimpleNamespace

from chainrule.backends import numpy as reference
from chainrule.backends.numba import conv, elementwise, entropy, layers, norms, pool, products, reduce, rows
from chainrule.backends.numba.codegen import fuse, fuse_over
from chainrule.backends.numba.memory import keep_freed_memory
from chainrule.backends.numba.updates import update

table = SimpleNamespace(
    **{name: function for name, function in vars(reference).items() if not name.startswith("_")}
    | elementwise.TABLE
    | rows.TABLE
    | entropy.TABLE
    | products.TABLE
    | layers.TABLE
    | reduce.TABLE
    | norms.TABLE
    | conv.TABLE
    | pool.TABLE
    | {
        "update": update,
        "fuse": fuse,
        "fuse_over": fuse_over,
        "gradients": norms.GRADIENTS | pool.GRADIENTS,
        "keeping": entropy.KEEPING | layers.KEEPING,
    }
)

keep_freed_memory()
