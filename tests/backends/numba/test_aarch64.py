"""Real kernels compiled for ARM, read as assembly, not run.

numba's own pipeline runs on them with a target machine of ARM in place of the host's: nothing was vectorised for
another processor before, except that NRT's reference counting holds x86 atomics, which no loop here uses.
"""

import dataclasses
import re

import pytest

pytest.importorskip("numba", reason="needs numba: pip install numba")

import numba
from llvmlite import binding
from numba import types
from numba.core import codegen, registry

from chainrule.backends.numba import compile as compiler, elementwise, tile
from chainrule.backends.numba.coefficients import FLOAT32


@pytest.fixture
def arm(monkeypatch):
    """A fresh format, so that no cached function is met again, and a function from a kernel to its assembly."""
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = binding.Target.from_triple("aarch64-unknown-linux-gnu")
    machine, texts = target.create_target_machine(cpu="neoverse-n1", opt=3), {}
    finish = codegen.CPUCodeLibrary._finalize_final_module

    def record(library):
        texts[library.name] = str(library._final_module)
        finish(library)

    monkeypatch.setattr(codegen.CPUCodeLibrary, "_finalize_final_module", record)
    monkeypatch.setattr(registry.cpu_target.target_context.codegen(), "_tm", machine)
    monkeypatch.setattr(compiler, "cache_directory", lambda: None)

    def assembly(kernel):
        (made,) = kernel.overloads.values()
        text = re.sub(r"(?m)^target .*\n", "", texts[made.library.name])
        text = re.sub(r"(?:tail )?call i8 @llvm\.x86\..*", "add i8 0, 0", text)
        head = f'target triple = "{machine.triple}"\ntarget datalayout = "{machine.target_data}"\n'
        return machine.emit_assembly(binding.parse_assembly(head + text))

    return dataclasses.replace(FLOAT32), assembly


def hot_loop(text):
    """The lines of the shortest loop among those with the most `fmla` of four lanes."""
    lines, labels, loops = text.splitlines(), {}, [[]]
    for i, line in enumerate(lines):
        if label := re.match(r"(\.LBB\w+):", line):
            labels[label[1]] = i
        branch = re.match(r"\s+(?:b|b\.\w+|cbn?z|tbn?z)\s.*?(\.LBB\w+)", line)
        if branch and branch[1] in labels:
            loops.append(lines[labels[branch[1]] : i + 1])
    return max(loops, key=lambda loop: (len(accumulators(loop)), -len(loop)))


def accumulators(loop):
    return [match[1] for line in loop if (match := re.match(r"\s+fmla\s+(v\d+)\.4s", line))]


def spills(loop):
    return [line for line in loop if re.match(r"\s+(?:ld|st)[rup]+\s+q\d+,.*\[sp", line)]


@pytest.mark.parametrize("name", ["tanh", "exp"])
def test_an_elementwise_loop_is_vector_instructions(arm, name):
    f, assembly = arm
    loop = hot_loop(assembly(elementwise.compiled(name, f)))
    assert len(accumulators(loop)) >= 4
    assert not spills(loop)
    assert not [line for line in loop if re.match(r"\s+blr?\s", line)]


def tile_loop(arm, rows):
    f, assembly = arm
    assert tile.shape(f) == (12, 4)
    of = tile.tile(f, rows, 2)

    def run(a, a_row, a_k, b, b_row, c, c_row, depth, columns, add):
        of(a, a_row, a_k, b, b_row, c, c_row, depth, columns, add)

    kernel = numba.njit(**compiler.FLAGS)(run)
    kernel.compile((types.int64,) * 10)
    return hot_loop(assembly(kernel))


@pytest.mark.parametrize("rows", [12, 10, 8])
def test_a_tile_of_the_product_is_fused_vector_instructions(arm, rows):
    loop = tile_loop(arm, rows)
    assert len(accumulators(loop)) == 2 * rows
    assert not [line for line in loop if re.match(r"\s+blr?\s", line)]


@pytest.mark.parametrize("rows", [12, 10, 8])
def test_a_tile_of_the_product_stays_in_registers(arm, rows):
    loop = tile_loop(arm, rows)
    assert len(set(accumulators(loop))) == 2 * rows
    assert not spills(loop)
