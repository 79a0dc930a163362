"""The innermost parts of a convolution: tiles that stay in vector registers, as `tile.py` has for a matrix product.

In an image that lies in memory row after row, what a kernel's tap sees is the image itself, shifted: a run of pixels
from one address on. So the matrix of windows, which would repeat every pixel as often as the kernel has taps, is
never made: its row k is the image from the address `taps[k]` on.
"""

# mypy: allow-untyped-calls

from functools import cache
from typing import Any

from numba import types

from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import intrinsic
from chainrule.backends.numba.tile import INDEX, Vectors, shape

WORD = INDEX(8)  # bytes of a number in `taps`


@cache
def heights(f: Format) -> tuple[int, ...]:
    """The numbers of output channels that a tile is compiled for: 8 x 2 accumulators hide the time of an fma."""
    return (min(8, shape(f).rows), 4, 2, 1)


class Places(Vectors):
    """Vectors at shifted addresses."""

    def tap(self, image: Any, taps: Any, k: Any) -> Any:
        """The address that tap k sees: `taps` holds distances in elements."""
        place = self.builder.add(taps, self.builder.mul(k, WORD))
        distance = self.builder.load(self.pointer(place, INDEX), align=8)
        return self.place(image, (distance, INDEX(1)))


@cache
def shifted(f: Format, rows: int, vectors: int) -> Any:
    """An intrinsic that computes one tile: C[i] = sum over k of A[i, k] image[taps[k]:], for a few vectors of pixels.

    Its arguments: addresses of A, the image, the taps and C; strides between the rows of A and C in elements; how
    many taps there are, at least one.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, a_row, image, taps, c, c_row, depth = arguments
        v = Places(f, builder)
        width, each = INDEX(v.lanes), [(i, j) for i in range(rows) for j in range(vectors)]
        before, loop, after = (
            builder.block,
            builder.append_basic_block("taps"),
            builder.append_basic_block("c"),
        )
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(INDEX)
        sums = {place: builder.phi(v.type) for place in each}
        seen = v.tap(image, taps, k)
        pixels = [v.load(v.place(seen, (INDEX(j), width))) for j in range(vectors)]
        new = {}
        for i in range(rows):
            number = v.number(v.place(a, (INDEX(i), a_row), (k, INDEX(1))))
            for j in range(vectors):
                new[i, j] = v.fma(number, pixels[j], sums[i, j])
        following = builder.add(k, INDEX(1))
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
        k.add_incoming(INDEX(0), before)
        k.add_incoming(following, loop)
        for place in each:
            sums[place].add_incoming(v.zero, before)
            sums[place].add_incoming(new[place], loop)
        builder.position_at_end(after)
        for i, j in each:
            v.store(new[i, j], v.place(c, (INDEX(i), c_row), (INDEX(j), width)))
        return context.get_dummy_value()

    @intrinsic
    def shifted(
        context: Any, a: Any, a_row: Any, image: Any, taps: Any, c: Any, c_row: Any, depth: Any
    ) -> Any:
        return types.void(*[types.int64] * 7), generate

    return shifted


@cache
def correlated(f: Format, rows: int, columns: int) -> Any:
    """An intrinsic that adds to sums[i, k] the products of row i of G with image[taps[k]:], lane by lane.

    Its arguments: addresses of G, the image, the taps and the sums, which are vectors; the stride between the rows
    of G in elements; how many vectors a row has, at least one.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        g, g_row, image, taps, sums, vectors = arguments
        v = Places(f, builder)
        width, each = INDEX(v.lanes), [(i, k) for i in range(rows) for k in range(columns)]
        of_g = [v.place(g, (INDEX(i), g_row)) for i in range(rows)]
        of_image = [v.tap(image, taps, INDEX(k)) for k in range(columns)]
        place = {ik: v.place(sums, (INDEX(n), width)) for n, ik in enumerate(each)}
        start = {ik: v.load(place[ik]) for ik in each}
        before, loop, after = (
            builder.block,
            builder.append_basic_block("row"),
            builder.append_basic_block("end"),
        )
        builder.branch(loop)
        builder.position_at_end(loop)
        n = builder.phi(INDEX)
        totals = {ik: builder.phi(v.type) for ik in each}
        left = [v.load(v.place(address, (n, width))) for address in of_g]
        right = [v.load(v.place(address, (n, width))) for address in of_image]
        new = {(i, k): v.fma(left[i], right[k], totals[i, k]) for i, k in each}
        following = builder.add(n, INDEX(1))
        builder.cbranch(builder.icmp_signed("<", following, vectors), loop, after)
        n.add_incoming(INDEX(0), before)
        n.add_incoming(following, loop)
        for ik in each:
            totals[ik].add_incoming(start[ik], before)
            totals[ik].add_incoming(new[ik], loop)
        builder.position_at_end(after)
        for ik in each:
            v.store(new[ik], place[ik])
        return context.get_dummy_value()

    @intrinsic
    def correlated(context: Any, g: Any, g_row: Any, image: Any, taps: Any, sums: Any, vectors: Any) -> Any:
        return types.void(*[types.int64] * 6), generate

    return correlated
