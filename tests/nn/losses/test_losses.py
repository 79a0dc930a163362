"""What every loss does: formulas, reductions, shapes, labels, warnings."""

import warnings

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.autograd.mode import record_whole
from chainrule.nn import losses

RNG = np.random.default_rng(0)


def both(loss, predictions, targets, **settings):
    """The loss and its gradient."""
    x = cr.Tensor(predictions)
    value = loss(x, targets, **settings)
    value.backward() if value.size == 1 else value.sum().backward()
    return value.data, x.grad


def test_mse_is_the_lectures_formula():
    value, grad = both(losses.mse, [1.0, 2.0, 4.0], [1.0, 4.0, 3.0])
    assert value == pytest.approx(5 / 3)
    assert np.allclose(grad, 2 / 3 * np.array([0.0, -2.0, 1.0]))


def test_mae():
    value, grad = both(losses.mae, [1.0, 2.0, 4.0], [1.0, 4.0, 3.0])
    assert value == pytest.approx(1.0)
    assert np.allclose(grad, np.array([0.0, -1.0, 1.0]) / 3)


def arguments(name):
    """Predictions, targets, and the shape of the losses of each."""
    z, labels = RNG.standard_normal((4, 3)), RNG.integers(0, 2, (4, 3))
    logarithms = z - 5
    return {
        "cross_entropy": (z, labels[:, 0], (4,)),
        "nll": (logarithms, labels[:, 0], (4,)),
        "kl_div": (logarithms, RNG.dirichlet(np.ones(3), 4), (4,)),
        "cosine": (z, RNG.standard_normal((4, 3)), (4,)),
        "binary_cross_entropy": (1 / (1 + np.exp(-z)), labels, (4, 3)),
    }.get(name, (z, labels, (4, 3)))


@pytest.mark.parametrize("name", losses.LOSSES)
def test_reductions(name):
    loss = losses.by_name(name)
    z, targets, shape = arguments(name)
    each = loss(cr.Tensor(z), targets, reduction="none").data
    assert each.shape == shape
    assert loss(cr.Tensor(z), targets).item() == pytest.approx(each.mean())
    assert loss(cr.Tensor(z), targets, reduction="sum").item() == pytest.approx(each.sum())
    assert float(loss(z, targets)) == pytest.approx(each.mean())  # of plain arrays too
    with pytest.raises(ValueError, match=r"unknown reduction 'men'.*did you mean 'mean'"):
        loss(cr.Tensor(z), targets, reduction="men")


@pytest.mark.parametrize("name", losses.LOSSES)
def test_gradients_by_finite_differences(name):
    z, targets, _ = arguments(name)
    cr.check_grad(lambda x: losses.by_name(name)(x, targets), cr.Tensor(z))


@pytest.mark.parametrize("z", [40.0, -40.0, 1000.0, -1000.0])
def test_stable_far_out(z):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for y in (0, 1):
            value, grad = both(losses.binary_cross_entropy_with_logits, [z], [y])
            wrong = (z > 0) != bool(y)
            assert value == pytest.approx(abs(z) if wrong else 0, abs=1e-17)
            assert grad[0] == pytest.approx((1 if z > 0 else 0) - y, abs=1e-17)
            value, grad = both(losses.cross_entropy, [[0.0, z]], [y])
            assert value == pytest.approx(abs(z) if wrong else 0, abs=1e-17)
            assert np.isfinite(grad).all()


def test_one_hot_is_the_same_as_labels():
    z, labels = RNG.standard_normal((5, 3)), np.array([0, 2, 1, 1, 0])
    for rows in (np.eye(3)[labels], np.eye(3, dtype=int)[labels], np.eye(3)[labels].tolist()):
        one, two = both(losses.cross_entropy, z, labels), both(losses.cross_entropy, z, rows)
        assert one[0] == pytest.approx(two[0])
        assert np.allclose(one[1], two[1])


def test_only_constant_one_hot_rows_become_labels():
    z, rows = cr.Tensor(RNG.standard_normal((3, 3))), np.eye(3)
    assert losses.cross_entropy(z, rows, "none").op.name == "cross_entropy"
    soft = [
        rows * 0.5 + 0.5 / 3,
        [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]],
        cr.Tensor(rows),
        cr.Tensor(rows, requires_grad=False),
    ]
    for other in soft:
        assert losses.cross_entropy(z, other, "none").op.name == "soft_cross_entropy"
    assert losses.cross_entropy(z, rows, "none", label_smoothing=0.1).op.name == "soft_cross_entropy"
    for bad in ([[1, 0, 0], [0, 0, 0], [0, 0, 1]], [[1, 0, 0], [0, 2, 0], [0, 0, 1]], rows * np.nan):
        with pytest.raises(ValueError, match="no probabilities"):
            losses.cross_entropy(z, bad)


