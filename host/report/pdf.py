"""PDF of a page, by a browser without a window."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ecg_edge.ecg.errors import ToolError
from ecg_edge.ecg.files import replacing

BROWSERS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
)
_SECONDS: Final = 120


def find_browser() -> str | None:
    """Find a browser that can print; None without one."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def require_browser() -> str:
    """Return the path of a browser.

    Raises
    ------
    ToolError
        When there is none.
    """
    found = find_browser()
    if found is None:
        raise ToolError("PDF needs Chromium or Chrome. Install one, or print the HTML page from a browser.")
    return found


def write_pdf(page: Path, path: Path) -> Path:
    """Print an HTML file.

    Parameters
    ----------
    page : Path
        The HTML file.
    path : Path
        The PDF file.

    Raises
    ------
    ToolError
        When there is no browser, or it fails.
    """
    browser = require_browser()
    with TemporaryDirectory() as profile, replacing(path) as temporary:
        command = [
            *(browser, "--headless", "--disable-gpu", "--no-sandbox", f"--user-data-dir={profile}"),
            *("--no-pdf-header-footer", f"--print-to-pdf={temporary.resolve()}", page.resolve().as_uri()),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            raise ToolError(f"{browser}: cannot print {page} ({error}). Print it from a browser.") from None
        if not temporary.is_file():
            raise ToolError(f"{browser}: printed nothing of {page}. Print it from a browser.")
    return path
