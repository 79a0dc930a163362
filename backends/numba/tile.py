"""The innermost part of a matrix product: a small tile of C that stays in vector registers.

For each k a tile takes a few vectors of row k of B and, for each of its rows, one number of A, which it multiplies
with all of them. A processor can load about one vector for each multiply-add (fma), so loads must be few:

| tile, rows x vectors | loads for each k | fma | loads per fma | registers |
|---|---|---|---|---|
| 1 x 1 | 1 of B, 1 of A | 1 | 2 | 3 |
| 4 x 2 | 2 of B, 4 of A | 8 | 0.75 | 11 |
| 14 x 2 | 2 of B, 14 of A | 28 | 0.57 | 31 |

The last is the largest of two vectors that fits AVX-512's 32 registers: 28 sums, two vectors of B, one number of A. An
fma takes 4 cycles, and 28 sums that don't wait for each other keep it busy: from the cache such a tile runs at 98% of
the core's peak.

Written as a plain loop LLVM would not keep the tile in registers, so it is written here as LLVM's own instructions, in
one intrinsic: sums, `llvm.fmuladd`, and masks at the right edge.

How many registers there are, and how wide, depends on the processor (`shape`).
"""

# mypy: allow-untyped-calls

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils, registry

from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import intrinsic

INDEX = ir.IntType(64)


class Shape(NamedTuple):
    """The largest tile: `rows` times two vectors of `lanes` numbers."""

    rows: int
    lanes: int


def register_file(machine: Any) -> tuple[int, int]:
    """The bytes of a vector register of a target machine, and the rows of a tile.

    LLVM is asked, by the code it makes for an addition: a processor that is only named lists no features.
    """
    text = "define <16 x float> @f(<16 x float> %x) { %y = fadd <16 x float> %x, %x ret <16 x float> %y }"
    code = machine.emit_assembly(binding.parse_assembly(f'target triple = "{machine.triple}"\n{text}'))
    if "zmm" in code:
        return 64, 14
    if "ymm" in code:
        return 32, 6
    return 16, 6 if "xmm" in code else 12  # of the sums of 14 rows LLVM keeps some in memory on ARM


