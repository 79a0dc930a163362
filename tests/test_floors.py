"""The house stands: nothing is imported from above, no cycle, no heavy import, no file too long to read.

Imports are read from the syntax trees, so one inside a function or behind a condition counts as well. They
differ in time: at once (when the module is imported), lazy (inside a function), or for types only (under
`if TYPE_CHECKING:`). An import from above is wrong at any time. A cycle is wrong, unless only types close it:
that two modules name each other's types does no harm. A heavy import is wrong at once only.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal

import pytest

MAX_LINES = 400
FLOORS = ("chainrule.backends", "chainrule.autograd", "chainrule.nn", "chainrule.viz")  # above them: the face

LIGHT = {"chainrule", "numpy"} | sys.stdlib_module_names
# Packages that may import something heavy at once, because they are imported lazily themselves.
HEAVY_ALLOWED = {
    "chainrule.backends.numba": {"numba", "llvmlite"},
    "chainrule.nn.sklearn": {"sklearn"},
}

Time = Literal["at once", "lazy", "types"]


@dataclass(frozen=True)
class Import:
    """One import statement, resolved to a module of the house where it names one."""

    importer: str
    target: str
    time: Time
    place: str


class House:
    """The modules under the folders of a tree, and what they import."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.files = {
            _module_name(package, file.relative_to(folder)): file
            for package, folder in folders.items()
            for file in sorted(folder.rglob("*.py"))
        }
        self.imports = [found for name in self.files for found in self._imports_of(name)]

    def _imports_of(self, importer: str) -> Iterator[Import]:
        file = self.files[importer]
        package = importer if file.name == "__init__.py" else importer.rpartition(".")[0]
        for node, time in _imports(ast.parse(file.read_text()), "at once"):
            for name in _targets(node, package):
                yield Import(importer, self._resolve(name), time, f"{file}:{node.lineno}")

    def _resolve(self, name: str) -> str:
        """`chainrule.autograd.node.Node` is the module `chainrule.autograd.node`."""
        prefix = name
        while prefix and prefix not in self.files:
            prefix = prefix.rpartition(".")[0]
        return prefix or name

    def from_above(self) -> list[str]:
        """Imports of a module on a higher floor."""
        return [
            f"{found.place}: {found.importer} imports {found.target}, which is on a higher floor"
            for found in self.imports
            if found.target in self.files and _floor(found.target) > _floor(found.importer)
        ]

    def cycles(self) -> list[str]:
        """The first chain of imports that bites its tail."""
        graph: dict[str, set[str]] = {name: set() for name in self.files}
        for found in self.imports:
            if found.time != "types" and found.target in self.files and found.target != found.importer:
                graph[found.importer].add(found.target)
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            return [" -> ".join(reversed(error.args[1]))]
        return []

    def heavy(self) -> list[str]:
        """Imports that `import chainrule` would pay for, or that a plain install does not have."""
        return [
            f"{found.place}: import {top} inside the function that needs it"
            for found in self.imports
            if found.time == "at once"
            and (top := found.target.partition(".")[0]) not in LIGHT
            and top not in HEAVY_ALLOWED.get(_heavy_package(found.importer), set())
        ] + [
            f"{found.place}: import {found.target} inside the function that needs it"
            for found in self.imports
            if found.time == "at once"
            and _heavy_package(found.target)
            and _heavy_package(found.target) != _heavy_package(found.importer)
        ]


def _module_name(package: str, path: Path) -> str:
    inner = path.with_suffix("").parts
    return ".".join((package, *(inner[:-1] if inner[-1] == "__init__" else inner)))


def _floor(module: str) -> int:
    return next((i for i, floor in enumerate(FLOORS) if _inside(module, floor)), len(FLOORS))


def _heavy_package(module: str) -> str:
    return next((package for package in HEAVY_ALLOWED if _inside(module, package)), "")


