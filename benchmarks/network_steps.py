"""One training step of an MLP (forward, backward, update) written for every contestant; `eager.py` races them."""

import importlib
from itertools import pairwise
from typing import Any

import numpy as np
from racing import Rows, Run, in_columns, race

import chainrule as cr

SHAPES = {"2-16-16-2, batch 100": ((2, 16, 16, 2), 100), "64-32-10, batch 64": ((64, 32, 10), 64)}
RATE = np.float32(0.01)


def start_of(sizes: tuple[int, ...], batch: int) -> tuple[Any, Any, list[Any]]:
    """Data, labels and W1, b1, W2, b2, ... in float32."""
    rng = np.random.default_rng(0)
    parameters: list[Any] = []
    for a, b in pairwise(sizes):
        parameters += [rng.normal(0, a**-0.5, (b, a)).astype(np.float32), np.zeros(b, np.float32)]
    return (
        rng.normal(size=(batch, sizes[0])).astype(np.float32),
        rng.integers(0, sizes[-1], batch),
        parameters,
    )


def numpy_step(X: Any, labels: Any, parameters: list[Any]) -> Run:
    """Written by hand, as someone would who has no library; the loss included."""
    weights, biases, rows = parameters[::2], parameters[1::2], np.arange(len(X))

    def step() -> float:
        inputs = [X]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            inputs.append(np.maximum(inputs[-1] @ W.T + b, 0))
        z = inputs[-1] @ weights[-1].T + biases[-1]
        z -= z.max(1, keepdims=True)
        powers = np.exp(z)
        sums = powers.sum(1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - z[rows, labels]).mean())
        delta = powers / sums
        delta[rows, labels] -= 1
        delta /= np.float32(len(X))
        for k in range(len(weights) - 1, -1, -1):
            dW, db = delta.T @ inputs[k], delta.sum(0)
            if k:
                delta = (delta @ weights[k]) * (inputs[k] > 0)
            weights[k] -= RATE * dW
            biases[k] -= RATE * db
        return loss

    return step


def chainrule_step(X: Any, labels: Any, parameters: list[Any]) -> Run:
    leaves = [cr.Tensor(p) for p in parameters]

    def step() -> float:
        h: Any = X
        for k in range(0, len(leaves) - 2, 2):
            h = cr.relu(cr.linear(h, leaves[k], leaves[k + 1]))
        loss = cr.cross_entropy(cr.linear(h, leaves[-2], leaves[-1]), labels).mean()
        loss.backward()
        with cr.no_grad():
            for p in leaves:
                p -= RATE * p.grad
                p.grad = None
        return float(loss)

    return step


def torch_step(torch: Any, X: Any, labels: Any, parameters: list[Any]) -> Run:
    x, y = torch.from_numpy(X), torch.from_numpy(labels)
    leaves = [torch.tensor(p, requires_grad=True) for p in parameters]
    functional = torch.nn.functional

    def step() -> float:
        h = x
        for k in range(0, len(leaves) - 2, 2):
            h = torch.relu(functional.linear(h, leaves[k], leaves[k + 1]))
        loss = functional.cross_entropy(functional.linear(h, leaves[-2], leaves[-1]), y)
        loss.backward()
        with torch.no_grad():
            for p in leaves:
                p -= 0.01 * p.grad
                p.grad = None
        return float(loss.detach())

    return step


def hips_step(package: Any, X: Any, labels: Any, parameters: list[Any]) -> Run:
    anp = importlib.import_module("autograd.numpy")
    rows = np.arange(len(X))

    def forward(leaves: list[Any]) -> Any:
        h = X
        for k in range(0, len(leaves) - 2, 2):
            h = anp.maximum(anp.dot(h, leaves[k].T) + leaves[k + 1], 0)
        z = anp.dot(h, leaves[-2].T) + leaves[-1]
        top = anp.max(z, axis=1, keepdims=True)
        sums = anp.log(anp.sum(anp.exp(z - top), axis=1)) + top[:, 0]
        return anp.mean(sums - z[rows, labels])

    gradient = package.value_and_grad(forward)

    def step() -> float:
        loss, found = gradient(parameters)
        for p, g in zip(parameters, found, strict=True):
            p -= RATE * g
        return float(loss)

    return step


def mygrad_step(mygrad: Any, X: Any, labels: Any, parameters: list[Any]) -> Run:
    leaves = [mygrad.tensor(p) for p in parameters]
    nnet = importlib.import_module("mygrad.nnet")

    def step() -> float:
        h = X
        for k in range(0, len(leaves) - 2, 2):
            h = nnet.relu(mygrad.matmul(h, leaves[k].T) + leaves[k + 1])
        loss = nnet.softmax_crossentropy(mygrad.matmul(h, leaves[-2].T) + leaves[-1], labels)
        loss.backward()
        for p in leaves:
            p.data -= RATE * p.grad
            p.null_grad()
        return float(loss)

    return step


def network_steps(peers: dict[str, Any]) -> Rows:
    """Microseconds of one training step. All contestants begin with the same numbers and must lose the same."""
    tables = {}
    for name, (sizes, batch) in SHAPES.items():
        runs = {
            "NumPy by hand": numpy_step(*start_of(sizes, batch)),
            "chainrule Tensor": chainrule_step(*start_of(sizes, batch)),
        }
        for peer, make in (("PyTorch", torch_step), ("HIPS autograd", hips_step), ("MyGrad", mygrad_step)):
            if peer in peers:
                runs[peer] = make(peers[peer], *start_of(sizes, batch))
        losses = {who: [run() for _ in range(3)] for who, run in runs.items()}
        for who, found in losses.items():
            assert np.allclose(found, losses["NumPy by hand"], rtol=1e-4), (
                f"{who} computes something else: {losses}"
            )
        tables[name] = race(runs, at_least=0.02)
    return in_columns(tables, 1e6)