@cache
def shape(f: Format) -> Shape:
    """The largest tile that fits the registers of the processor that numba compiles for.

    One register is left for A and two for B: 14 x 2 of AVX-512's 32 registers, 6 x 2 of AVX2's 16; 12 x 2
    of NEON's 32, since LLVM needs some more there.
    """
    size, rows = register_file(registry.cpu_target.target_context.codegen()._tm)
    return Shape(rows, size // np.dtype(f.real).itemsize)


@cache
def heights(f: Format) -> tuple[int, ...]:
    """The tile heights that are compiled: enough that few rows are left over, and one for the ten classes of digits."""
    top = shape(f).rows
    return (top, *(h for h in (10, 8, 4, 2, 1) if h < top))


class Vectors:
    """Instructions on vectors of one format, at addresses given as integers."""

    def __init__(self, f: Format, builder: Any) -> None:
        self.lanes, self.size = shape(f).lanes, np.dtype(f.real).itemsize
        self.real = ir.FloatType() if f.real is np.float32 else ir.DoubleType()
        self.type = ir.VectorType(self.real, self.lanes)
        self.mask_type = ir.VectorType(ir.IntType(1), self.lanes)
        self.builder, self.kind = builder, f"v{self.lanes}f{8 * self.size}"
        self.zero = ir.Constant(self.type, [0.0] * self.lanes)

    def place(self, address: Any, *terms: tuple[Any, Any]) -> Any:
        """The address plus products of a number and a stride in elements."""
        for count, stride in terms:
            elements = self.builder.mul(count, stride)
            address = self.builder.add(address, self.builder.mul(elements, INDEX(self.size)))
        return address

    def pointer(self, address: Any, kind: Any) -> Any:
        """The address as a pointer to one number or one vector."""
        return self.builder.inttoptr(address, kind.as_pointer())

    def number(self, address: Any) -> Any:
        """A vector filled with the one number at the address."""
        return self.splat(self.builder.load(self.pointer(address, self.real), align=self.size))

    def splat(self, value: Any) -> Any:
        """A vector filled with one number."""
        empty = ir.Constant(ir.VectorType(value.type, self.lanes), ir.Undefined)
        first = self.builder.insert_element(empty, value, INDEX(0))
        return self.builder.shuffle_vector(
            first, empty, ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        )

    def mask(self, count: Any) -> Any:
        """True in the first `count` lanes."""
        numbers = ir.Constant(ir.VectorType(INDEX, self.lanes), list(range(self.lanes)))
        return self.builder.icmp_signed("<", numbers, self.splat(count))

    def load(self, address: Any, mask: Any = None) -> Any:
        """A vector from the address; zeros, unread, where the mask is false."""
        pointer = self.pointer(address, self.type)
        if mask is None:
            return self.builder.load(pointer, align=self.size)
        operands = [pointer, ir.IntType(32)(self.size), mask, self.zero]
        return self.call(f"masked.load.{self.kind}.p0", self.type, operands)

    def store(self, value: Any, address: Any, mask: Any = None) -> None:
        """Write a vector; nothing where the mask is false."""
        pointer = self.pointer(address, self.type)
        if mask is None:
            self.builder.store(value, pointer, align=self.size)
        else:
            operands = [value, pointer, ir.IntType(32)(self.size), mask]
            self.call(f"masked.store.{self.kind}.p0", ir.VoidType(), operands)

    def fma(self, x: Any, y: Any, z: Any) -> Any:
        """x y + z, rounded once where the processor can: `llvm.fma` would call the C library where it cannot."""
        return self.call(f"fmuladd.{self.kind}", self.type, [x, y, z])

    def prefetch(self, address: Any) -> None:
        """Ask for the cache line at an address, which need not exist."""
        to_read, into_all_caches, data = (ir.IntType(32)(flag) for flag in (0, 3, 1))
        operands = [self.pointer(address, self.real), to_read, into_all_caches, data]
        self.call("prefetch.p0", ir.VoidType(), operands)

    def shuffle(self, x: Any, y: Any, order: list[int]) -> Any:
        """Pick lanes from x (0, 1, ...) and y (lanes, lanes + 1, ...)."""
        return self.builder.shuffle_vector(
            x, y, ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), order)
        )

    def call(self, name: str, result: Any, operands: list[Any]) -> Any:
        """Call one of LLVM's intrinsics."""
        kind = ir.FunctionType(result, [operand.type for operand in operands])
        function = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.{name}")
        return self.builder.call(function, operands)


