"""The README's table and picture of the kernels, from `results/kernels.json`: `python -P benchmarks/report.py`.

The table stands between two comments of the README, and a test compares it with the file.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # `-P` leaves it out
from targets import TARGETS, Target

from chainrule.backends.atomic import write_atomically

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "kernels.json"
PICTURE = ROOT / "docs" / "kernels.svg"
README = ROOT / "README.md"
NAME = "kernels"
BEGIN, END = "<!-- {}: measured, not typed -->", "<!-- {}: end -->"
DOUBLE = {
    "exp 4000000": "exp of 4·10⁶",
    "tanh 4000000": "tanh",
    "gelu 4000000": "gelu",
    "AB 256x256x256": "product 256³",
    "AB 1024x1024x1024": "1024³",
    "linear+relu 128x784x256": "linear + bias + relu",
    "cross-entropy 256x1000": "softmax cross-entropy",
    "layer norm 128x1024": "layer norm",
    "adam 1000000": "Adam",
}
AGAINST = {"numpy": "NumPy", "torch": "PyTorch", "copy": "a copy"}


def table(results: dict[str, Any]) -> str:
    """The targets and how far they are reached, in Markdown, and what machine that was on."""
    lines = ["| kernel, float32 | target | one thread | two threads |", "|---|---|---|---|"]
    for target in TARGETS:
        other = AGAINST[target.against]
        text = (
            f"≤ {target.bound:g} × the time of {other}" if target.at_most else f"≥ {target.bound:g} × {other}"
        )
        cells = [cell(target, results["threads"].get("1", {}), target.bound)]
        cells.append(cell(target, results["threads"].get("2", {}), target.bound_2))
        lines.append(f"| {target.title} | {text} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", doubles(results["threads"].get("1", {})), "", description(results)])


def cell(target: Target, times: Any, bound: float | None) -> str:
    """The smallest and the largest ratio; with a mark, if there is a bound."""
    ratios = target.ratios(times)
    if not ratios:
        return "not measured"
    ends = sorted({f"{ratio:.2f}" for ratio in (min(ratios.values()), max(ratios.values()))}, key=float)
    text = " to ".join(ends)
    if bound is None:
        return text
    short = target.short(ratios, bound)
    if not short:
        return f"✓ {text}"
    return f"✗ {text}" + (f" ({len(short)} of {len(ratios)} rows short)" if len(ratios) > 1 else "")


def doubles(times: Any) -> str:
    """One sentence on the rows in float64."""
    parts = []
    for row, title in DOUBLE.items():
        each = times.get(f"float64 {row}", {})
        if {"numba", "numpy", "torch"} <= each.keys():
            torch = min(time for who, time in each.items() if who.startswith("torch"))
            parts.append(f"{title} {each['numpy'] / each['numba']:.2f} and {torch / each['numba']:.2f}")
    return f"In float64, on one thread, times as fast as NumPy and as PyTorch: {'; '.join(parts)}."


def description(results: dict[str, Any]) -> str:
    """One paragraph on the machine and the versions."""
    machine, limits = results["machine"], results["limits"]
    names = {"python": "Python", "numpy": "NumPy", "torch": "PyTorch", "jax": "JAX"}
    versions = ", ".join(
        f"{names.get(name, name)} {version}" for name, version in machine["versions"].items()
    )
    return (
        f"Measured {results['date']} on {machine['processor']} ({machine['target']}, {machine['cores']} cores, "
        f"{' '.join(machine['features'])}), {machine['system']}; a copy of 160 MB moves "
        f"{limits['copy_gb_per_s']} GB/s, and one core computes at most {limits['gflop_per_s']} GFLOP/s. "
        f"{versions}; BLAS: {machine['blas']}."
    )


def short_rows(results: dict[str, Any]) -> list[str]:
    """Every row that misses its target on one thread, in words."""
    times = results["threads"].get("1", {})
    return [
        f"{row}: {ratio:.2f}, target {'at most' if target.at_most else 'at least'} {target.bound:g} "
        f"(against {AGAINST[target.against]})"
        for target in TARGETS
        for row, ratio in target.short(target.ratios(times), target.bound).items()
    ]


def between(page: str, name: str, text: str) -> str:
    """The page with the text between the two comments of this name."""
    begin, end = BEGIN.format(name), END.format(name)
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page lacks the lines {begin!r} and {end!r}")
    return f"{before}{begin}\n{text}\n{end}{after}"


def write_between(name: str, text: str) -> None:
    """Put the text between the README's two comments of this name."""
    write_atomically(README, [between(README.read_text(encoding="utf-8"), name, text).encode()])


def main() -> None:
    """Write the table into the README, and the picture; name what falls short."""
    import picture

    results = json.loads(RESULTS.read_text())
    text = table(results)
    print(text)
    for row in short_rows(results):
        print(f"falls short: {row}")
    picture.draw(results, PICTURE)
    write_between(NAME, text)


if __name__ == "__main__":
    main()