def test_a_whole_record_of_one_hot_rows_serves_others():
    with record_whole():
        loss = losses.cross_entropy(cr.Tensor(RNG.standard_normal((2, 3))), np.eye(3)[:2])
    assert " soft_cross_entropy(" in str(cr.record(loss))


def test_targets_do_not_widen_float32():
    for loss in (losses.mse, losses.mae, losses.binary_cross_entropy_with_logits):
        assert loss(cr.Tensor([1.0, 2.0], dtype="float32"), np.array([0.0, 1.0])).dtype == np.float32
    z = cr.Tensor([[1.0, 2.0]], dtype="float32")
    assert losses.cross_entropy(z, np.array([[0.5, 0.5]])).dtype == np.float32


@pytest.mark.parametrize("loss", [losses.mse, losses.mae, losses.binary_cross_entropy_with_logits])
@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3, 1), (3,))])
def test_a_row_against_a_column(loss, shapes):
    with pytest.raises(cr.ShapeError, match=r"silently make a \(3, 3\) matrix.*\.reshape\(3\)"):
        loss(cr.Tensor(np.zeros(shapes[0])), np.zeros(shapes[1]))


def test_other_shapes_that_differ():
    with pytest.raises(cr.ShapeError, match=r"mse: predictions have shape \(3, 2\), targets \(2,\)"):
        losses.mse(cr.Tensor(np.zeros((3, 2))), np.zeros(2))
    with pytest.raises(cr.ShapeError, match="must be equal"):
        losses.mse(cr.Tensor(np.zeros(3)), 1.0)
    with pytest.raises(cr.ShapeError, match="class numbers"):
        losses.cross_entropy(cr.Tensor(np.zeros((3, 2))), np.zeros((3, 1), int))


def test_labels_out_of_range():
    z = cr.Tensor(np.zeros((3, 3)))
    with pytest.raises(IndexError, match=r"^cross_entropy: label -1 at row 1 is outside 0\.\.2"):
        losses.cross_entropy(z, [0, -1, 2])
    with pytest.raises(IndexError, match=r"label 3 at row 2 is outside 0\.\.2"):
        losses.cross_entropy(z, [0, 1, 3])
    with pytest.raises(TypeError, match="labels must be integers, got float64"):
        losses.cross_entropy(z, [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"label -1\.0 at row 1 is outside 0\.\.1"):
        losses.binary_cross_entropy_with_logits(cr.Tensor(np.zeros(2)), [1, -1])
    with pytest.raises(ValueError, match="label nan at row 0"):
        losses.binary_cross_entropy_with_logits(cr.Tensor(np.zeros(2)), [np.nan, 1])


@pytest.mark.parametrize("row", [[0.5, 0.6, 0.0], [1.5, -0.5, 0.0], [np.nan, 0.0, 1.0]])
def test_rows_that_are_no_probabilities(row):
    with pytest.raises(ValueError, match="labels of row 1 are no probabilities"):
        losses.cross_entropy(cr.Tensor(np.zeros((2, 3))), [[0.0, 0.0, 1.0], row])


def test_softmax_before_cross_entropy_warns():
    model = nn.Sequential(nn.Linear(2, 3), nn.Softmax())
    with pytest.warns(
        UserWarning, match="output of softmax, but cross_entropy applies softmax itself"
    ) as caught:
        losses.cross_entropy(model(np.ones((1, 2))), [0])
    assert caught[0].filename == __file__


def test_softmax_before_cross_entropy_warns_once_in_fit():
    model = nn.Sequential(nn.Linear(2, 3), nn.Softmax())
    # a kernel that numba compiles in between makes Python forget what it has warned of
    with cr.use_backend("numpy"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        model.fit(np.ones((4, 2)), [0, 1, 2, 0], epochs=3, batch_size=2, verbose=0)
    assert [w.filename for w in caught] == [__file__]


def test_sigmoid_before_its_loss_warns():
    with pytest.warns(UserWarning, match="output of sigmoid"):
        losses.binary_cross_entropy_with_logits(cr.Tensor([1.0]).sigmoid(), [0])


def test_of_values():
    x = cr.Value(3.0)
    losses.mse(x, 1.0).backward()
    assert x.grad == 4.0
    assert losses.mae(cr.Value(3.0), cr.Value(5.0)).data == 2.0
    assert losses.huber(cr.Value(3.0), 0.0).data == 2.5
    assert losses.hinge(cr.Value(0.25), 1.0).data == 0.75
    p = cr.Value(0.25)
    losses.binary_cross_entropy(p, 1.0).backward()
    assert p.grad == -4.0


def test_unknown_name():
    with pytest.raises(
        ValueError, match=r"unknown loss 'crossentropy'; known losses: mse, .*'cross_entropy'"
    ):
        losses.by_name("crossentropy")