@cache
def tile(f: Format, rows: int, vectors: int, whole: bool = False, ahead: int = 0) -> Any:
    """An intrinsic that computes one tile: C = A B, or C += A B.

    Its arguments: addresses of the first elements; strides in elements; `depth`, the number of k; `columns`, how
    many there are: the last vector may be partly outside, and is read and written under a mask; `add`, whether to
    add to C.

    Args:
        f: the float format.
        rows: the tile's height.
        vectors: the tile's width.
        whole: whether all columns are always there: without a mask a tile takes 1 or 2% less time.
        ahead: fetch rows of B into the fastest cache so many rows before they are needed; 0 for not.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, a_row, a_k, b, b_row, c, c_row, depth, columns, add = arguments
        v = Vectors(f, builder)
        width = INDEX(v.lanes)
        edge = v.mask(builder.sub(columns, INDEX((vectors - 1) * v.lanes)))
        masks = [None] * (vectors - 1) + [None if whole else edge]
        a_rows = [v.place(a, (INDEX(i), a_row)) for i in range(rows)]
        before, loop = builder.block, builder.append_basic_block("depth")
        after, adding = builder.append_basic_block("after"), builder.append_basic_block("add")
        replacing, done = builder.append_basic_block("replace"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed(">", depth, INDEX(0)), loop, after)

        builder.position_at_end(loop)
        k = builder.phi(INDEX)
        sums = [[builder.phi(v.type) for _ in range(vectors)] for _ in range(rows)]
        of_b = [v.load(v.place(b, (k, b_row), (INDEX(j), width)), masks[j]) for j in range(vectors)]
        if ahead:
            later = builder.add(k, INDEX(ahead))
            for j in range(vectors):
                v.prefetch(v.place(b, (later, b_row), (INDEX(j), width)))
        new = []
        for i in range(rows):
            of_a = v.number(v.place(a_rows[i], (k, a_k)))
            new.append([v.fma(of_a, of_b[j], sums[i][j]) for j in range(vectors)])
        following = builder.add(k, INDEX(1))
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
        k.add_incoming(INDEX(0), before)
        k.add_incoming(following, loop)

        builder.position_at_end(after)
        totals = [[builder.phi(v.type) for _ in range(vectors)] for _ in range(rows)]
        for phis in (sums, totals):
            for i in range(rows):
                for j in range(vectors):
                    phis[i][j].add_incoming(v.zero, before)
                    phis[i][j].add_incoming(new[i][j], loop)
        builder.cbranch(builder.icmp_signed("!=", add, INDEX(0)), adding, replacing)
        for block in (adding, replacing):
            builder.position_at_end(block)
            for i in range(rows):
                for j in range(vectors):
                    place = v.place(c, (INDEX(i), c_row), (INDEX(j), width))
                    value = totals[i][j]
                    v.store(
                        builder.fadd(v.load(place, masks[j]), value) if block is adding else value,
                        place,
                        masks[j],
                    )
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    @intrinsic
    def tile(context: Any, a: Any, a_row: Any, a_k: Any, b: Any, b_row: Any, c: Any, c_row: Any, depth: Any,
             columns: Any, add: Any) -> Any:  # fmt: skip
        return types.void(*[types.int64] * 10), generate

    return tile


@cache
def move(f: Format) -> Any:
    """An intrinsic that copies `count` numbers, at most one vector, from one address to another."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, target, count = arguments
        v = Vectors(f, builder)
        mask = v.mask(count)
        v.store(v.load(source, mask), target, mask)
        return context.get_dummy_value()

    @intrinsic
    def move(context: Any, source: Any, target: Any, count: Any) -> Any:
        return types.void(*[types.int64] * 3), generate

    return move


@cache
def transpose(f: Format) -> Any:
    """An intrinsic that transposes a square of `lanes` rows and columns, from and to rows at a stride.

    Where the source has fewer than `lanes` rows, `count`, the last one is read again in place of those that lack.

    In step h every pair of rows h apart exchanges its off-diagonal h x h squares: log2(lanes) steps, in registers.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, source_row, target, target_row, count = arguments
        last = builder.sub(count, INDEX(1))
        v = Vectors(f, builder)
        n = v.lanes
        lines = [builder.select(builder.icmp_signed("<", INDEX(i), last), INDEX(i), last) for i in range(n)]
        rows = [v.load(v.place(source, (line, source_row))) for line in lines]
        h = n // 2
        while h:
            upper = [lane if lane & h == 0 else n + lane - h for lane in range(n)]
            lower = [lane + h if lane & h == 0 else n + lane for lane in range(n)]
            for i in range(n):
                if i & h == 0:
                    x, y = rows[i], rows[i + h]
                    rows[i], rows[i + h] = v.shuffle(x, y, upper), v.shuffle(x, y, lower)
            h //= 2
        for i, row in enumerate(rows):
            v.store(row, v.place(target, (INDEX(i), target_row)))
        return context.get_dummy_value()

    @intrinsic
    def transpose(
        context: Any, source: Any, source_row: Any, target: Any, target_row: Any, count: Any
    ) -> Any:
        return types.void(*[types.int64] * 5), generate

    return transpose
