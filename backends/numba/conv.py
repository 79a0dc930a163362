"""Convolutions over one or two axes: forward, and both its transposes, which are its derivatives.

An image is copied once into a frame of zeros (the padding), in which every tap of the kernel sees a shifted run of
pixels (`conv_tile.py`). With a stride the frame holds the image cut into phases, pixels (i, j) of equal remainders
together, so that there too a tap sees neighbours. Results are computed as wide as a row of the frame; the few pixels
where a window would reach over the end of a row are left out when the result is copied to its place.

The transpose in the image is such a sum again, of the cotangent seen through the turned kernel, for each phase of the
image by itself. The transpose in the kernel multiplies each channel of the cotangent with each shifted image.
"""

# mypy: allow-untyped-calls

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from chainrule.backends import numpy as reference
from chainrule.backends.numba.coefficients import Format
from chainrule.backends.numba.compile import compiled_apart, kernel, read_only, writeable
from chainrule.backends.numba.conv_tile import correlated, heights, shifted
from chainrule.backends.numba.elementwise import FORMATS
from chainrule.backends.numba.reduce import block_sum
from chainrule.backends.numba.rows import fits
from chainrule.backends.numba.slices import Sliced
from chainrule.backends.numba.tile import move, shape

Array = NDArray[Any]
Axes = tuple[int, ...]
NEAR = 1 << 18  # bytes of images that are worked on at a time: a part of the second-level cache
TAPS = 8  # of an element of the result, that take as long as an elementary function
FEW = 4  # rows and columns of a tile of the kernel's gradient
WORDS = types.Array(types.int64, 1, "C", readonly=True)


class Frame(NamedTuple):
    """How an image lies in its frame: `before` rows and columns of zeros, cut into `steps` phases of `size`."""

    before: tuple[int, int]
    steps: tuple[int, int]
    size: tuple[int, int]

    def elements(self, channels: int) -> int:
        """How many numbers the frame of one image has."""
        return channels * self.steps[0] * self.steps[1] * self.size[0] * self.size[1]


