"""The README's table of the eager engine, from `results/eager.json`: `python -P benchmarks/eager_report.py`."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))  # `-P` leaves it out
from report import write_between

RESULTS = Path(__file__).parent / "results" / "eager.json"
NAME = "eager"
ONE_OP, STEPS, MOONS = (
    "one op on 4x4 arrays",
    "one step of an MLP, float32",
    "moons demo 2-16-16-1, 100 samples",
)
NODE = "one node of a chain of Values"


class Line(NamedTuple):
    """One line of the table: our cell of a benchmark's table against another's.

    Attributes:
        title: what is measured.
        table, column: where it stands in the results.
        ours, theirs: the rows to compare; several of theirs: the fastest counts.
        bound: ours may take at most this many times theirs; or, with `faster`, must be this many times as fast.
        faster: see `bound`.
    """

    title: str
    table: str
    column: str
    ours: str
    theirs: tuple[str, ...]
    bound: float
    faster: bool = False


LINES = (
    Line(
        "`Value`: micrograd's moons demo, one step",
        MOONS,
        "step, gc on",
        "chainrule Value",
        ("micrograd",),
        5,
        True,
    ),
    Line(
        "the same, garbage collector off", MOONS, "step, gc off", "chainrule Value", ("micrograd",), 2, True
    ),
    Line(
        "`Tensor` 4×4: one op, forward + backward",
        ONE_OP,
        "forward + backward",
        "chainrule Tensor",
        ("PyTorch", "HIPS autograd", "MyGrad"),
        1,
        True,
    ),
    Line(
        "MLP step 2-16-16-2, batch 100",
        STEPS,
        "2-16-16-2, batch 100",
        "chainrule Tensor",
        ("NumPy by hand",),
        1.5,
    ),
    Line("the same, PyTorch eager", STEPS, "2-16-16-2, batch 100", "chainrule Tensor", ("PyTorch",), 1, True),
    Line(
        "MLP step 64-32-10, batch 64",
        STEPS,
        "64-32-10, batch 64",
        "chainrule Tensor",
        ("NumPy by hand",),
        1.5,
    ),
    Line("the same, PyTorch eager", STEPS, "64-32-10, batch 64", "chainrule Tensor", ("PyTorch",), 1, True),
    Line(
        "cost of a node, 1,000,000 nodes against 1,000",
        NODE,
        "gc off",
        "1,000,000 nodes",
        ("1,000 nodes",),
        2,
    ),
    Line(
        "`import chainrule` against `import numpy`",
        "import",
        "all",
        "import chainrule",
        ("import numpy",),
        1.6,
    ),
)


def table(results: dict[str, Any]) -> str:
    """The targets and how far they are reached, in Markdown."""
    lines = ["| what | time | against | target | measured |", "|---|---|---|---|---|"]
    for line in LINES:
        part = results["tables"][line.table]
        rows, unit = part["rows"], part["unit"].split()[0]
        ours = rows[line.ours][line.column]
        theirs = {who: rows[who][line.column] for who in line.theirs if who in rows}
        if not theirs:
            continue
        who = min(theirs, key=theirs.__getitem__)
        ratio = theirs[who] / ours if line.faster else ours / theirs[who]
        reached = ratio >= line.bound if line.faster else ratio <= line.bound
        bound = f"≥ {line.bound:g}× as fast" if line.faster else f"≤ {line.bound:g}× the time"
        shown = f"{ours * 1e3:.3g} ms" if unit == "s" else f"{ours:.3g} {unit}"
        lines.append(f"| {line.title} | {shown} | {who} | {bound} | {'✓' if reached else '✗'} {ratio:.2f}× |")
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return "\n".join([*lines, "", f"Medians of processor time, one thread, all in one run; {versions}."])


def main() -> None:
    """Write the table into the README."""
    text = table(json.loads(RESULTS.read_text()))
    print(text)
    write_between(NAME, text)


if __name__ == "__main__":
    main()