def _inside(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def _imports(tree: ast.AST, time: Time) -> Iterator[tuple[ast.AST, Time]]:
    """Every node that imports, with the time at which it does."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) or _dynamic_name(node):
            yield node, time
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from _imports(ast.Module(node.body, []), "types")
            yield from _imports(ast.Module(node.orelse, []), time)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _imports(node, "types" if time == "types" else "lazy")
        else:
            yield from _imports(node, time)


def _targets(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        origin = ".".join([*above, *([node.module] if node.module else [])])
        return [f"{origin}.{alias.name}" for alias in node.names]
    return [_dynamic_name(node)]


def _dynamic_name(node: ast.AST) -> str:
    """The module that `import_module("…")` or `__import__("…")` names, or nothing."""
    match node:
        case ast.Call(
            func=ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(str(name)), *_],
        ):
            return name
    return ""


def too_long(folders: list[Path]) -> list[str]:
    """Hand-written files of more than 400 lines; a generated one says so in its first line."""
    long = []
    for file in sorted(file for folder in folders for file in folder.rglob("*")):
        if file.suffix in {".py", ".pyi", ".js", ".css"}:
            lines = file.read_text().splitlines()
            if len(lines) > MAX_LINES and "generated by" not in lines[0].lower():
                long.append(f"{file} has {len(lines)} lines; split it by what a reader would look for")
    return long


@pytest.fixture(scope="module")
def house(folders: dict[str, Path]) -> House:
    return House(folders)


def test_nothing_is_imported_from_above(house: House) -> None:
    assert not house.from_above()


def test_no_cycle(house: House) -> None:
    assert not house.cycles()


def test_nothing_heavy_is_imported_at_once(house: House) -> None:
    assert not house.heavy()


def test_no_file_is_too_long(folders: dict[str, Path], root: Path) -> None:
    assert not too_long([*folders.values(), root / "tests", root / "benchmarks"])


def test_every_module_is_read(house: House) -> None:
    assert {_floor(name) for name in house.files} == {0, 1, 2, 3, 4}
    assert "chainrule.autograd" in house.files
    assert "chainrule.cli" in house.files


# The checker itself, on small trees with a known fault.


def build(tmp_path: Path, files: dict[str, str]) -> House:
    """A house with the given files; those of the face are under `face/`."""
    folders = {"chainrule": tmp_path / "face"}
    for floor in FLOORS:
        folders[floor] = tmp_path / floor.rpartition(".")[2]
    for folder in folders.values():
        folder.mkdir()
        (folder / "__init__.py").touch()
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return House(folders)


@pytest.mark.parametrize(
    "text",
    [
        "from chainrule.nn.layers import Linear",
        "import chainrule.nn.layers",
        "from chainrule.nn import layers",
        "from chainrule import nn",
        "from ..nn import layers",
        "def f():\n    from chainrule.nn.layers import Linear",
        "class A:\n    def f(self):\n        import chainrule.nn",
        "if TYPE_CHECKING:\n    from chainrule.nn.layers import Linear",
        "try:\n    import chainrule.viz\nexcept ImportError:\n    pass",
        "import chainrule as cr",
        "from chainrule import Value",
        "importlib.import_module('chainrule.nn.layers')",
        "import_module('chainrule.nn')",
        "__import__('chainrule.nn.layers')",
    ],
)
def test_finds_an_import_from_above(tmp_path: Path, text: str) -> None:
    house = build(tmp_path, {"autograd/node.py": text, "nn/layers.py": ""})
    (fault,) = house.from_above()
    assert "node.py" in fault
    assert "chainrule.autograd.node imports chainrule" in fault


@pytest.mark.parametrize(
    "text",
    [
        "from chainrule.backends.floats import exp",
        "import chainrule.autograd.walk",
        "from . import walk",
        "def f():\n    from chainrule.autograd import walk",
        "import numpy as np",
    ],
)
def test_allows_an_import_from_below_and_beside(tmp_path: Path, text: str) -> None:
    house = build(tmp_path, {"autograd/node.py": text, "autograd/walk.py": "", "backends/floats.py": ""})
    assert not house.from_above() + house.cycles() + house.heavy()


@pytest.mark.parametrize(
    "back",
    [
        "import chainrule.autograd.node",
        "from .node import Node",
        "def f():\n    from chainrule.autograd.node import Node",
        "f = lambda: import_module('chainrule.autograd.node')",
    ],
)
def test_finds_a_cycle(tmp_path: Path, back: str) -> None:
    house = build(
        tmp_path, {"autograd/node.py": "from chainrule.autograd.walk import walk", "autograd/walk.py": back}
    )
    assert house.cycles() in (
        [" -> ".join(f"chainrule.autograd.{name}" for name in names)]
        for names in (("node", "walk", "node"), ("walk", "node", "walk"))
    )


def test_finds_a_cycle_through_the_package(tmp_path: Path) -> None:
    house = build(
        tmp_path,
        {
            "autograd/__init__.py": "from chainrule.autograd.node import Node",
            "autograd/node.py": "from chainrule.autograd import other",
        },
    )
    assert house.cycles()


def test_types_make_no_cycle(tmp_path: Path) -> None:
    house = build(
        tmp_path,
        {
            "autograd/node.py": "if typing.TYPE_CHECKING:\n    from chainrule.autograd.walk import walk",
            "autograd/walk.py": "from chainrule.autograd.node import Node",
        },
    )
    assert not house.cycles()


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("nn/fit.py", "import tqdm"),
        ("nn/fit.py", "from tqdm.auto import tqdm"),
        ("nn/fit.py", "try:\n    import sklearn\nexcept ImportError:\n    sklearn = None"),
        ("backends/numpy.py", "import numba"),
        ("backends/numpy.py", "from chainrule.backends.numba import kernels"),
        ("backends/numba/kernels.py", "import sklearn"),
        ("face/__init__.py", "class A:\n    import numba"),
    ],
)
def test_finds_a_heavy_import(tmp_path: Path, file: str, text: str) -> None:
    files = {"backends/numba/__init__.py": "", "backends/numba/kernels.py": "", file: text}
    assert len(build(tmp_path, files).heavy()) == 1


def test_allows_a_heavy_import_where_it_belongs(tmp_path: Path) -> None:
    house = build(
        tmp_path,
        {
            "backends/numba/__init__.py": "from chainrule.backends.numba import kernels",
            "backends/numba/kernels.py": "import numba\nfrom llvmlite import ir",
            "backends/numpy.py": "def load():\n    from chainrule.backends.numba import kernels",
            "nn/fit.py": "def bar():\n    import tqdm\nif TYPE_CHECKING:\n    import tqdm",
        },
    )
    assert not house.heavy()


def test_finds_a_long_file(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.js").write_text("x\n" * (MAX_LINES + 1))
    (tmp_path / "b.py").write_text("x\n" * MAX_LINES)
    (tmp_path / "c.py").write_text("# Generated by tools/table.py\n" + "x\n" * MAX_LINES)
    (fault,) = too_long([tmp_path])
    assert "a.js has 401 lines" in fault
