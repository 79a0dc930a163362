"""The user's lines of code that made the nodes."""

from __future__ import annotations

import linecache
from collections.abc import Iterable
from pathlib import PurePath

WHOLE_SOURCE = 80  # lines; of a longer span only those near a recorded line are kept
AROUND = 2  # lines of source kept above and below a recorded one


class Sources:
    """The user's lines near the recorded ones, by short file name."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.found: dict[str, set[int]] = {}

    def add(self, line: tuple[str, int] | None) -> tuple[str, int] | None:
        """Note a line; the name returned is short and hides where the file lies on this machine."""
        if line is None or not linecache.getline(*line):
            return None
        path, number = line
        if path not in self.files:
            notebook = "ipykernel" in path or path.startswith("<ipython")
            name = "notebook cell" if notebook else PurePath(path).name
            again = sum(other.startswith(name) for other in self.files.values())
            self.files[path] = f"{name} ({again + 1})" if again else name
        self.found.setdefault(path, set()).add(number)
        return self.files[path], number

    def lines(self) -> dict[str, dict[str, str]]:
        """Per file, its kept lines by number."""
        kept = {}
        for path, numbers in self.found.items():
            wanted: Iterable[int] = range(min(numbers) - AROUND, max(numbers) + AROUND + 1)
            if max(numbers) - min(numbers) > WHOLE_SOURCE:
                wanted = sorted({n + k for n in numbers for k in range(-AROUND, AROUND + 1)})
            text = linecache.getlines(path)
            kept[self.files[path]] = {str(n): text[n - 1].rstrip() for n in wanted if 1 <= n <= len(text)}
        return kept
