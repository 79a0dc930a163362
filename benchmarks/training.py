"""Whole trainings beside scikit-learn and PyTorch: `python -P benchmarks/training.py [--quick] [--json FILE]`.

On one thread, or as many as OMP_NUM_THREADS says. Every contestant gets the same rows, the same model and the same
settings; each row of a table says what was reached, so that nobody is fast by stopping early.
"""

import argparse
import json
import statistics
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # `-P` leaves it out
from measure import THREADS, medians, torch  # first: it sets the number of threads

# isort: split
import numpy as np

try:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
except ImportError:
    sys.exit("training.py compares with scikit-learn, which is missing: pip install 'chainrule[bench]'")

import chainrule as cr
from chainrule import nn
from chainrule.backends.atomic import write_atomically

Table = tuple[Any, Any]
HIDDEN, WIDE, BATCH, RATE, GOAL, EPOCHS = 32, 100, 32, 0.005, 0.97, 30
SEEDS = range(5)


def tables() -> Iterator[tuple[str, Table]]:
    """The tables of logistic regression, in float64: two real ones, and one as wide as the lectures' images of cats."""
    cancer, digits, rng = nn.data.load_breast_cancer(), nn.data.load_digits(), np.random.default_rng(0)
    yield "breast cancer 569 x 30", (standardized(cancer.X), cancer.y)
    yield "digits 1797 x 64", (digits.X.astype(np.float64) / 16, digits.y)
    yield "images 209 x 12288", (rng.random((209, 12288)), rng.integers(0, 2, 209))


def standardized(X: Any) -> Any:
    return nn.data.Standardize().fit_transform(X.astype(np.float64)).astype(np.float64)


# Logistic regression: C = 1, so the objective is the mean log-loss + |W|² / (2 rows). The goal is the objective at
# which scikit-learn stops with its defaults; the others go on until they are there.


class Goal(nn.Callback):
    """Ends a training when this says so."""

    def __init__(self, reached: Callable[[Any, Any], bool]) -> None:
        self.reached = reached

    def on_epoch(self, model: Any, history: Any) -> bool:
        return self.reached(model, history)


def ours_logistic(X: Any, y: Any, goal: float) -> tuple[Any, Any]:
    model = nn.LogisticRegression(X.shape[1], int(y.max()) + 1, dtype=np.float64)
    stop = Goal(lambda model, history: history.loss[-1] <= goal)
    model.fit(X, y, l2=1 / len(X), callbacks=[stop], verbose=0)
    assert model.linear.bias is not None
    return model.linear.weight.data, model.linear.bias.data


def sklearn_logistic(X: Any, y: Any, goal: float) -> tuple[Any, Any]:
    model = LogisticRegression(max_iter=1000).fit(X, y)
    return model.coef_, model.intercept_


def torch_logistic(X: Any, y: Any, goal: float) -> tuple[Any, Any]:
    two = y.max() == 1
    layer = torch.nn.Linear(X.shape[1], 1 if two else int(y.max()) + 1, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    rows, labels = torch.from_numpy(X), torch.from_numpy(y.astype(np.float64) if two else y)
    lbfgs = torch.optim.LBFGS(
        layer.parameters(), max_iter=1000, tolerance_grad=3e-5, line_search_fn="strong_wolfe"
    )
    functional = torch.nn.functional

    def closure() -> Any:
        lbfgs.zero_grad()
        logits = layer(rows)
        loss = (
            functional.binary_cross_entropy_with_logits(logits[:, 0], labels)
            if two
            else functional.cross_entropy(logits, labels)
        )
        loss = loss + layer.weight.square().sum() / (2 * len(rows))
        loss.backward()
        return loss

    lbfgs.step(closure)
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def objective(X: Any, y: Any, weight: Any, bias: Any) -> float:
    logits = X @ weight.T + bias
    if logits.shape[1] == 1:
        losses = np.logaddexp(0, logits[:, 0]) - y * logits[:, 0]
    else:
        losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(y)), y]
    return float(losses.mean() + np.square(weight).sum() / (2 * len(X)))


