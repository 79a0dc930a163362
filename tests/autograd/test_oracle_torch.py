"""Values and gradients against PyTorch, on the samples that PyTorch tests itself with (float64, to 1e-10)."""

import warnings
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.autograd.oracle_exclusions import EXCLUSIONS, LESS_EXACT, NOT_IN_PYTORCH
from tests.autograd.oracle_map import TRANSLATIONS
from tests.autograd.samples import own_ops

import chainrule as cr
from chainrule.autograd.node import data_of

torch = pytest.importorskip(
    "torch", reason="needs PyTorch as an outside oracle: pip install 'chainrule[oracle]'"
)
pytest.importorskip("expecttest", reason="PyTorch's samples need it: pip install 'chainrule[oracle]'")

TOLERANCE = 1e-10


@cache
def catalogue() -> dict[str, Any]:
    """PyTorch's ops by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    return {f"{op.name}.{op.variant_test_name}".strip("."): op for op in op_db}


@cache
def samples(name: str) -> list[Any]:
    torch.manual_seed(0)
    op = catalogue()[name]
    dtype = torch.float64 if torch.float64 in op.supported_dtypes("cpu") else torch.int64
    return list(
        op.sample_inputs("cpu", dtype, requires_grad=op.supports_autograd and dtype.is_floating_point)
    )


def reason_to_leave_out(name: str, sample: Any) -> int | None:
    """The number of the first group of exclusions that the sample belongs to."""
    for i, group in enumerate(EXCLUSIONS):
        if name in group.ops and group.when(sample.input, *sample.args, **sample.kwargs):
            return i
    return None


class Translator:
    """Turns PyTorch's arguments into ours, and remembers which Tensor stands for which of PyTorch's."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Any, cr.Tensor]] = []

    def __call__(self, x: Any) -> Any:
        if isinstance(x, torch.Tensor):
            array = x.detach().resolve_conj().resolve_neg().numpy().copy()
            if not x.requires_grad:
                return cr.Tensor(array, requires_grad=False) if array.dtype.kind == "f" else array
            ours = cr.Tensor(array)
            self.pairs.append((x, ours))
            return ours
        if isinstance(x, list | tuple):
            return type(x)(self(part) for part in x)
        if isinstance(x, dict):
            return {key: self(part) for key, part in x.items()}
        return x


def outputs(result: Any) -> list[Any]:
    """The results that have to agree; of (values, indices) only the values."""
    if (
        isinstance(result, tuple)
        and len(result) == 2
        and str(getattr(result[1], "dtype", "")) == "torch.int64"
    ):
        return [result[0]]
    return list(result) if isinstance(result, list | tuple) else [result]


def weighted(results: list[Any]) -> tuple[list[Any], list[Any]]:
    """Cotangents for the results that are differentiable, the same for both."""
    rng = np.random.default_rng(0)
    chosen = [r for r in results if r.requires_grad]
    return chosen, [torch.from_numpy(np.asarray(rng.uniform(0.5, 1.5, tuple(r.shape)))) for r in chosen]


def worst_difference(found: Any, expected: Any) -> float:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, f"shape {found.shape}, PyTorch has {expected.shape}"
    if found.dtype.kind != "f" or expected.dtype.kind != "f":
        return 0.0 if np.array_equal(found.astype(float), expected.astype(float)) else np.inf
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(all="ignore"):
        relative = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
    return float(np.max(np.where(same, 0.0, np.where(np.isnan(relative), np.inf, relative)), initial=0.0))


def compare(name: str, sample: Any) -> float:
    """Run one sample in both; return the largest difference of values and gradients, relative to max(1, |x|)."""
    translate = Translator()
    args, kwargs = [translate(a) for a in (sample.input, *sample.args)], translate(sample.kwargs)
    with np.errstate(all="ignore"):
        ours = outputs(TRANSLATIONS[name][1](*args, **kwargs))
    theirs = outputs(catalogue()[name].op(sample.input, *sample.args, **sample.kwargs))
    assert len(ours) == len(theirs)
    worst = max(
        (worst_difference(data_of(a), b.detach().numpy()) for a, b in zip(ours, theirs, strict=True)),
        default=0.0,
    )
    chosen, cotangents = weighted(theirs)
    inputs = [x for x, _ in translate.pairs]
    if not chosen or not inputs:
        return worst
    expected = torch.autograd.grad(chosen, inputs, cotangents, allow_unused=True)
    for r, g in zip(
        [a for a, b in zip(ours, theirs, strict=True) if b.requires_grad], cotangents, strict=True
    ):
        if isinstance(r, cr.Tensor) and r.requires_grad:
            r.backward(grad=g.numpy())
    for (x, mine), g in zip(translate.pairs, expected, strict=True):
        other = np.zeros(tuple(x.shape)) if g is None else g.numpy()
        worst = max(worst, worst_difference(np.zeros(mine.shape) if mine.grad is None else mine.grad, other))
    return worst


def run(name: str) -> Iterator[tuple[int, float | str]]:
    """Each sample that is not left out, with its largest difference or its error."""
    for i, sample in enumerate(samples(name)):
        if reason_to_leave_out(name, sample) is None:
            try:
                yield i, compare(name, sample)
            except Exception as error:
                yield i, f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("name", sorted(TRANSLATIONS))
@pytest.mark.filterwarnings("ignore")
def test_values_and_gradients_agree(name: str) -> None:
    tolerance = LESS_EXACT.get(name, (TOLERANCE, ""))[0]
    wrong = [(i, found) for i, found in run(name) if isinstance(found, str) or not found <= tolerance]
    shown = [f"{samples(name)[i].summary()}: {found}" for i, found in wrong[:5]]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(samples(name))} samples of {name}", *shown])


@pytest.mark.filterwarnings("ignore")
def test_nine_in_ten_samples_run() -> None:
    total = sum(len(samples(name)) for name in TRANSLATIONS)
    left_out = Counter(
        reason
        for name in TRANSLATIONS
        for sample in samples(name)
        if (reason := reason_to_leave_out(name, sample)) is not None
    )
    assert total > 1_000
    assert left_out.total() <= 0.1 * total
    idle = [group.reason for i, group in enumerate(EXCLUSIONS) if not left_out[i]]
    assert idle == [], "these exclusions leave nothing out; remove them"


def test_every_op_of_ours_is_compared_or_has_no_counterpart() -> None:
    compared = {ours for ours, _ in TRANSLATIONS.values()}
    missing = [op.name for op in own_ops() if op.name not in compared and op.name not in NOT_IN_PYTORCH]
    assert missing == []
    assert [name for name in NOT_IN_PYTORCH if name in compared] == []
    assert set(TRANSLATIONS) <= set(catalogue())
