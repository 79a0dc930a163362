"""The demo: a network learns real handwriting, and its backprop can be stepped through."""

import webbrowser
from pathlib import Path

import numpy as np

from chainrule.autograd.mode import record_lines, scope
from chainrule.autograd.tensor import Tensor
from chainrule.autograd.value import Value
from chainrule.nn import losses
from chainrule.nn.recipes import DigitsRun, train_digits
from chainrule.viz import Stepper, save_page, step

ROWS = 8  # of the mini-batch on the page


def run(path: Path, seed: int = 0, open_page: bool = False) -> float:
    """Train on the digits, say how well it went, and write the page.

    Args:
        path: where the page goes; its name ends in ``.html``.
        seed: for the split, the weights and the order of the batches.
        open_page: open the page in the browser.

    Returns:
        The test accuracy.

    Raises:
        OSError: the page cannot be written.
        ValueError: the path does not end in ``.html``.
    """
    print("An MLP 64-32-10 learns 1,347 handwritten digits of 8×8 pixels; 450 others are kept for the test.")
    trained = train_digits(seed, verbose=1)
    print(f"Test accuracy {trained.accuracy:.4f}, trained in {trained.seconds:.1f} s.")
    page = save_page(
        path,
        {"one neuron": neuron(), "the network": network(trained)},
        title="chainrule: backprop, step by step",
    ).resolve()
    print(f"Step through backprop of one neuron and of the network: {page}")
    if open_page:
        webbrowser.open(page.as_uri())
    return trained.accuracy


def neuron() -> Stepper:
    """Return backprop of one logistic neuron on one example with the label y = 1."""

    def neuron(x1: Value, x2: Value, w1: Value, w2: Value, b: Value) -> Value:
        z = w1 * x1 + w2 * x2 + b
        a = z.sigmoid()
        loss = -a.log()
        z.label, a.label, loss.label = "z", "a", "L"
        return loss

    return step(neuron, 2.0, -1.0, -3.0, 1.0, 6.5)


def network(trained: DigitsRun) -> Stepper:
    """Return backprop of a trained network on one mini-batch of digits that it has not seen."""
    pixels = Tensor(trained.X_test[:ROWS], dtype=np.float32, requires_grad=False, label="X")
    labels = Tensor(trained.y_test[:ROWS], label="y")
    with record_lines():
        logits = pixels
        for layer in trained.model:  # one by one, so that each has a box of its own
            logits = layer(logits)
        logits.label = "logits"
        with scope("loss"):
            loss = losses.cross_entropy(logits, labels)
    loss.label = "L"
    return step(loss)