def logistic_regression(seconds: float) -> dict[str, Any]:
    print("\nLogistic regression by L-BFGS, C = 1: milliseconds, and the objective reached")
    makers = {"chainrule": ours_logistic, "scikit-learn": sklearn_logistic}
    if torch:
        makers["PyTorch"] = torch_logistic
    results = {}
    for name, (X, y) in tables():
        goal = objective(X, y, *sklearn_logistic(X, y, 0.0)) * (1 + 1e-9)
        losses = {who: objective(X, y, *make(X, y, goal)) for who, make in makers.items()}
        calls = {who: partial(make, X, y, goal) for who, make in makers.items()}
        times = medians(calls, seconds)
        results[name] = {who: {"ms": times[who] / 1e3, "objective": losses[who]} for who in makers}
        cells = [f"{who} {times[who] / 1e3:8.2f} ms {losses[who]:.6f}" for who in makers]
        verdict = times["scikit-learn"] / times["chainrule"]
        print(f"{name:24}{'   '.join(cells)}   {verdict:.2f} x as fast as scikit-learn")
    return results


# A network for digits: the same layers, the initial weights of Glorot, Adam, batches of 32; the time of training alone,
# until it is good enough.


def split(load: Callable[[], Any], seed: int) -> tuple[Any, ...]:
    data = load()
    X, X_test, y, y_test = nn.data.train_test_split(
        data.X, data.y, test_size=0.25, stratify=data.y, seed=seed
    )
    scaler = nn.data.Standardize().fit(X)
    return (*(scaler.transform(part).astype(np.float32) for part in (X, X_test)), y, y_test)


def ours_digits(seed: int, backend: str) -> tuple[float, int]:
    X, X_test, y, y_test = split(nn.data.load_digits, seed)

    stop = Goal(lambda model, history: bool(model.score(X_test, y_test) >= GOAL))
    with cr.use_backend(backend):
        cr.seed(seed)
        model = nn.MLP([64, WIDE, 10], init="xavier_uniform")
        history = model.fit(
            X, y, epochs=EPOCHS, batch_size=BATCH, callbacks=[stop], verbose=0,
            optimizer=nn.optim.Adam(model.parameters(), lr=RATE),
        )  # fmt: skip
    return sum(history.times), history.epochs


def sklearn_digits(seed: int, backend: str) -> tuple[float, int]:
    X, X_test, y, y_test = split(nn.data.load_digits, seed)
    model = MLPClassifier((WIDE,), batch_size=BATCH, learning_rate_init=RATE, random_state=seed)
    return until(lambda: model.partial_fit(X, y, classes=np.arange(10)), lambda: model.score(X_test, y_test))


def torch_digits(seed: int, backend: str) -> tuple[float, int]:
    X, X_test, y, y_test = split(nn.data.load_digits, seed)
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(64, WIDE), torch.nn.ReLU(), torch.nn.Linear(WIDE, 10))
    for layer in (model[0], model[2]):
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    adam = torch.optim.Adam(model.parameters(), lr=RATE)
    rows, labels, test = torch.from_numpy(X), torch.from_numpy(y), torch.from_numpy(X_test)

    def epoch() -> None:
        for batch in torch.randperm(len(rows)).split(BATCH):
            adam.zero_grad()
            torch.nn.functional.cross_entropy(model(rows[batch]), labels[batch]).backward()
            adam.step()

    return until(epoch, lambda: float((model(test).argmax(1).numpy() == y_test).mean()))


def until(epoch: Callable[[], Any], score: Callable[[], float]) -> tuple[float, int]:
    """Train until the goal is reached; return the seconds of training and the epochs."""
    seconds, epochs = 0.0, 0
    while epochs < EPOCHS and (epochs == 0 or score() < GOAL):
        start = perf_counter()
        epoch()
        seconds += perf_counter() - start
        epochs += 1
    return seconds, epochs


