"""The report in a real browser: no error on its console, and readable on a telephone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from scenarios.run.output import REPORT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE = 390
MEASURE = """<script>
const pictures = [...document.querySelectorAll(".picture:not(.wide) svg")].map(svg => ({
  right: svg.getBoundingClientRect().right,
  height: svg.getBoundingClientRect().height,
  letters: Math.min(...[...svg.querySelectorAll("text")].map(text => parseFloat(getComputedStyle(text).fontSize)
    * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)),
}));
parent.postMessage(JSON.stringify({
  window: innerWidth, scroll: document.documentElement.scrollWidth, pictures,
  text: parseFloat(getComputedStyle(document.body).fontSize),
}), "*");
</script>"""
FRAME = """<!DOCTYPE html><title>telephone</title><link rel="icon" href="data:,"><pre id="measured"></pre><script>
addEventListener("message", event => document.getElementById("measured").textContent = event.data);
</script><iframe src="page.html" style="width: {width}px; height: 2000px; border: 0"></iframe>"""
"""A window of any width: that of the browser itself has at least 500 pixels."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")


def opened(path: Path) -> tuple[str, list[str]]:
    """The document after it has been shown, and what the console has said."""
    assert CHROMIUM is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    options += [f"--user-data-dir={path.parent / 'profile'}", "--window-size=1600,2000", "--dump-dom"]
    command = [CHROMIUM, *options, "--virtual-time-budget=1000", path.as_uri()]
    found = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=True)
    return found.stdout, [line for line in found.stderr.splitlines() if "CONSOLE" in line]


def with_script(page: str, script: str, path: Path) -> Path:
    """A copy of the page with a script at its end."""
    path.write_text(page.replace("</body>", f"{script}</body>"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    """The report's source."""
    return (folder / REPORT).read_text(encoding="utf-8")


def test_console_is_heard(page: str, tmp_path: Path) -> None:
    """The next test would see an error."""
    _, console = opened(with_script(page, "<script>undefinedFunction()</script>", tmp_path / "broken.html"))
    assert any("undefinedFunction" in line for line in console)


@pytest.mark.parametrize("width", [PHONE, 1280])
def test_shown(page: str, tmp_path: Path, width: int) -> None:
    """Without a word on the console, without scrolling sideways, with letters that can be read."""
    with_script(page, MEASURE, tmp_path / "page.html")
    (tmp_path / "frame.html").write_text(FRAME.format(width=width))
    dom, console = opened(tmp_path / "frame.html")
    assert console == []
    match = re.search(r'<pre id="measured">(.+?)</pre>', dom, re.DOTALL)
    assert match is not None
    measured: dict[str, Any] = json.loads(unescape(match[1]))
    assert measured["window"] == width and measured["scroll"] <= width
    assert measured["text"] >= 16 and len(measured["pictures"]) >= 8
    for picture in measured["pictures"]:
        assert picture["right"] <= width and picture["height"] > 50 and picture["letters"] >= 8
