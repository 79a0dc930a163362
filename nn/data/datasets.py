"""The small real data sets that ship with the package (sources and licences: NOTICE)."""

import hashlib
import io
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import numpy as np

from chainrule.nn.data.check import Array, Floats, Labels
from chainrule.nn.errors import ModelFileError


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows to learn from, with their answers and where they come from.

    Attributes:
        X: float32 of shape (rows, features), in the units of the source; images are flattened.
        y: (rows,), int64 class numbers, or float32 where the answer is a quantity.
        feature_names: one for each column of `X`.
        target_names: the classes in the order of their numbers, or the name of the quantity.
        description: what the rows are, in a few sentences.
        licence: on which terms the data may be passed on.
        name: short name.
        image_shape: shape of one image, if the rows are images.

    >>> load_iris()
    Dataset('iris': 150 rows, 4 features, 3 classes)
    """

    X: Floats
    y: Labels | Floats
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    description: str
    licence: str
    name: str
    image_shape: tuple[int, ...] | None = None

    @property
    def images(self) -> Floats:
        """The same numbers as `X`, seen as images: shape (rows, *image_shape).

        Raises:
            ValueError: the rows are no images.

        >>> load_digits().images.shape
        (1797, 8, 8)
        """
        if self.image_shape is None:
            raise ValueError(f"{self.name}: its rows are no images; use X, of shape {self.X.shape}")
        return self.X.reshape(-1, *self.image_shape)

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        answer = (
            f"{len(self.target_names)} classes"
            if self.y.dtype.kind == "i"
            else f"target {self.target_names[0]}"
        )
        return f"Dataset({self.name!r}: {len(self)} rows, {self.X.shape[1]} features, {answer})"


class _Shipped(NamedTuple):
    sha256: str
    description: str
    source: str
    image_shape: tuple[int, ...] | None = None


_SHIPPED = {
    "digits": _Shipped(
        "e280dc424b7b71ff10c7d48bdfc0f2ba9f03e5742dc5a33206f942bcb85c5180",
        "1,797 handwritten digits by 13 people, each an 8x8 image of grey values 0..16 (how many of a "
        "cell's 16 dots are inked). Class = the digit. The test part of the original 5,620.",
        "E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI, "
        "doi:10.24432/C50P49",
        (8, 8),
    ),
    "breast_cancer": _Shipped(
        "05bcc7761084757dc10adb17d943eb0f24ee912749bc67bb80cb6d79d1c9cb9a",
        "569 breast masses, each with the mean, standard error and worst of 10 measurements of the cell "
        "nuclei in its image. Class 0 malignant (212), 1 benign (357).",
        "W. Wolberg, O. Mangasarian, N. Street and W. Street (1993), Breast Cancer Wisconsin (Diagnostic), "
        "UCI, doi:10.24432/C5DW2B",
    ),
    "iris": _Shipped(
        "c9ee21ffbf1c83b573c706df1854d169ca9398bb3db409a9c94cabc2cf2a4bad",
        "150 iris flowers, 50 of each of three species: length and width of sepal and petal in cm.",
        "R. A. Fisher (1936), Iris, UCI, doi:10.24432/C56C76",
    ),
    "wine": _Shipped(
        "d010761afb09c6a1cc7428033de9e561487ca241790643a86bb105bdb18e5459",
        "178 wines from one region of Italy, made by three cultivators: 13 chemical measurements of each. "
        "Class = the cultivator.",
        "S. Aeberhard and M. Forina (1992), Wine, UCI, doi:10.24432/C5PC7J",
    ),
    "auto_mpg": _Shipped(
        "5ebede0a14bbab679690451b7463999437147dde9793ddfcef60734d431be80d",
        "392 cars of the model years 1970 to 1982. Target = fuel economy in miles per US gallon. "
        "Displacement in cubic inches, weight in pounds, acceleration = seconds from 0 to 60 mph; the place "
        "of origin is one-hot.",
        "R. Quinlan (1993), Auto MPG, UCI, doi:10.24432/C5859H",
    ),
}


def load_digits() -> Dataset:
    """1,797 handwritten digits of 8x8 pixels (values 0..16), 10 classes.

    >>> digits = load_digits()
    >>> digits.X.shape, digits.y[:5]
    ((1797, 64), array([0, 1, 2, 3, 4]))
    """
    return _load("digits")


def load_breast_cancer() -> Dataset:
    """569 breast masses, 30 measurements each; class 0 malignant, 1 benign.

    >>> load_breast_cancer().target_names
    ('malignant', 'benign')
    """
    return _load("breast_cancer")


def load_iris() -> Dataset:
    """150 iris flowers, 4 lengths in cm each, 3 species.

    >>> load_iris().X[0]
    array([5.1, 3.5, 1.4, 0.2], dtype=float32)
    """
    return _load("iris")


def load_wine() -> Dataset:
    """178 wines, 13 chemical measurements each, 3 cultivators.

    >>> load_wine().feature_names[:3]
    ('alcohol', 'malic_acid', 'ash')
    """
    return _load("wine")


def load_auto_mpg() -> Dataset:
    """392 cars, 9 columns each; the target is their fuel economy (regression).

    >>> load_auto_mpg()
    Dataset('auto_mpg': 392 rows, 9 features, target mpg)
    """
    return _load("auto_mpg")


def _load(name: str) -> Dataset:
    entry = _SHIPPED[name]
    arrays = _read(f"{name}.npz", entry.sha256)
    y = arrays["y"]
    y = y.astype(np.int64 if y.dtype.kind == "u" else np.float32)
    return Dataset(
        X=arrays["X"].astype(np.float32),
        y=y,
        feature_names=tuple(arrays["feature_names"].tolist()),
        target_names=tuple(arrays["target_names"].tolist()),
        description=entry.description,
        licence=f"CC BY 4.0; {entry.source}",
        name=name,
        image_shape=entry.image_shape,
    )


def _read(filename: str, sha256: str) -> dict[str, Array]:
    file = resources.files("chainrule.nn.data").joinpath("files", filename)
    try:
        packed = file.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"{file}: the data file is missing; reinstall chainrule") from None
    # The digest is checked before anything is parsed, so a damaged file can't reach the unpacker.
    found = hashlib.sha256(packed).hexdigest()
    if found != sha256:
        raise ModelFileError(
            f"{file}: the data file is damaged (its {len(packed)} bytes have SHA-256 {found[:12]}..., "
            f"expected {sha256[:12]}...); reinstall chainrule"
        )
    with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
        return dict(archive)