def digits(seeds: range) -> dict[str, Any]:
    print(
        f"\nMLP 64-{WIDE}-10 on digits, Adam, batches of {BATCH}: until {GOAL:.0%} of the test rows are right"
    )
    runs: dict[str, tuple[Callable[[int, str], tuple[float, int]], str]] = {
        "chainrule, numpy": (ours_digits, "numpy"),
        "chainrule, numba": (ours_digits, "numba"),
        "scikit-learn": (sklearn_digits, ""),
    }
    if torch:
        runs["PyTorch"] = (torch_digits, "")
    for run, backend in runs.values():
        run(0, backend)  # what is compiled is compiled now
    found = {who: [run(seed, backend) for seed in seeds] for who, (run, backend) in runs.items()}
    results = {}
    for who, pairs in found.items():
        seconds, epochs = (statistics.median(part) for part in zip(*pairs, strict=True))
        each = statistics.median(s / e for s, e in pairs)
        results[who] = {"seconds": seconds, "epochs": epochs, "seconds_per_epoch": each}
        print(f"{who:20} {seconds:7.3f} s in {epochs:3g} epochs, {1e3 * each:6.2f} ms an epoch")
    return results


def accuracies(seeds: range) -> dict[str, Any]:
    print(f"\nTest accuracy, standardised, mean of {len(seeds)} splits")
    loaders = {
        "digits": nn.data.load_digits,
        "breast cancer": nn.data.load_breast_cancer,
        "wine": nn.data.load_wine,
        "iris": nn.data.load_iris,
    }
    makers: dict[str, Callable[[Any, Any, int], Any]] = {
        "chainrule MLP": ours_mlp,
        "scikit-learn MLP": lambda X, y, seed: MLPClassifier((HIDDEN,), max_iter=1000, random_state=seed).fit(
            X, y
        ),
        "chainrule logistic": lambda X, y, seed: ours_linear(X, y),
        "scikit-learn logistic": lambda X, y, seed: LogisticRegression(max_iter=1000).fit(X, y),
    }
    results: dict[str, Any] = {}
    for name, load in loaders.items():
        scores: dict[str, list[float]] = {who: [] for who in makers}
        for seed in seeds:
            X, X_test, y, y_test = split(load, seed)
            for who, make in makers.items():
                scores[who].append(make(X, y, seed).score(X_test, y_test))
        results[name] = {who: statistics.mean(found) for who, found in scores.items()}
        print(f"{name:15}" + "   ".join(f"{who} {mean:.4f}" for who, mean in results[name].items()))
    return results


def ours_mlp(X: Any, y: Any, seed: int) -> Any:
    """The settings of the demo's training on digits; small tables have fewer batches, so they take more epochs."""
    cr.seed(seed)
    model = nn.MLP([X.shape[1], HIDDEN, int(y.max()) + 1])
    adam = nn.optim.Adam(model.parameters(), lr=RATE, weight_decay=0.001)
    model.fit(X, y, epochs=40 if len(X) > 1000 else 200, batch_size=BATCH, optimizer=adam, verbose=0)
    return model


def ours_linear(X: Any, y: Any) -> Any:
    model = nn.LogisticRegression(X.shape[1], int(y.max()) + 1)
    model.fit(X, y, l2=1 / len(X), verbose=0)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, help="save the numbers here")
    parser.add_argument("--quick", action="store_true", help="everything once, to see that it runs")
    given = parser.parse_args()
    seeds = range(1) if given.quick else SEEDS
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{THREADS} thread{'s' * (THREADS > 1)}")
    results = {
        "logistic": logistic_regression(0.0 if given.quick else 1.0),
        "digits": digits(seeds if given.quick else range(10)),
        "accuracy": accuracies(seeds),
    }
    if given.json:
        given.json.parent.mkdir(exist_ok=True)
        write_atomically(given.json, [json.dumps({"threads": THREADS, **results}, indent=1).encode()])


if __name__ == "__main__":
    main()
