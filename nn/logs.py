"""Callbacks that write the course of a training to a file while it runs."""

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.backends.atomic import write_atomically
from chainrule.nn.callbacks import Callback
from chainrule.nn.files import PathName
from chainrule.nn.history import History

if TYPE_CHECKING:
    from chainrule.nn.module import Module


class Log(Callback):
    """Write the numbers of every epoch to a CSV or JSON file, anew after each, so that it is always whole.

    Args:
        path: a file whose name ends in ``.csv`` (a row per epoch) or ``.json`` (a list of objects, one per epoch);
            one that is there is replaced.

    Raises:
        OSError: it cannot be written.
        ValueError: another ending.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "log.csv")
        ...     _ = nn.MLP([1, 2]).fit([[0.0], [1.0]], [0, 1], epochs=2, callbacks=[nn.Log(path)], verbose=0)
        ...     path.read_text().splitlines()[0]
        'epoch,loss,accuracy,seconds'
    """

    def __init__(self, path: PathName) -> None:
        self.path = Path(path)
        if self.path.suffix not in (".csv", ".json"):
            raise ValueError(f"Log: the file must end in .csv or .json, got {str(path)!r}")

    def on_epoch(self, model: "Module", history: History) -> None:
        """Write all epochs so far."""
        rows = [
            {
                "epoch": i + 1,
                **{name: numbers[i] for name, numbers in history.series.items()},
                "seconds": time,
            }
            for i, time in enumerate(history.times)
        ]
        if self.path.suffix == ".json":
            text = json.dumps(rows, indent=1)
        else:
            stream = io.StringIO()
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            text = stream.getvalue()
        write_atomically(self.path, [text.encode()])
