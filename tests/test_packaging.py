"""What a user installs: complete, beside HIPS autograd, from any working directory, and light to import."""

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy
import pytest

NOT_SHIPPED = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a command, which must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a source distribution of the tree, so that both are seen to be complete."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(root / name, source)
    for folder in folders.values():
        shutil.copytree(folder, source / folder.relative_to(root), ignore=NOT_SHIPPED)
    run(sys.executable, "-P", "-m", "build", "--outdir", source / "dist", cwd=source)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of an environment with the wheel, HIPS autograd and NumPy: no numba, no extra."""
    environment = tmp_path_factory.mktemp("clean")
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    numpy_here = f"numpy=={numpy.__version__}"
    run(
        scripts / "python",
        "-m",
        "pip",
        "install",
        "--no-deps",
        wheel,
        "autograd",
        numpy_here,
        cwd=environment,
    )
    return scripts


def test_wheel_holds_the_tree(wheel: Path, folders: dict[str, Path]) -> None:
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {
        f"{package.replace('.', '/')}/{file.relative_to(folder).as_posix()}"
        for package, folder in folders.items()
        for file in folder.rglob("*")
        if file.is_file() and not any(NOT_SHIPPED("", [part]) for part in file.relative_to(folder).parts)
    }
    assert not there - shipped, "not in the wheel"
    assert not shipped - there, "not in the tree"
    assert "chainrule/py.typed" in shipped


def test_wheel_holds_the_licences(wheel: Path) -> None:
    names = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if "/licenses/" in name}
    assert names == {"LICENSE", "NOTICE"}


@pytest.mark.parametrize("where", ["elsewhere", "checkout"])
def test_lives_beside_hips_autograd(where: str, clean: Path, root: Path, tmp_path: Path) -> None:
    """`-P` keeps the working directory off `sys.path`: the checkout's `autograd/` would hide the other."""
    program = (
        "import autograd, autograd.numpy, chainrule.autograd, json;"
        "print(json.dumps([autograd.__file__, chainrule.autograd.__file__]));"
        "print(autograd.grad(autograd.numpy.tanh)(0.0))"
    )
    output = run(clean / "python", "-P", "-c", program, cwd=root if where == "checkout" else tmp_path)
    files, gradient = output.splitlines()
    theirs, ours = (Path(file).parts for file in json.loads(files))
    assert theirs[-3:-1] == ("site-packages", "autograd")
    assert ours[-4:-1] == ("site-packages", "chainrule", "autograd")
    assert float(gradient) == 1.0


def test_checkout_does_not_hide_the_installed_package(clean: Path, root: Path) -> None:
    """Without `-P` too: the root holds nothing called `chainrule`."""
    file = run(clean / "python", "-c", "import chainrule.nn; print(chainrule.nn.__file__)", cwd=root)
    assert Path(file).parts[-4:-1] == ("site-packages", "chainrule", "nn")


def test_command(clean: Path, tmp_path: Path) -> None:
    assert run(clean / "chainrule", "--version", cwd=tmp_path).startswith("chainrule ")
    assert run(clean / "python", "-m", "chainrule", "--version", cwd=tmp_path).startswith("chainrule ")


def test_import_is_light(tmp_path: Path) -> None:
    """Run where the extras are installed: a clean environment could not tell."""
    program = "import sys, numpy.random; before = set(sys.modules); import chainrule; print(*set(sys.modules) - before)"
    imported = run(sys.executable, "-P", "-c", program, cwd=tmp_path).split()
    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names <= {"chainrule", "numpy"}
    assert "chainrule" in imported
