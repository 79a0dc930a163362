"""Losses for classes against PyTorch's and scikit-learn's, settings included."""

import itertools
import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule import backends
from chainrule.nn import losses

RNG = np.random.default_rng(0)
Z = 3 * RNG.standard_normal((6, 4))
LABELS = RNG.integers(0, 4, 6)
ROWS = RNG.dirichlet(np.ones(4), 6)
WEIGHT = RNG.uniform(0.2, 2.0, 4)
REDUCTIONS = ["mean", "sum", "none"]


def same(ours, theirs, x):
    """Value and gradient agree to 1e-10."""
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    x, peer = cr.Tensor(x), torch.tensor(x, requires_grad=True)
    value, expected = ours(x), theirs(peer)
    g = RNG.standard_normal(value.shape)
    value.backward(g)
    expected.backward(torch.tensor(g))
    assert np.allclose(value.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert np.allclose(x.grad, peer.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("reduction", "weight", "smoothing", "ignore"),
    list(itertools.product(REDUCTIONS, [None, WEIGHT], [0.0, 0.3], [None, int(LABELS[0])])),
)
def test_cross_entropy_of_labels(reduction, weight, smoothing, ignore):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    same(
        lambda x: losses.cross_entropy(
            x, LABELS, reduction, weight=weight, label_smoothing=smoothing, ignore_index=ignore
        ),
        lambda x: torch.nn.functional.cross_entropy(
            x,
            torch.tensor(LABELS),
            reduction=reduction,
            weight=None if weight is None else torch.tensor(weight),
            label_smoothing=smoothing,
            ignore_index=-100 if ignore is None else ignore,
        ),
        Z,
    )


@pytest.mark.parametrize(
    ("reduction", "weight", "smoothing"), list(itertools.product(REDUCTIONS, [None, WEIGHT], [0.0, 0.3]))
)
def test_cross_entropy_of_probabilities(reduction, weight, smoothing):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    same(
        lambda x: losses.cross_entropy(x, ROWS, reduction, weight=weight, label_smoothing=smoothing),
        lambda x: torch.nn.functional.cross_entropy(
            x,
            torch.tensor(ROWS),
            reduction=reduction,
            weight=None if weight is None else torch.tensor(weight),
            label_smoothing=smoothing,
        ),
        Z,
    )


@pytest.mark.parametrize("rows", [ROWS, np.eye(4)[LABELS]], ids=["soft", "one-hot"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropy_passes_gradients_to_the_probabilities(rows, dtype):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    z, y = cr.Tensor(Z, dtype=dtype), cr.Tensor(rows, dtype=dtype, requires_grad=True)
    losses.cross_entropy(z, y, "sum", weight=WEIGHT, label_smoothing=0.1).backward()
    peers = [torch.tensor(np.asarray(x, dtype), requires_grad=True) for x in (Z, rows)]
    weight = torch.tensor(np.asarray(WEIGHT, dtype))
    functional = torch.nn.functional
    functional.cross_entropy(*peers, weight=weight, label_smoothing=0.1, reduction="sum").backward()
    for ours, peer in zip((z, y), peers, strict=True):
        assert ours.grad.dtype == dtype
        np.testing.assert_allclose(ours.grad, peer.grad.numpy(), rtol=100 * np.finfo(dtype).eps, atol=1e-6)


def test_labels_and_their_rows_have_the_same_loss():
    rows = np.eye(4)[LABELS]
    for settings in ({}, {"label_smoothing": 0.3}):
        expected, found = cr.Tensor(Z), cr.Tensor(Z)
        losses.cross_entropy(expected, LABELS, **settings).backward()
        losses.cross_entropy(found, cr.Tensor(rows), **settings).backward()  # a node, which is read as it is
        assert np.allclose(found.grad, expected.grad, rtol=1e-12, atol=1e-15)


def test_an_impossible_class_that_no_target_counts_costs_nothing():
    z = cr.Tensor([[0.0, 0.0, -np.inf], [-np.inf, 0.0, 0.0]])
    for rows in ([[1, 0, 0], [0, 1, 0]], [[0.5, 0.5, 0], [0, 0.5, 0.5]]):
        loss = losses.cross_entropy(z, rows)
        loss.backward()
        assert loss.item() == pytest.approx(np.log(2))
        assert np.isfinite(z.grad).all()
    assert losses.cross_entropy(z, [[0, 0, 1], [0, 1, 0]], "none").data.tolist() == [np.inf, np.log(2)]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_record_of_rows_serves_other_rows(backend):
    if backend == "numba":
        pytest.importorskip("numba", reason="needs numba: pip install numba")
    z, y = cr.Tensor(Z), cr.Tensor(ROWS, requires_grad=False)
    program = cr.record(losses.cross_entropy(z, y), wrt=[z])
    for rows in (ROWS, np.eye(4)[LABELS]):
        other = cr.Tensor(Z[::-1])
        expected = losses.cross_entropy(other, rows)
        expected.backward()
        found, gradient = program.run(backends.load(backend), (other.data, rows))
        assert np.allclose(found, expected.item(), rtol=1e-12)
        assert np.allclose(gradient, other.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("reduction", "weight", "ignore"),
    list(itertools.product(REDUCTIONS, [None, WEIGHT], [None, int(LABELS[0])])),
)
def test_nll(reduction, weight, ignore):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    same(
        lambda x: losses.nll(cr.log_softmax(x), LABELS, reduction, weight=weight, ignore_index=ignore),
        lambda x: torch.nn.functional.nll_loss(
            torch.log_softmax(x, 1),
            torch.tensor(LABELS),
            reduction=reduction,
            weight=None if weight is None else torch.tensor(weight),
            ignore_index=-100 if ignore is None else ignore,
        ),
        Z,
    )


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_losses(reduction):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    f = torch.nn.functional
    same(
        lambda x: losses.binary_cross_entropy_with_logits(x, ROWS, reduction),
        lambda x: f.binary_cross_entropy_with_logits(x, torch.tensor(ROWS), reduction=reduction),
        Z,
    )
    same(
        lambda x: losses.binary_cross_entropy(cr.sigmoid(x), ROWS, reduction),
        lambda x: f.binary_cross_entropy(torch.sigmoid(x), torch.tensor(ROWS), reduction=reduction),
        Z,
    )


@pytest.mark.parametrize(("ours", "theirs"), [("mean", "batchmean"), ("sum", "sum")])
def test_kl_div(ours, theirs):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'chainrule[oracle]'")
    rows = ROWS.copy()
    rows[0] = [0.0, 1.0, 0.0, 0.0]
    same(
        lambda x: losses.kl_div(cr.log_softmax(x), rows, ours),
        lambda x: torch.nn.functional.kl_div(torch.log_softmax(x, 1), torch.tensor(rows), reduction=theirs),
        Z,
    )


def test_kl_div_is_cross_entropy_less_entropy():
    entropy = -(ROWS * np.log(ROWS)).sum(1)
    expected = losses.cross_entropy(Z, ROWS, "none") - entropy
    assert np.allclose(losses.kl_div(cr.log_softmax(Z), ROWS, "none"), expected)


def test_hinge_is_scikit_learns():
    metrics = pytest.importorskip(
        "sklearn.metrics", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    scores, labels = RNG.standard_normal(50), RNG.integers(0, 2, 50)
    expected = metrics.hinge_loss(labels, scores)
    assert losses.hinge(cr.Tensor(scores), labels).item() == pytest.approx(expected, rel=1e-12)
    assert losses.hinge(cr.Tensor(scores), 2 * labels - 1).item() == pytest.approx(expected, rel=1e-12)


def test_sure_and_wrong_stays_finite():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p = cr.Tensor([0.0, 1.0, 0.0, 1.0])
        loss = losses.binary_cross_entropy(p, [1, 0, 0, 1], "none")
        loss.sum().backward()
    assert loss.data.tolist() == [100.0, 100.0, 0.0, 0.0]
    assert np.isfinite(p.grad).all()


def test_ignored_rows_pass_nothing_on():
    z = cr.Tensor([[0.0, 0.0], [9.0, 1.0]])
    loss = losses.cross_entropy(z, [1, -100], ignore_index=-100)
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2))
    assert z.grad[1].tolist() == [0.0, 0.0]
    z = cr.Tensor([[0.0, 0.0]])
    nothing = losses.cross_entropy(z, [-100], ignore_index=-100)
    nothing.backward()
    assert nothing.item() == 0
    assert not z.grad.any()


def test_labels_may_be_a_tensor_and_float32_stays():
    z = cr.Tensor(Z, dtype="float32")
    labels = cr.Tensor(LABELS)
    for settings in ({}, {"weight": WEIGHT}, {"ignore_index": 1}, {"label_smoothing": 0.1}):
        loss = losses.cross_entropy(z, labels, **settings)
        assert loss.dtype == np.float32
        assert loss.item() == pytest.approx(losses.cross_entropy(Z, LABELS, **settings).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: losses.binary_cross_entropy(cr.Tensor([0.5, 1.5]), [1, 0]), ValueError,
         r"1\.5 at row 1 is no probability from 0 to 1; for scores .* use binary_cross_entropy_with_logits"),
        (lambda: losses.binary_cross_entropy(cr.Tensor([0.5]), [2]), ValueError, r"label 2\.0 at row 0 is outside"),
        (lambda: losses.hinge(cr.Tensor([0.5, 1.0]), [2, 0]), ValueError, r"2\.0 at row 0 is no label; use 0 and 1"),
        (lambda: losses.hinge(cr.Tensor([0.5, 1.0]), [-1, 0]), ValueError, r"0\.0 at row 1 is no label; use -1 and 1"),
        (lambda: losses.cross_entropy(Z, LABELS, label_smoothing=2), ValueError, "label_smoothing must be a share"),
        (lambda: losses.cross_entropy(Z, LABELS, weight=[1, 2]), cr.ShapeError, r"weight has shape \(2,\)"),
        (lambda: losses.cross_entropy(Z, LABELS, weight=[1, 2, -1, 0]), ValueError, r"-1\.0 at row 2 is no weight"),
        (lambda: losses.cross_entropy(Z, ROWS, ignore_index=0), ValueError, "the labels are rows of probabilities"),
        (lambda: losses.cross_entropy(Z, ROWS * 2), ValueError, r"row 0 are no probabilities: they sum to 2, the"),
        (lambda: losses.cross_entropy(Z, [[2, -1, 0, 0]] * 6), ValueError, "they sum to 1, the smallest is -1"),
        (lambda: losses.cross_entropy(Z, ROWS * np.nan), ValueError, "row 0 are no probabilities: they sum to nan"),
        (lambda: losses.cross_entropy(Z[:, :0], ROWS[:, :0]), cr.ShapeError, r"\(6, 0\) have no classes; give"),
        (lambda: losses.cross_entropy(Z, LABELS - 9, ignore_index=5), IndexError, "is outside 0..3"),
        (lambda: losses.cross_entropy(Z, LABELS + 9, label_smoothing=0.1), IndexError, "cross_entropy: label 1"),
        (lambda: losses.cross_entropy(Z, LABELS * 0.5, label_smoothing=0.1), TypeError, "cross_entropy: labels"),
        (lambda: losses.cross_entropy(Z, LABELS[:3], label_smoothing=0.1), cr.ShapeError, r"got \(3,\); give"),
        (lambda: losses.cross_entropy(Z[0], LABELS, label_smoothing=0.1), cr.ShapeError, r"logits of shape \(4,\)"),
        (lambda: losses.nll(Z - 9, LABELS[:3]), cr.ShapeError, "give class numbers, one for each row"),
        (lambda: losses.nll(Z - 9, LABELS + 9), IndexError, "nll: label .* is outside 0..3"),
        (lambda: losses.nll(Z - 9, LABELS * 0.5), TypeError, "nll: labels must be integers"),
        (lambda: losses.kl_div(Z - 9, ROWS * 2), ValueError, "kl_div: label .* is outside 0..1"),
    ],
)  # fmt: skip
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(("loss", "targets"), [(losses.nll, LABELS), (losses.kl_div, ROWS)])
def test_scores_or_probabilities_in_place_of_logarithms(loss, targets):
    for given in (Z, cr.softmax(Z)):
        with pytest.raises(
            ValueError, match=r"is no logarithm of a probability: take log_softmax of the scores"
        ):
            loss(cr.Tensor(given), targets)
    loss(cr.Tensor(np.log(np.eye(4)[LABELS] + 1e-4)), targets)


def test_probabilities_in_a_list():
    assert np.isclose(losses.binary_cross_entropy([0.5, 0.25], [1, 0]), -np.log([0.5, 0.75]).mean())
