"""The stepper in a live marimo app, through anywidget: Python sets its step, and reads what the reader does."""

import contextlib
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
pytest.importorskip("marimo", reason="needs marimo: pip install 'chainrule[browser]'")
pytest.importorskip("anywidget", reason="needs anywidget: pip install 'chainrule[notebook]'")

APP = """
import marimo
app = marimo.App()

@app.cell
def _():
    import chainrule as cr
    import marimo as mo
    first = cr.step(lambda x, w: x * w + x, 2.0, -3.0)
    return mo, first

@app.cell
def _(first, mo):
    stepper = first.widget()
    stepper.step = 2
    shown = mo.ui.anywidget(stepper)
    shown
    return (shown,)

@app.cell
def _(shown):
    f"read {shown.value['step']}"
    return

@app.cell
def _(first):
    first
    return
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    """The address of the running app."""
    (tmp_path / "app.py").write_text(APP)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-P", "-m", "marimo", "run", "app.py", "--headless", "--no-token"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=tmp_path, stdout=output, stderr=output)
    try:
        for _ in range(300):
            assert server.poll() is None, log.read_text()
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=30):
                break
            time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()


def test_python_and_the_reader_move_the_same_stepper(app: str, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1300, "height": 1700})
    context.route(lambda url: "//127.0.0.1:" not in url, lambda route: route.abort())
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(app)
    widget = page.locator(".chainrule")
    widget.locator(".counter", has_text="2 / 7").wait_for()
    page.get_by_text(re.compile("read 2")).wait_for()
    widget.locator(".canvas").click(position={"x": 3, "y": 3})
    page.keyboard.press("End")
    page.get_by_text(re.compile("read 7")).wait_for()
    frame = page.locator("iframe[srcdoc]").content_frame
    frame.locator(".chainrule").focus()
    page.keyboard.press("ArrowRight")
    assert frame.locator(".counter").inner_text() == "1 / 7", "the stepper without a widget is shown as well"
    assert widget.locator(".counter").inner_text() == "7 / 7"
    still = page.locator("img.chainrule-still")
    assert still.count() == 1
    assert not still.is_visible(), "the stepper hides its picture"
    context.close()
