"""What every test shares: where the folders are, a browser, and a loud word about whatever did not run.

A test that lacks something skips, with a reason that says how to get it. The summary repeats every reason in
a section of its own, and where `CI` is set such a skip is a failure: nothing may be left out there.
A test that makes no sense on a platform skips with a reason starting with "platform:", which stays a skip.
"""

import ast
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A machine that is busy makes an example slow, not wrong.
settings.register_profile("chainrule", deadline=None)
settings.load_profile("chainrule")

ROOT = Path(__file__).parents[1]
IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def folders() -> dict[str, Path]:
    """The folder of each package, read from setup.py, which cannot be imported."""
    for statement in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "FOLDERS":
            return {name: ROOT / folder for name, folder in ast.literal_eval(statement.value).items()}
    raise AssertionError("setup.py assigns no FOLDERS")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium, the system's or Playwright's own, for the tests of one file."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install 'chainrule[browser]'"
    )
    with playwright.sync_playwright() as driver:
        found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
        executable = next(found, driver.chromium.executable_path)
        if not Path(executable).exists():
            pytest.skip("needs a browser: apt-get install chromium, or playwright install chromium")
        chromium = driver.chromium.launch(executable_path=executable)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page without a network; an error that it throws or logs fails the test."""
    errors: list[str] = []
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(f"thrown: {error}"))
    page.on("console", lambda message: message.type == "error" and errors.append(f"logged: {message.text}"))
    yield page
    context.close()
    assert not errors, "\n".join(errors)


def _left_out(report: Any) -> str | None:
    """The reason of a skip, unless it is one of the platform's or an expected failure."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    reason = report.longrepr[2].removeprefix("Skipped: ")
    return None if reason.startswith("platform:") else reason


def _forbid_in_ci(report: Any) -> Any:
    if IN_CI and (reason := _left_out(report)):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} may not be left out in CI: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    return _forbid_in_ci((yield))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    return _forbid_in_ci((yield))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reasons = Counter(filter(None, map(_left_out, terminalreporter.stats.get("skipped", []))))
    if not reasons:
        return
    terminalreporter.section("LEFT OUT: THESE TESTS DID NOT RUN", sep="!", red=True, bold=True)
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count:5} x {reason}")
