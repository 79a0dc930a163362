"""The stepper in a live JupyterLab: shown, stepped, moved by Python, and what is left without a kernel or trust."""

import contextlib
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
nbformat = pytest.importorskip("nbformat", reason="needs JupyterLab: pip install 'chainrule[browser]'")
pytest.importorskip("jupyterlab", reason="needs JupyterLab: pip install 'chainrule[browser]'")
pytest.importorskip("anywidget", reason="needs anywidget: pip install 'chainrule[notebook]'")

TOKEN = "tests"
DEFINE = """import chainrule as cr
def f(x, w):
    h = x * w
    return h * h + x
first = cr.step(f, 2.0, -3.0)
first"""
LIVE = [DEFINE, "second = cr.step(f, 1.0, 5.0)\nsecond"]
WIDGET = [f"{DEFINE.removesuffix('first')}w = first.widget()\nw", "print('read', w.step)", "w.step = 3"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A running JupyterLab with folders of its own: its address, and the folder it serves."""
    home = tmp_path_factory.mktemp("jupyter")
    served = home / "served"
    served.mkdir()
    log = home / "log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    environment = kept | {
        name: str(home / name)
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        f"--IdentityProvider.token={TOKEN}",
    ]
    command = [sys.executable, "-P", "-m", "jupyterlab", *options, f"--ServerApp.root_dir={served}"]
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=output, stderr=output)
    try:
        yield _address(server, log), served
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server answers, once it does."""
    for _ in range(300):
        assert server.poll() is None, log.read_text()
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/lab", log.read_text()):
            address = f"http://127.0.0.1:{found[1]}"
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api", timeout=30):
                return address
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A browser's tab that may use the network, to this machine only."""
    context = browser.new_context(viewport={"width": 1300, "height": 1500})
    context.route(lambda url: "//127.0.0.1:" not in url, lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def write(folder: Path, name: str, cells: list[str]) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def open_notebook(tab: Any, address: str, path: Path) -> None:
    tab.goto(f"{address}/lab/tree/{path.name}?token={TOKEN}&reset")
    tab.locator(".jp-Notebook .jp-Cell").first.wait_for()


def menu(tab: Any, name: str, entry: str) -> None:
    tab.locator(".lm-MenuBar-item", has_text=re.compile(f"^{name}$")).click()
    tab.locator(".lm-Menu-item", has_text=re.compile(f"^{entry}")).first.click()


def run_all(tab: Any) -> None:
    tab.locator("#jp-bottom-panel, #jp-main-statusbar", has_text="| Idle").first.wait_for()
    menu(tab, "Run", "Run All Cells")


def frame(tab: Any, number: int) -> Any:
    return tab.locator("iframe[srcdoc]").nth(number).content_frame


def counter(place: Any) -> str:
    return str(place.locator(".counter").inner_text())


def run_cell(tab: Any, number: int) -> None:
    tab.locator(".jp-Cell").nth(number).locator(".cm-content").click()
    tab.keyboard.press("Control+Enter")


def no_shortcut_leaks(tab: Any, place: Any) -> None:
    """Keys that would add, cut or delete a cell of JupyterLab stay in the stepper."""
    cells = tab.locator(".jp-Cell").count()
    place.locator(".canvas").click(position={"x": 3, "y": 3})
    for key in ("b", "Escape", "b", "Escape", "a", "d", "d", "x", "m", "End"):
        tab.keyboard.press(key)
    assert counter(place) == "10 / 10"
    tab.wait_for_timeout(200)
    assert tab.locator(".jp-Cell").count() == cells


def test_two_live_steppers(lab: tuple[str, Path], tab: Any) -> None:
    address, folder = lab
    open_notebook(tab, address, write(folder, "live", LIVE))
    run_all(tab)
    for number in range(2):
        frame(tab, number).locator(".counter", has_text="0 / 10").wait_for()
    assert tab.locator("img.chainrule-still").count() == 2
    assert not any(picture.is_visible() for picture in tab.locator("img.chainrule-still").all())
    frame(tab, 0).locator(".chainrule").focus()
    tab.keyboard.press("ArrowRight")
    assert [counter(frame(tab, k)) for k in range(2)] == ["1 / 10", "0 / 10"], (
        "they do not disturb each other"
    )
    no_shortcut_leaks(tab, frame(tab, 1))
    assert counter(frame(tab, 0)) == "1 / 10"


def test_a_widget_that_python_reads_and_moves(lab: tuple[str, Path], tab: Any) -> None:
    address, folder = lab
    open_notebook(tab, address, write(folder, "widget", WIDGET))
    run_all(tab)
    widget = tab.locator(".jp-OutputArea .chainrule")
    widget.locator(".counter", has_text="3 / 10").wait_for()  # the last cell has moved it
    tab.locator(".jp-OutputArea-output", has_text="read 0").wait_for()
    no_shortcut_leaks(tab, widget)
    widget.locator(".back.tool").click()
    run_cell(tab, 1)
    tab.locator(".jp-OutputArea-output", has_text="read 9").wait_for()
    run_cell(tab, 2)
    widget.locator(".counter", has_text="3 / 10").wait_for()


@pytest.mark.parametrize("trusted", [True, False])
def test_without_a_kernel(lab: tuple[str, Path], tab: Any, trusted: bool) -> None:
    """A saved notebook, opened where no kernel runs: a trusted one steps, an untrusted one shows the picture."""
    from nbformat.sign import NotebookNotary

    import chainrule as cr

    address, folder = lab
    path = write(folder, f"trusted-{trusted}", [DEFINE])
    notebook = nbformat.read(path, as_version=4)
    bundle = cr.step(lambda x: x * x, 3.0)._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data=bundle, execution_count=1)
    notebook.cells[0].outputs = [output]
    notebook.cells[0].execution_count = 1
    notebook.metadata["kernelspec"] = {"name": "gone", "display_name": "gone"}
    nbformat.write(notebook, path)
    if trusted:
        notary = NotebookNotary(data_dir=str(folder.parent / "JUPYTER_DATA_DIR"))
        notary.sign(nbformat.read(path, as_version=4))
        notary.store.close()
    open_notebook(tab, address, path)
    tab.locator(".jp-Dialog button", has_text="No Kernel").click()
    if trusted:
        stepper = frame(tab, 0)
        stepper.locator(".chainrule").focus()
        tab.keyboard.press("End")
        assert counter(stepper) == "4 / 4"
        assert tab.locator("img.chainrule-still").is_hidden()
    else:
        picture = tab.locator(".jp-OutputArea-output img")
        picture.first.wait_for()
        assert picture.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 200
        assert tab.locator("iframe[srcdoc]").count() == 0
