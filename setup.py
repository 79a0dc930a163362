"""Map the top-level folders into one import package, `chainrule`.

The package list is computed here because a static one in `pyproject.toml` silently drops new sub-packages
from the wheel.
"""

from setuptools import find_packages, setup

FOLDERS = {
    "chainrule": "src/chainrule",
    "chainrule.autograd": "autograd",
    "chainrule.backends": "backends",
    "chainrule.nn": "nn",
    "chainrule.viz": "viz",
}

setup(
    package_dir=FOLDERS,
    packages=[
        name
        for package, folder in FOLDERS.items()
        for name in (package, *(f"{package}.{sub}" for sub in find_packages(folder)))
    ],
)
