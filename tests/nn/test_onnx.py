import builtins
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.onnx import export

REASON = "needs onnx and onnxruntime: pip install 'chainrule[onnx]' onnxruntime"
pytest.importorskip("onnx", reason=REASON)
runtime = pytest.importorskip("onnxruntime", reason=REASON)


def run(path, X):
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


def check(model, path, *row, dtype=np.float32):
    """One file, for 1 row and for 7."""
    export(model, path, row)
    for n in (1, 7):
        X = np.random.default_rng(n).standard_normal((n, *row)).astype(dtype)
        found, expected = run(path, X), np.asarray(model.eval()(X).data)
        assert found["outputs"].shape == expected.shape
        assert np.allclose(found["outputs"], expected, rtol=1e-6, atol=1e-6)
        if "probabilities" in found:
            assert np.allclose(found["probabilities"], model.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_mlp_with_every_activation(name, tmp_path):
    check(nn.MLP([4, 8, 8, 3], activation=name), tmp_path / "m.onnx", 4)


def test_settings_of_activations(tmp_path):
    model = nn.Sequential(
        nn.Linear(4, 9), nn.LeakyReLU(0.3), nn.ELU(0.5), nn.CELU(2.0), nn.Hardtanh(-0.2, 0.1)
    )
    check(model, tmp_path / "m.onnx", 4)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", None])
def test_probabilities_are_those_of_predict_proba(task, tmp_path):
    model = nn.MLP([4, 8, 1 if task == "binary" else 3])
    model.task = task
    check(model, tmp_path / "m.onnx", 4)
    assert ("probabilities" in run(tmp_path / "m.onnx", np.zeros((2, 4), np.float32))) == (
        task in ("binary", "multiclass")
    )


@pytest.mark.parametrize(
    "model",
    [nn.LogisticRegression(4), nn.LogisticRegression(4, 3), nn.LogisticRegression(4, 3, one_vs_rest=True)],
)
def test_trained_logistic_regression(model, tmp_path):
    iris = nn.data.load_iris()
    model.fit(iris.X, iris.y if model.task != "binary" else iris.y == 2, verbose=0)
    export(model, tmp_path / "m.onnx")
    found = run(tmp_path / "m.onnx", iris.X)
    assert np.allclose(found["probabilities"], model.predict_proba(iris.X), atol=1e-6)
    assert found["probabilities"].argmax(axis=1).tolist() == model.predict(iris.X).tolist()


def test_linear_regression_and_an_autoencoder(tmp_path):
    for model in (nn.LinearRegression(4), nn.LinearRegression(4, 2), nn.Autoencoder([4, 3, 2], "tanh")):
        check(model, tmp_path / "m.onnx", 4)


def test_a_trained_cnn(tmp_path):
    digits = nn.data.load_digits()
    images = digits.images[:200, None] / np.float32(16)
    cr.seed(0)
    model = nn.CNN((1, 8, 8), 10)
    model.fit(images, digits.y[:200], epochs=2, verbose=0)
    check(model, tmp_path / "m.onnx", 1, 8, 8)


def test_convolutions_pools_and_norms(tmp_path):
    cr.seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), bias=False),
        nn.BatchNorm2d(4),
        nn.MaxPool2d(3, stride=1, padding=1),
        nn.Residual(nn.Conv2d(4, 4, 3, padding=1), nn.SiLU()),
        nn.AvgPool2d(2, padding=1),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(4 * 3 * 3, 5, bias=False),
        nn.LayerNorm(5),
    )
    model(np.random.default_rng(0).standard_normal((20, 2, 8, 6)).astype(np.float32))  # moves the statistics
    check(model, tmp_path / "m.onnx", 2, 8, 6)


def test_sequences(tmp_path):
    model = nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.MaxPool1d(2), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    check(model, tmp_path / "m.onnx", 2, 10)


def test_float64_stays_float64(tmp_path):
    model = nn.MLP([4, 8, 3], activation="tanh", dtype=np.float64)
    export(model, tmp_path / "m.onnx")
    X = np.random.default_rng(0).standard_normal((5, 4))
    found = run(tmp_path / "m.onnx", X)["outputs"]
    assert found.dtype == np.float64
    assert np.allclose(found, model(X).data, rtol=1e-12)


def test_what_cannot_be_exported(tmp_path):
    class Own(nn.Module):
        def forward(self, x):
            return x

    class Twice(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    for module, name in ((Own(), "Own"), (Twice(2, 2), "Twice"), (nn.Bilinear(2, 2, 2), "Bilinear")):
        with pytest.raises(TypeError, match=f"^onnx.export: {name} has no translation"):
            export(nn.Sequential(module, nn.Linear(2, 2)), tmp_path / "m.onnx", (2,))
    with pytest.raises(ValueError, match=r"input_shape=\(1, 28, 28\)"):
        export(nn.CNN((1, 8, 8), 10), tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"input_shape=\(1, 28, 28\)"):
        export(nn.Sequential(nn.Flatten(), nn.Linear(64, 2)), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnx(monkeypatch, tmp_path):
    real = builtins.__import__

    def without(name, *rest):
        if name == "onnx":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, "onnx")
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[onnx\]'"):
        export(nn.MLP([2, 1]), tmp_path / "m.onnx")
