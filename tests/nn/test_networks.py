"""Linear regression, the small CNN and the autoencoder on real data."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn


def test_linear_regression_finds_the_least_squares():
    cars = nn.data.load_auto_mpg()
    X = nn.data.Standardize().fit_transform(cars.X)
    model = nn.LinearRegression(X.shape[1], dtype=np.float64)
    assert model(X).shape == (len(X),)
    model.fit(X, cars.y, verbose=0)
    columns = np.column_stack([X, np.ones(len(X))]).astype(np.float64)
    best = np.linalg.lstsq(columns, cars.y.astype(np.float64), rcond=None)[0]
    assert np.allclose(model.predict(X), columns @ best, atol=1e-3)
    assert model.score(X, cars.y) > 0.8


def test_linear_regression_of_several_outputs():
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((50, 3)), rng.standard_normal((3, 2))
    model = nn.LinearRegression(3, n_outputs=2)
    model.fit(X, X @ W + 1, verbose=0)
    assert np.allclose(model.linear.weight.data, W.T, atol=1e-3)
    assert np.allclose(model.linear.bias.data, 1, atol=1e-3)


def test_softmax_regression_is_logistic_regression():
    iris = nn.data.load_iris()
    assert nn.SoftmaxRegression(4, 3)(iris.X).shape == (150, 3)


@pytest.mark.slow
def test_a_cnn_reads_handwriting():
    """The median of five trainings: by how a processor rounds, one of them may come out a percent better or worse."""
    digits = nn.data.load_digits()
    images, scores = digits.images[:, None] / 16, []
    for seed in range(5):
        cr.seed(seed)
        X, X_test, y, y_test = nn.data.train_test_split(images, digits.y, stratify=digits.y, seed=seed)
        model = nn.CNN((1, 8, 8), n_classes=10, channels=[8, 16])
        model.fit(X, y, epochs=16, optimizer=nn.optim.Adam(model.parameters(), lr=0.005), verbose=0)
        scores.append(model.score(X_test, y_test))
    assert np.median(scores) > 0.97, scores
    assert model.predict_proba(X_test[:2]).shape == (2, 10)


def test_a_cnn_is_folded_by_layer():
    y = nn.CNN((1, 8, 8), 3, channels=[2])(np.zeros((1, 1, 8, 8)))
    paths, stack = set(), [y]
    while stack:
        node = stack.pop()
        if isinstance(node, cr.Tensor) and node.op is not None:
            paths.add(node.scope.path)
            stack.extend(node.parents)
    assert paths == {"CNN", "CNN/Conv2d0", "CNN/MaxPool2d2", "CNN/Linear4"}


def test_sizes_of_a_cnn():
    model = nn.CNN((3, 10, 12), n_classes=4, channels=[5, 6])
    assert model[-1].weight.shape == (4, 6 * 2 * 3)
    assert model(np.zeros((2, 3, 10, 12))).shape == (2, 4)
    for arguments, message in [
        (((8, 8), 10), "image_shape must be"),
        (((1, 8, 8), 1), "n_classes must be at least 2"),
        (((1, 8, 8), 10, [2] * 4), "4 convolutions, .* do not fit images of 8×8"),
        (((1, 8, 8), 10, [0]), r"channels\[0\] must be at least 1"),
        (((0, 8, 8), 10), r"image_shape\[0\] must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            nn.CNN(*arguments)


@pytest.mark.slow
def test_an_autoencoder_beats_principal_components():
    """Two numbers for an image: the best linear description is known (PCA), and a bent one is better."""
    cr.seed(0)
    X = nn.data.load_digits().X / 16
    centred = X - X.mean(axis=0)
    values = np.linalg.svd(centred, compute_uv=False)
    linear = np.square(values[2:]).sum() / X.size
    model = nn.Autoencoder([64, 64, 2], activation="elu")
    history = model.fit(X, X, epochs=20, optimizer=nn.optim.Adam(model.parameters(), lr=0.003), verbose=0)
    assert np.square(model.predict(X) - X).mean() < 0.9 * linear
    assert history.loss[-1] < history.loss[0]
    assert model.encoder(X).shape == (1797, 2)


def test_halves_of_an_autoencoder():
    model = nn.Autoencoder([8, 4, 2])
    assert [p.shape for p in model.parameters()[::2]] == [(4, 8), (2, 4), (4, 2), (8, 4)]
    x = np.ones((3, 8), np.float32)
    assert np.array_equal(model.decoder(model.encoder(x)).data, model(x).data)
    # A half predicts too.
    assert np.array_equal(model.decoder.predict(model.encoder.predict(x)), model.predict(x))