@cache
def framing(f: Format) -> Any:
    """Copy an image (C, H, W) into its frame; what lies around it stays as it is."""
    lanes, item, move_of = shape(f).lanes, np.dtype(f.real).itemsize, move(f)

    @compiled_apart
    def framing(
        x: Array, frame: Array, top: int, left: int, down: int, right: int, high: int, wide: int
    ) -> None:
        channels, height, width = x.shape
        for c in range(channels):
            for h in range(height):
                i = h + top
                row = ((c * down + i % down) * right * high + i // down) * wide
                if right == 1:
                    source, target = x[c, h].ctypes.data, frame.ctypes.data + (row + left) * item
                    for j in range(0, width, lanes):
                        move_of(source + j * item, target + j * item, min(width - j, lanes))
                else:
                    for w in range(width):
                        j = w + left
                        frame[row + j % right * high * wide + j // right] = x[c, h, w]

    return framing


@cache
def sweep(f: Format) -> Any:
    """Compute `pixels` neighbouring pixels of every channel, tile by tile."""
    lanes, item = shape(f).lanes, np.dtype(f.real).itemsize
    scope: dict[str, Any] = {"item": item}
    lines = [
        "def sweep(a, channels, image, taps, depth, c, c_row, pixels):",
        f"    for j in range(0, pixels, {2 * lanes}):",
        "        i = 0",
    ]
    for rows in heights(f):
        scope |= {f"shifted_{rows}_{vectors}": shifted(f, rows, vectors) for vectors in (1, 2)}
        call = "a + i * depth * item, depth, image + j * item, taps, c + (i * c_row + j) * item, c_row, depth"
        lines += [
            f"        while channels - i >= {rows}:",
            f"            if pixels - j > {lanes}:",
            f"                shifted_{rows}_2({call})",
            "            else:",
            f"                shifted_{rows}_1({call})",
            f"            i += {rows}",
        ]
    exec("\n".join(lines), scope)  # noqa: S102 -- the text above
    return compiled_apart(scope["sweep"])


def convolution(f: Format) -> Callable[..., Any]:
    """The kernel of `conv` and `conv_input`: each image into its frame, then the sums over the taps, band by band."""
    into_frame, sweep_of, move_of = framing(f), sweep(f), move(f)
    lanes, item = shape(f).lanes, np.dtype(f.real).itemsize

    def loop(
        x: Array, weight: Array, taps: Array, numbers: Axes, elements: int, long: int, out: Array
    ) -> None:
        (top, left, down, right, high, width, row, column, rows, columns,
         out_row, out_column, row_step, column_step) = numbers  # fmt: skip
        channels, depth = weight.shape
        frame, wide, band = np.zeros(elements, x.dtype), np.empty((channels, long), x.dtype), long // width
        for n in range(x.shape[0]):
            into_frame(x[n], frame, top, left, down, right, high, width)
            for first in range(0, rows, band):
                many = min(band, rows - first)
                image = frame.ctypes.data + ((row + first) * width + column) * item
                sweep_of(
                    weight.ctypes.data, channels, image, taps.ctypes.data, depth,
                    wide.ctypes.data, wide.shape[1], (many - 1) * width + columns,
                )  # fmt: skip
                for c in range(channels):
                    for i in range(many):
                        target = out[n, c, out_row + (first + i) * row_step]
                        if column_step == 1:
                            source = wide.ctypes.data + (c * wide.shape[1] + i * width) * item
                            place = target.ctypes.data + out_column * item
                            for j in range(0, columns, lanes):
                                move_of(source + j * item, place + j * item, min(columns - j, lanes))
                        else:
                            for j in range(columns):
                                target[out_column + j * column_step] = wide[c, i * width + j]

    return loop


@cache
def tiles(f: Format) -> Any:
    """Add to out (O, taps) the products of the channels of g with the images that the taps see."""
    total, lanes, few = block_sum(f), shape(f).lanes, FEW
    large, tall, flat, small = (correlated(f, rows, columns) for rows in (few, 1) for columns in (few, 1))

    @compiled_apart
    def tile(
        frames: Array, g: Array, o: int, rows: int, taps: int, columns: int, sums: Array, count: int
    ) -> None:
        vectors, of_sums = g.shape[2] // lanes, sums.ctypes.data
        sums[:] = 0
        for n in range(count):
            of_g, image = g[n, o].ctypes.data, frames[n].ctypes.data
            if rows > 1 and columns > 1:
                large(of_g, g.shape[2], image, taps, of_sums, vectors)
            elif rows > 1:
                tall(of_g, g.shape[2], image, taps, of_sums, vectors)
            elif columns > 1:
                flat(of_g, g.shape[2], image, taps, of_sums, vectors)
            else:
                small(of_g, g.shape[2], image, taps, of_sums, vectors)

    @compiled_apart
    def tiles(frames: Array, g: Array, count: int, taps: Array, sums: Array, out: Array) -> None:
        channels, depth = out.shape
        o = 0
        while o < channels:
            rows, k = few if channels - o >= few else 1, 0
            while k < depth:
                columns = few if depth - k >= few else 1
                tile(frames, g, o, rows, taps.ctypes.data + 8 * k, columns, sums, count)
                for i in range(rows * columns):
                    part = total(sums[i * lanes : (i + 1) * lanes])
                    out[o + i // columns, k + i % columns] += part
                k += columns
            o += rows

    return tiles


def kernel_gradient(f: Format) -> Callable[..., Any]:
    """The kernel of `conv_weight`: a group of images into frames, then tiles of products, channel by tap."""
    into_frame, tiles_of, lanes = framing(f), tiles(f), shape(f).lanes

    def loop(
        x: Array, g: Array, taps: Array, numbers: Axes, group: int, elements: int, long: int, out: Array
    ) -> None:
        top, left, down, right, high, width = numbers
        group = min(group, x.shape[0])
        frames, wide = np.zeros((group, elements), x.dtype), np.zeros((group, g.shape[1], long), x.dtype)
        sums = np.empty(FEW * FEW * lanes, x.dtype)
        out[:] = 0
        for start in range(0, x.shape[0], group):
            count = min(group, x.shape[0] - start)
            for n in range(count):
                into_frame(x[start + n], frames[n], top, left, down, right, high, width)
                for c in range(g.shape[1]):
                    into_frame(g[start + n, c : c + 1], wide[n, c], 0, 0, 1, 1, g.shape[2], width)
            tiles_of(frames, wide, count, taps, sums, out)

    return loop


@cache
def compiled(name: str, f: Format) -> Sliced:
    """One of the two kernels for one format."""
    image, matrix, result = read_only(f.real, 4), read_only(f.real, 2), writeable
    number = types.int64
    if name == "conv":
        numbers = types.UniTuple(number, 14)
        loop = convolution(f)
        run = kernel(loop, f"conv-{f.name}", image, matrix, WORDS, numbers, number, number, result(f.real, 4))
        return Sliced(run, 0, 6, unit=1)
    numbers = types.UniTuple(number, 6)
    loop = kernel_gradient(f)
    arguments = image, image, WORDS, numbers, number, number, number, result(f.real, 2)
    return Sliced(kernel(loop, f"conv_weight-{f.name}", *arguments), 0, 1, summed=(7,), unit=1)


def distances(channels: int, frame: Frame, size: tuple[int, int]) -> Array:
    """How far in the frame each tap (channel, row, column) of a kernel sees."""
    c, u, v = np.indices((channels, *size))
    (down, right), (high, wide) = frame.steps, frame.size
    place = ((c * down + u % down) * right + v % right) * high + u // down
    return np.ravel(place * wide + v // right)


@lru_cache(maxsize=1024)
def forward_plan(image: Axes, size: Axes, stride: Axes, padding: Axes) -> tuple[Frame, Array, Axes]:
    """The frame of an image (C, H, W), the taps of a kernel of a size, and the kernel's first six numbers."""
    channels, *lengths = image
    high, wide = (-(-(n + 2 * p) // s) for n, p, s in zip(lengths, padding, stride, strict=True))
    frame = Frame((padding[0], padding[1]), (stride[0], stride[1]), (high, wide))
    return frame, distances(channels, frame, (size[0], size[1])), (*padding, *stride, high, wide)


class Phase(NamedTuple):
    """How the pixels of an image whose remainders are `first` come from the frame of the cotangent."""

    first: tuple[int, int]
    taps: Array
    numbers: Axes


@lru_cache(maxsize=1024)
def transposed_plan(
    image: Axes, channels: int, size: Axes, stride: Axes, padding: Axes
) -> tuple[Frame, tuple[Phase, ...]]:
    """The frame of a cotangent with some channels, and the phases of an image (H, W)."""
    reach = [-(-k // s) for k, s in zip(size, stride, strict=True)]
    high, wide = (
        -(-(n + 2 * p) // s) + r - 1 for n, p, s, r in zip(image, padding, stride, reach, strict=True)
    )
    frame, phases = Frame((reach[0] - 1, reach[1] - 1), (1, 1), (high, wide)), []
    for first in np.ndindex(*stride):
        starts, counts, targets = [], [], []
        for n, p, s, a in zip(image, padding, stride, first, strict=True):
            start = max(0, -(-(p - a) // s))
            starts.append(start)
            counts.append((n - 1 + p - a) // s - start + 1)
            targets.append(s * start + a - p)
        taken = [-(-(k - a) // s) for k, s, a in zip(size, stride, first, strict=True)]
        if min(*counts, *taken) < 1:
            continue
        o, u, v = np.indices((channels, *taken))
        taps = ((o * high + reach[0] - 1 - u) * wide + reach[1] - 1 - v).ravel()
        numbers = (reach[0] - 1, reach[1] - 1, 1, 1, high, wide, *starts, *counts, *targets, *stride)
        phases.append(Phase((first[0], first[1]), taps, numbers))
    return frame, tuple(phases)


def run(x: Array, weight: Array, taps: Array, numbers: Axes, frame: Frame, out: Array) -> None:
    """Call the kernel of `conv`, and tell it how much scratch memory it needs."""
    f, item = FORMATS[x.dtype], x.dtype.itemsize
    pair = 2 * shape(f).lanes
    rows = min(numbers[8], max(1, NEAR // 2 // (len(weight) * numbers[5] * item)))
    elements, long = frame.elements(x.shape[1]) + pair, -(-rows * numbers[5] // pair) * pair
    work = len(x) * numbers[8] * numbers[9] * weight.size // TAPS
    compiled("conv", f).run(work, x, weight, taps, numbers, elements, long, out)


def two_axes(*operands: Array) -> list[Array]:
    """Images and kernels of one axis as those of two, of height 1."""
    return [x if x.ndim == 4 else x.reshape(*x.shape[:2], 1, x.shape[2]) for x in operands]


def suits(x: Array, y: Array) -> bool:
    """Whether there is a kernel for two operands."""
    return fits(x) and fits(y) and x.dtype == y.dtype and x.ndim in (3, 4) and x.size > 0 and y.size > 0


def conv(x: Array, weight: Array, stride: Axes, padding: Axes) -> Any:
    if not suits(x, weight):
        return reference.conv(x, weight, stride, padding)
    ends = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(x.shape[2:], weight.shape[2:], stride, padding)]
    image, kernel_ = two_axes(x, weight)
    stride, padding = (1,) * (4 - x.ndim) + stride, (0,) * (4 - x.ndim) + padding
    frame, taps, numbers = forward_plan(image.shape[1:], kernel_.shape[2:], stride, padding)
    out = np.empty((len(x), len(weight), *ends), x.dtype)
    (target,) = two_axes(out)
    numbers = (*numbers, 0, 0, *target.shape[2:], 0, 0, 1, 1)
    run(image, kernel_.reshape(len(weight), -1), taps, numbers, frame, target)
    return out


def conv_input(g: Array, weight: Array, size: Axes, stride: Axes, padding: Axes) -> Any:
    g = np.ascontiguousarray(g)
    # Around g the frame holds zeros, and zero times an infinite weight is not the zero that belongs there.
    if not suits(g, weight) or 0 in size or not np.isfinite(weight).all():
        return reference.conv_input(g, weight, size, stride, padding)
    image, kernel_ = two_axes(g, weight)
    single = (1,) * (4 - g.ndim)
    stride, padding = single + stride, (0,) * (4 - g.ndim) + padding
    plan = transposed_plan(single + size, len(weight), kernel_.shape[2:], stride, padding)
    frame, phases = plan
    make = np.empty if stride == (1, 1) and len(phases) == 1 else np.zeros
    out = make((len(g), weight.shape[1], *size), g.dtype)
    (target,) = two_axes(out)
    for phase in phases:
        part = kernel_[:, :, phase.first[0] :: stride[0], phase.first[1] :: stride[1]]
        turned = np.ascontiguousarray(part.transpose(1, 0, 2, 3)).reshape(weight.shape[1], -1)
        run(image, turned, phase.taps, phase.numbers, frame, target)
    return out


def conv_weight(x: Array, g: Array, size: Axes, stride: Axes, padding: Axes) -> Any:
    g = np.ascontiguousarray(g)
    found = None
    if suits(x, g):
        image, cotangent = two_axes(x, g)
        single = (1,) * (4 - x.ndim)
        found = np.empty((g.shape[1], x.shape[1], *size), x.dtype)
        plan = forward_plan(image.shape[1:], single + size, single + stride, (0,) * (4 - x.ndim) + padding)
        correlate(image, cotangent, plan, found.reshape(g.shape[1], -1))
    # Where a row of the frame ends, g is zero, and zero times an infinite pixel does not belong to the sum.
    if found is None or not np.isfinite(found).all():
        return reference.conv_weight(x, g, size, stride, padding)
    return found


def correlate(x: Array, g: Array, plan: tuple[Frame, Array, Axes], out: Array) -> None:
    """Call the kernel of `conv_weight`, and tell it how much scratch memory it needs: frames of a group of images."""
    frame, taps, numbers = plan
    f, lanes = FORMATS[x.dtype], shape(FORMATS[x.dtype]).lanes
    rows, columns = g.shape[2:]
    long = -(-((rows - 1) * numbers[5] + columns) // lanes) * lanes
    elements = frame.elements(x.shape[1]) + lanes
    group = max(1, min(len(x), NEAR // ((elements + g.shape[1] * long) * x.dtype.itemsize)))
    work = g.size * out.shape[1] // TAPS
    compiled("conv_weight", f).run(work, x, g, taps, numbers, group, elements, long, out)


TABLE = {"conv": conv, "conv_input": conv_input, "conv_weight": conv_weight}
