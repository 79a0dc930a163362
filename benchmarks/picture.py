"""The picture of the kernels: what they reach of the machine's two limits, on one thread.

A roofline (S. Williams, A. Waterman and D. Patterson, CACM 52, 2009) has a slope, where memory is the limit, and a
flat roof, where arithmetic is. Elementary functions of large arrays lie under the first, matrix products under the
second; each gets a panel of its own.
"""

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt

from chainrule.backends.atomic import write_atomically

FUNCTIONS = ("relu", "exp", "sigmoid", "tanh", "silu", "gelu", "softplus")
LARGE = 4_000_000
SQUARES = (16, 32, 64, 128, 256, 512, 1024, 2048)
INK, PALE, PAPER = "#1f2328", "#656d76", "#ffffff"
STYLE = {
    "numba": ("chainrule", "#1f5fbf"),
    "numpy": ("NumPy", "#8a8f98"),
    "torch": ("PyTorch", "#e07b39"),
    "jax": ("JAX", "#4f9d69"),
}
# What takes the place of a colour where the reader's browser is set to dark.
DARK = {INK: "#e6edf3", PALE: "#9198a1", PAPER: "#0d1117", STYLE["numba"][1]: "#4c9aff"}
SETTINGS = {
    "svg.hashsalt": "chainrule",
    "font.size": 10,
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
}


def draw(results: dict[str, Any], path: Path) -> None:
    """Write the picture as SVG; the same results give the same file."""
    times, limits = results["threads"]["1"], results["limits"]
    with mpl.rc_context(SETTINGS):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
        bandwidth(left, times)
        arithmetic(right, times, limits["gflop_per_s"])
        handles, labels = right.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        text = io.StringIO()
        figure.savefig(text, format="svg", facecolor=PAPER, metadata={"Date": None})
        plt.close(figure)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, [text.getvalue().replace("</style>", f"{dark()}</style>", 1).encode()])


def dark() -> str:
    """The rules that change the colours."""
    rules = (
        f'[style*="{kind}: {light}"] {{{kind}: {colour} !important}}'
        for light, colour in DARK.items()
        for kind in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark) {{{' '.join(rules)}}}"


def titled(axes: Any, title: str, note: str) -> None:
    axes.set_title(f"{title}\n")
    axes.annotate(
        note, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", va="bottom", color=PALE
    )


def bandwidth(axes: Any, times: Any) -> None:
    """Bytes read and written a second, next to those of a copy in the same run."""
    rows = [times[f"{name} {LARGE}"] for name in FUNCTIONS]
    height = 0.8 / len(STYLE)
    for k, (who, (_, colour)) in enumerate(STYLE.items()):
        places = [i + (k - (len(STYLE) - 1) / 2) * height for i, row in enumerate(rows) if who in row]
        widths = [8 * LARGE / row[who] / 1e3 for row in rows if who in row]
        axes.barh(places, widths, height, color=colour)
    copies = [8 * LARGE / row["copy"] / 1e3 for row in rows]
    for i, copy in enumerate(copies):
        axes.plot([copy, copy], [i - 0.45, i + 0.45], color=INK, linewidth=1.5)
    axes.annotate("a copy", (copies[0], -0.45), (0, 2), textcoords="offset points", ha="center", va="bottom")
    axes.set_yticks(range(len(FUNCTIONS)), FUNCTIONS)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("GB/s read and written")
    titled(
        axes,
        f"Limited by memory: functions of {LARGE:,} numbers",
        "float32, one thread; a longer bar is better",
    )


def arithmetic(axes: Any, times: Any, peak: float) -> None:
    """Operations a second of square matrix products."""
    for who, (label, colour) in STYLE.items():
        sizes = [n for n in SQUARES if who in times.get(f"AB {n}x{n}x{n}", {})]
        speeds = [2 * n**3 / times[f"AB {n}x{n}x{n}"][who] / 1e3 for n in sizes]
        width, order = (2.2, 3) if who == "numba" else (1.4, 2)
        axes.plot(
            sizes, speeds, marker="o", markersize=4, color=colour, label=label, linewidth=width, zorder=order
        )
    axes.axhline(peak, color=INK, linewidth=1.5)
    axes.annotate(f"the most that one core computes, {peak:.0f}", (SQUARES[0], peak), (0, 3),
                  textcoords="offset points", va="bottom")  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xticks(SQUARES, SQUARES)
    axes.minorticks_off()
    axes.set_ylim(0, peak * 1.12)
    axes.set_xlabel("n")
    axes.set_ylabel("GFLOP/s")
    titled(axes, "Limited by arithmetic: products of n×n matrices", "float32, one thread; higher is better")
