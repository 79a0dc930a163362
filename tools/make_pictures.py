"""Make the README's picture: the page that its first example writes, in a real browser, at one step.

    python -P tools/make_pictures.py

It needs the extra `browser` and a Chromium.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "stepper.png"
STEP = 13  # the second contribution to the gradient of x2
SIZE = {"width": 1200, "height": 620}


def example() -> str:
    """The first block of Python in the README."""
    found = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found, "README.md shows no Python"
    return found[1]


def shoot(page: Path, picture: Path) -> None:
    """Open a stepper's page, go to the step, and take the picture."""
    with sync_playwright() as playwright:
        found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
        browser = playwright.chromium.launch(executable_path=next(found, None))
        tab = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        tab.goto(page.as_uri())
        tab.wait_for_selector(".stepper")
        tab.keyboard.press("Home")
        for _ in range(STEP):
            tab.keyboard.press("ArrowRight")
        tab.screenshot(path=picture)
        browser.close()


def main() -> None:
    """Run the example in an empty folder, and photograph what it writes."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "example.py").write_text(example(), encoding="utf-8")
        subprocess.run([sys.executable, "-P", "example.py"], cwd=folder, check=True)
        PICTURE.parent.mkdir(exist_ok=True)
        shoot(Path(folder) / "steps.html", PICTURE)
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
