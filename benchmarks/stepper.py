"""The stepper's page in a real browser: size, time until it is ready, and the time of a step, worst ones too.

    python -P benchmarks/stepper.py

It needs the extra `browser` and a Chromium, and says so where they are missing. A step's time is from the key to a
finished layout of the page, forced by asking for an element's place; the browser paints after that, on its own.
The steps are gone through three times: forwards, back, forwards. `worst once` is the slowest of all readings, with the
browser's compiler, its garbage collector and the rest of the machine in it; `worst` is the step whose fastest reading
is the slowest, so what a step itself costs.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.autograd.mode import scope
from chainrule.autograd.value import Value
from chainrule.viz.stepper import Stepper
from chainrule.viz.stepping import step

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEPS = """([key, count]) => {
    const times = [];
    const frame = document.querySelector(".counter");
    for (let k = 0; k < count; k++) {
        const start = performance.now();
        document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        frame.getBoundingClientRect();
        times.push(performance.now() - start);
    }
    return times;
}"""
# From the page's start until the stepper stands, which the page's own clock knows best.
READY = """() => new Promise((done) => {
    const look = () => document.querySelector(".stepper .box") ? done(performance.now()) : requestAnimationFrame(look);
    look();
})"""


def network(*sizes: int) -> Value:
    """An MLP over Values with a scope for each layer and neuron, its weights made by a simple rule."""
    signals = [Value(0.5 - k, label=f"x{k + 1}") for k in range(sizes[0])]
    count = 0
    for layer, units in enumerate(sizes[1:], 1):
        made = []
        with scope(f"layer {layer}"):
            for unit in range(units):
                with scope(f"neuron {unit + 1}"):
                    total = Value(0.1, label="b")
                    for k, signal in enumerate(signals):
                        count += 1
                        total = total + Value((count * 7919 % 200) / 100 - 1, label=f"w{k + 1}") * signal
                    made.append(total.tanh())
        signals = made
    loss = (signals[0] - 1.0) ** 2
    loss.label = "loss"
    return loss


def training(steps: int) -> Stepper:
    """A recorded training of a small network written by hand."""
    weights = [Value(0.9 - 0.3 * k, label=f"w{k + 1}") for k in range(6)]

    def train_step() -> None:
        total = Value(0.0, requires_grad=False)
        for k, weight in enumerate(weights):
            total = total + (weight * (k + 1.0)).tanh()
        loss = (total - 1.0) ** 2
        loss.label = "loss"
        loss.backward()
        for weight in weights:
            weight.data -= 0.02 * weight.grad
            weight.zero_grad()

    return step(train_step, n=steps)


def measure(page: "Page", stepper: Stepper, path: Path) -> dict[str, float]:
    """Size, and times in milliseconds, of one page."""
    start = time.perf_counter()
    stepper.save(path)
    saved = 1000 * (time.perf_counter() - start)
    ready = []
    for _ in range(5):
        page.goto("about:blank")
        page.goto(path.as_uri())
        ready.append(page.evaluate(READY))
    count = len(stepper.trace.steps)
    there, back, again = (
        page.evaluate(STEPS, [key, count]) for key in ("ArrowRight", "ArrowLeft", "ArrowRight")
    )
    times = there + back + again
    own = list(
        map(min, there[:-1], reversed(back[:-1]), again[:-1])
    )  # by the position that is shown, the last aside
    jumps = page.evaluate(STEPS, ["End", 1]) + page.evaluate(STEPS, ["Home", 1])
    page.evaluate(STEPS, ["End", 1])
    explain = page.evaluate(STEPS, [".", 1])
    return {
        "nodes": len(stepper.trace.nodes),
        "steps": count,
        "kB": path.stat().st_size / 1000,
        "saved": saved,
        "ready": statistics.median(ready),
        "step": statistics.median(times),
        "p99": sorted(times)[int(0.99 * len(times))],
        "worst": max(own),
        "worst once": max(times),
        "jump": max(jumps),
        "explain": explain[0],
    }


def main() -> None:
    """Measure the pages, one row each."""
    makers: dict[str, Callable[[], Any]] = {
        "one neuron": lambda: step(network(2, 1)),
        "2-4-4-1 MLP": lambda: step(network(2, 4, 4, 1)),
        "2-16-16-1 MLP": lambda: step(network(2, 16, 16, 1)),
        "20 iterations": lambda: training(20),
    }
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        print("the stepper's page is not measured: that needs pip install 'chainrule[browser]'")
        return
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            print("the stepper's page is not measured: there is no Chromium (apt install chromium)")
            return
        browser = playwright.chromium.launch(executable_path=found)
        page = browser.new_page(viewport={"width": 1300, "height": 800})
        for number, (name, make) in enumerate(makers.items()):
            row = measure(page, make(), Path(folder) / "page.html")
            if number == 0:
                print(f"{'page':15}" + "".join(f"{column:>11}" for column in row) + "   (times in ms)")
            print(f"{name:15}" + "".join(f"{value:11.4g}" for value in row.values()), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
