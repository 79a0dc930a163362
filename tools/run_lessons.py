"""Run notebooks from top to bottom, each in a fresh kernel, and write what they show back into them.

    python -P tools/run_lessons.py [notebook ...]

Without arguments all of `notebooks/`. A cell that raises ends the run, and its notebook stays as it was. Times of
execution are not recorded, so a notebook changes only where what it shows changes.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

LESSONS = Path(__file__).parent.parent / "notebooks"
# The minor version of Python and the like say nothing about a lesson.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def run(path: Path) -> bool:
    """Execute a notebook in place, and say whether anything that it shows has changed."""
    before = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(before, as_version=4)
    NotebookClient(
        notebook, record_timing=False, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    after = nbformat.writes(notebook) + "\n"
    new = path.with_suffix(".new")
    new.write_text(after, encoding="utf-8")
    new.replace(path)
    return after != before


def main() -> None:
    """Run the notebooks named on the command line, or all of them."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(LESSONS.glob("*.ipynb")):
        print(f"{path.name}: ", end="", flush=True)
        print("changed" if run(path) else "as before")


if __name__ == "__main__":
    main()
