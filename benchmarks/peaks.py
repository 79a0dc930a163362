"""What the machine can do at most, on one thread: bytes copied, and multiplications and additions, a second."""

# mypy: allow-untyped-calls

from time import perf_counter
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from chainrule.backends.numba.coefficients import FLOAT32
from chainrule.backends.numba.tile import shape

CHAINS = 12  # independent sums: enough to hide the time that one multiplication and addition takes
STEPS = 1 << 20
COPIED = 160_000_000  # bytes
INDEX = ir.IntType(64)


@intrinsic
def chains(context: Any, steps: Any) -> Any:
    """`steps` rounds of one fused multiply-add for each of `CHAINS` vectors in registers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = shape(FLOAT32).lanes
        vector = ir.VectorType(ir.FloatType(), lanes)
        kind = ir.FunctionType(vector, [vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{lanes}f32")
        factor, before = ir.Constant(vector, [0.5] * lanes), builder.block
        loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        k, sums = builder.phi(INDEX), [builder.phi(vector) for _ in range(CHAINS)]
        new = [builder.call(fma, [x, factor, factor]) for x in sums]
        following = builder.add(k, INDEX(1))
        builder.cbranch(builder.icmp_signed("<", following, arguments[0]), loop, after)
        k.add_incoming(INDEX(0), before)
        k.add_incoming(following, loop)
        for n, (x, y) in enumerate(zip(sums, new, strict=True)):
            start = float(n + 2)  # not 1, where x/2 + 1/2 stays and the compiler leaves the chain out
            x.add_incoming(ir.Constant(vector, [start] * lanes), before)
            x.add_incoming(y, loop)
        builder.position_at_end(after)
        total = new[0]
        for x in new[1:]:
            total = builder.fadd(total, x)
        return builder.extract_element(total, ir.IntType(32)(0))

    return types.float32(types.int64), generate


@njit
def run(steps: int) -> float:
    return chains(steps)  # type: ignore[no-any-return]


def best(call: Any, rounds: int = 21) -> float:
    """The shortest time of a call: a limit is what happens undisturbed."""
    call()
    times = []
    for _ in range(rounds):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)


def limits() -> dict[str, float]:
    """Gigabytes a second, read and written, of a copy too large for any cache, and GFLOP/s in float32."""
    x = np.ones(COPIED // 4, np.float32)
    out = np.empty_like(x)
    operations = 2 * CHAINS * shape(FLOAT32).lanes * STEPS
    return {
        "copy_gb_per_s": round(2 * x.nbytes / best(lambda: np.copyto(out, x)) / 1e9, 1),
        "gflop_per_s": round(operations / best(lambda: run(STEPS)) / 1e9, 1),
    }


if __name__ == "__main__":
    print(limits())
