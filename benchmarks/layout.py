"""How long recording and drawing take: `python -P benchmarks/layout.py`. Medians of processor time, one thread."""

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from chainrule.nn import scalar
from chainrule.viz.layout import lay_out
from chainrule.viz.page import html
from chainrule.viz.record import trace
from chainrule.viz.svg import picture

SIZES = ([2, 1], [2, 4, 4, 1], [2, 16, 16, 1], [4, 20, 20, 4, 1])
RUNS = 7


def median(run: Callable[[], Any]) -> float:
    """Milliseconds of one run."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def main() -> None:
    """Print one row for each network of numbers, with all scopes open and folded."""
    print(
        f"{'MLP':<14}{'nodes':>7}{'record':>10}{'open':>9}{'folded':>9}{'picture':>9}{'page':>9}  (ms)  page (kB)"
    )
    for sizes in SIZES:
        network = scalar.MLP(sizes, activation="tanh")
        loss = (network([0.5] * sizes[0]) - 1.0) ** 2
        recording = trace(loss)
        times = (
            median(lambda loss=loss: trace(loss)),
            median(lambda recording=recording: lay_out(recording, opened=True)),
            median(lambda recording=recording: lay_out(recording)),
            median(lambda recording=recording: picture(recording)),
            median(lambda recording=recording: html({"a": recording}, "t")),
        )
        shown = "".join(f"{ms:9.1f}" for ms in times)
        kilobytes = len(html({"a": recording}, "t")) / 1e3
        print(f"{'-'.join(map(str, sizes)):<14}{len(recording.nodes):>7} {shown}        {kilobytes:8.0f}")


if __name__ == "__main__":
    main()
