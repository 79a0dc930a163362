"""Promises about training that no other file here puts to the test."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn import losses


def test_no_gradient_of_the_input_is_computed():
    X = cr.Tensor(np.arange(8.0).reshape(4, 2))
    assert X.requires_grad
    nn.MLP([2, 1]).fit(X, [0.0, 1.0, 2.0, 3.0], epochs=2, verbose=0)
    assert X.grad is None
    (batch,) = next(iter(nn.data.DataLoader([X], 2)))
    assert type(batch) is np.ndarray


@pytest.mark.parametrize("name", ["huber", "cosine", "hinge", "binary_cross_entropy", "kl_div"])
@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3, 1), (3,))])
def test_every_loss_refuses_a_row_against_a_column(name, shapes):
    inside = -0.5 if name == "kl_div" else 0.5  # logarithms, or probabilities
    targets = np.full(shapes[1], 0.5 if name == "kl_div" else 1.0)
    with pytest.raises(cr.ShapeError, match=rf"{name}: .* silently make a \(3, 3\) matrix.*\.reshape\(3\)"):
        getattr(losses, name)(cr.Tensor(np.full(shapes[0], inside)), targets)


def test_errors_of_files_are_value_errors():
    assert issubclass(nn.ModelFileError, ValueError)


def test_features_too_large_to_search_along_do_not_divide_by_zero():
    model = nn.LogisticRegression(2)
    X = np.array([[1e38, 1.0], [2.0, 3.0], [4.0, 5.0]])
    model.fit(X, [0, 1, 0], optimizer="lbfgs", epochs=3, verbose=0)
    assert all(np.isfinite(p.data).all() for p in model.parameters())
