"""What the kernels are to reach, as ratios of times in one run, and how far they got."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

Times = Mapping[str, Mapping[str, float]]  # row -> contestant -> microseconds

SMOOTH = ("exp", "sigmoid", "tanh", "silu", "gelu")
SHAPES = ("64x64x32", "128x784x256", "256x128x10", "32x3072x200")


class Target(NamedTuple):
    """One ratio to reach in every one of its rows.

    Attributes:
        title: what is computed.
        rows: patterns of the rows' names.
        against: the contestant; of several whose names begin so, the fastest.
        bound: how many times as fast as that one the kernel must be, in every row.
        at_most: the bound is that of the kernel's time over the other's, which must not be larger.
        bound_2: the bound with two threads, if there is one.
    """

    title: str
    rows: tuple[str, ...]
    against: str
    bound: float
    at_most: bool = False
    bound_2: float | None = None

    def ratios(self, times: Times) -> dict[str, float]:
        """The ratio in each row that was measured."""
        found = {}
        for row, each in times.items():
            others = [t for who, t in each.items() if who.startswith(self.against)]
            if others and "numba" in each and any(fnmatchcase(row, pattern) for pattern in self.rows):
                ratio = min(others) / each["numba"]
                found[row] = 1 / ratio if self.at_most else ratio
        return found

    def short(self, ratios: Mapping[str, float], bound: float) -> dict[str, float]:
        """The rows that miss the bound, by more than the last digit shown."""
        sign = -1 if self.at_most else 1
        return {row: ratio for row, ratio in ratios.items() if sign * round(ratio, 2) < sign * bound}


def rows_of(template: str, *names: object) -> tuple[str, ...]:
    return tuple(template.format(name) for name in names)


LARGE = tuple(f"AB {n}x{n}x{n}" for n in (256, 512, 1024, 2048))
SMALL = (
    *(f"{label} {n}x{n}x{n}" for n in (16, 32, 64) for label in ("AB", "ABt", "AtB")),
    *(f"{label} {shape}" for shape in ("64x64x32", "256x128x10") for label in ("AB", "ABt", "AtB")),
    *("AB 64x32x64", "AtB 32x64x64", "AB 256x10x128", "AtB 10x256x128"),
)
WIDE = (
    *(f"{label} {shape}" for shape in ("128x784x256", "32x3072x200") for label in ("AB", "ABt", "AtB")),
    *("AB 128x256x784", "AtB 256x128x784", "AB 32x200x3072", "AtB 200x32x3072"),
)
LAYERS = rows_of("linear+relu {}", *SHAPES)
ENTROPY = ("cross-entropy 128x10", "cross-entropy 256x1000")
NETWORK = ("conv2d *", "max pool *", "batch norm *", "layer norm *")

TARGETS = (
    Target(
        "exp, sigmoid, tanh, silu, gelu of 4·10⁶", rows_of("{} 4000000", *SMOOTH), "copy", 1.25, at_most=True
    ),
    Target("softplus of 4·10⁶", ("softplus 4000000",), "copy", 1.75, at_most=True),
    Target(
        "exp, sigmoid, silu, gelu, softplus of 10⁵",
        rows_of("{} 100000", "exp", "sigmoid", "silu", "gelu", "softplus"),
        "numpy",
        1.5,
    ),
    Target("tanh of 10⁵", ("tanh 100000",), "numpy", 1.0),
    Target("these six of 10⁵", rows_of("{} 100000", *SMOOTH, "softplus"), "torch", 1.5),
    Target("their backward passes and relu's, 10⁵", ("* backward 100000",), "numpy", 2.0),
    Target("the same, 4·10⁶", ("* backward 4000000",), "numpy", 2.0),
    Target("matrix product 256³ to 2048³", LARGE, "numpy", 1.0, bound_2=0.95),
    Target("matrix products up to 64³, and of small layers", SMALL, "numpy", 1.0),
    Target("matrix products of wide layers", WIDE, "numpy", 1.0),
    Target("linear + bias + relu", LAYERS, "numpy", 1.1),
    Target("linear + bias + relu", LAYERS, "torch", 1.1),
    Target("softmax cross-entropy, both ways", ENTROPY, "numpy", 3.0),
    Target("softmax cross-entropy, both ways", ENTROPY, "torch", 1.5),
    Target("Adam, 10⁶ parameters", ("adam 1000000",), "numpy", 3.0),
    Target("Adam, 10⁶ parameters", ("adam 1000000",), "torch", 1.2),
    Target("conv2d, max pool, batch and layer norm, both ways", NETWORK, "torch", 2.0, at_most=True),
    Target("training step of an MLP 784-256-128-10, eager", ("MLP step *",), "numpy", 1.0),
    Target("training step of an MLP 784-256-128-10, eager", ("MLP step *",), "torch", 1.5),
)
