"""The lessons are committed as they ran: every cell in order, no error, and nothing of the machine that ran them.

This reads them only; `make lessons` runs them.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LESSONS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
MOST_BYTES = 1_500_000
PATHS = re.compile(
    r"(?<![\w.:/])/(?:home|root|Users|tmp|var|work|opt|usr|mnt)/\w|[A-Z]:\\\\?\w+\\|ipykernel_|site-packages|file://"
)
ENCODED = re.compile(r"base64,[A-Za-z0-9+/=]+")  # a picture may hold any letters


def faults(notebook: dict[str, Any]) -> Iterator[str]:
    """What a committed notebook should not show."""
    cells = notebook["cells"]
    if not cells or cells[0]["cell_type"] != "markdown" or not text(cells[0]["source"]).startswith("# "):
        yield "it does not begin with a title"
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        yield "its kernel is not python3"
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    if (counts := [cell["execution_count"] for cell in code]) != [*range(1, len(code) + 1)]:
        yield f"its cells did not run once, in order: {counts}"
    if len({cell["id"] for cell in cells}) < len(cells):
        yield "two cells have the same id"
    for cell in code:
        where = f"cell {cell['execution_count']}"
        if "execution" in cell["metadata"]:
            yield f"{where} tells when it ran"
        for output in cell["outputs"]:
            yield from (f"{where} {fault}" for fault in output_faults(output))


def output_faults(output: dict[str, Any]) -> Iterator[str]:
    if output["output_type"] == "error":
        yield f"ended in {output['ename']}: {output['evalue']}"
    if output.get("name") == "stderr":
        yield f"printed to stderr: {text(output['text'])[:80]}"
    shown = {"text": output.get("text", ""), **output.get("data", {})}
    for kind, content in shown.items():
        if kind == "image/png":
            continue
        if found := PATHS.search(ENCODED.sub("", text(content))):
            yield f"names a path of a machine: {found[0]}"


def text(content: Any) -> str:
    return "".join(content) if isinstance(content, list) else str(content)


def test_there_are_lessons() -> None:
    assert LESSONS


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson(path: Path, root: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert list(faults(json.loads(source))) == []
    assert str(root) not in source
    assert path.stat().st_size < MOST_BYTES
    assert path.name in (root / "README.md").read_text(encoding="utf-8")


# The checker itself.


def cell(kind: str = "code", count: int | None = 1, outputs: Any = (), **metadata: Any) -> dict[str, Any]:
    made = {"cell_type": kind, "id": f"{kind}-{count}", "metadata": metadata, "source": ["# Title\n", "x"]}
    return made | ({"execution_count": count, "outputs": list(outputs)} if kind == "code" else {})


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": [text]}


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"kernelspec": {"name": "python3"}}, "cells": [cell("markdown"), *cells]}


def html(source: str) -> dict[str, Any]:
    return {"output_type": "execute_result", "data": {"text/html": [source]}, "metadata": {}}


@pytest.mark.parametrize(
    "cells",
    [
        [cell(), cell(count=2, outputs=[stream("1/2 of a/b, 3 / 4 and http://a.org/home/x")])],
        [cell(outputs=[html('<img src="data:image/svg+xml;base64,AAA/tmp/x">')])],
    ],
)
def test_accepts(cells: list[dict[str, Any]]) -> None:
    assert list(faults(notebook(*cells))) == []


@pytest.mark.parametrize(
    "cells",
    [
        [cell(count=None)],
        [cell(count=2), cell(count=1)],
        [cell(count=2)],
        [cell(), cell()],
        [cell(execution={"iopub.status.busy": "2026-01-08"})],
        [cell(outputs=[{"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}])],
        [cell(outputs=[stream("careful", "stderr")])],
        [cell(outputs=[stream("saved /home/ann/steps.html")])],
        [cell(outputs=[html("<td>/tmp/ipykernel_1/2.py</td>")])],
        [cell(outputs=[stream(r"C:\Users\ann")])],
    ],
)
def test_refuses(cells: list[dict[str, Any]]) -> None:
    assert list(faults(notebook(*cells)))
