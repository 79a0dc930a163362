"""The tile follows the processor that is compiled for; code for ARM is made and read, not run."""

import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

from llvmlite import binding
from numba.core import registry  # noqa: F401 -- it initializes LLVM

from chainrule.backends.numba.tile import register_file


def machine(triple, cpu):
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    return binding.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3)


@pytest.mark.parametrize(
    ("triple", "cpu", "expected"),
    [
        ("x86_64-linux-gnu", "x86-64", (16, 6)),
        ("x86_64-linux-gnu", "haswell", (32, 6)),
        ("x86_64-linux-gnu", "znver4", (64, 14)),
        ("aarch64-linux-gnu", "cortex-a72", (16, 12)),
    ],
)
def test_the_tile_fits_the_processor(triple, cpu, expected):
    assert register_file(machine(triple, cpu)) == expected


def test_a_tile_of_neon_is_fused_vector_instructions():
    # what `tile` writes for four lanes: a broadcast number of A times a vector of B, added to an accumulator
    text = """
    target triple = "aarch64-linux-gnu"
    declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
    define <4 x float> @f(<4 x float> %c, float %a, <4 x float> %b) {
      %one = insertelement <4 x float> undef, float %a, i64 0
      %all = shufflevector <4 x float> %one, <4 x float> undef, <4 x i32> zeroinitializer
      %r = call <4 x float> @llvm.fma.v4f32(<4 x float> %all, <4 x float> %b, <4 x float> %c)
      ret <4 x float> %r
    }"""
    target = machine("aarch64-linux-gnu", "cortex-a72")
    assert re.search(r"fmla\s+v\d+\.4s", target.emit_assembly(binding.parse_assembly(text)))


CHECK = """
import numpy as np
from chainrule.backends.numba import table, tile
from chainrule.backends.numba.coefficients import FLOAT32
x = np.random.default_rng(0).standard_normal((37, 50)).astype(np.float32)
w = np.random.default_rng(1).standard_normal((21, 50)).astype(np.float32)
b = np.zeros(21, np.float32)
assert np.allclose(table.matmul(x, w.T), x @ w.T, atol=1e-4)
assert np.allclose(table.linear(x, w, b, "tanh"), np.tanh(x @ w.T), atol=1e-4)
assert np.allclose(table.sigmoid(x), 1 / (1 + np.exp(-x)), atol=1e-6)
print(*tile.shape(FLOAT32))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not binding.get_host_cpu_features().get("avx2"), reason="platform: needs a processor with AVX2"
)
@pytest.mark.parametrize(("cpu", "expected"), [("haswell", "6 8"), ("x86-64", "6 4")])
def test_kernels_for_an_older_processor(cpu, expected, tmp_path):
    # without NUMBA_CPU_FEATURES numba adds the features of this machine to those of the named one
    environment = os.environ | {
        "NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "-P", "-c", CHECK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert done.stdout.strip() == expected, done.stderr[-2000:]
