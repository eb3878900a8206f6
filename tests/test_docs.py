"""The documentation site builds offline, with warnings as errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecg_edge.host.report.pdf import find_browser
from tests.support.command_lines import parse

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        **{"cwd": ROOT, "env": environment, "capture_output": True, "text": True},
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_the_site_builds_without_a_warning(site: Path) -> None:
    assert "ecg_core_push" in (site / "reference/c-api.html").read_text()
    assert "ecg_edge.ecg.scoring.beats" in (site / "reference/python/ecg.html").read_text()
    assert "ecg-edge replay" in (site / "reference/cli.html").read_text()


@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not re.findall(
            r'<(?:script|img)[^>]* src="https?:|<link[^>]*stylesheet[^>]*https?:', page.read_text()
        )


@pytest.mark.slow
@pytest.mark.skipif(find_browser() is None, reason="needs Chromium")
def test_search_works_without_a_server(site: Path) -> None:
    address = (site / "index.html").as_uri() + "?q=asystole"
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom")
    shown = subprocess.run(
        [str(find_browser()), *options, address], capture_output=True, text=True, timeout=120
    )
    assert re.search(r"[1-9]\d* matching documents", shown.stdout)


def test_the_readme_stays_a_first_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    without_addresses = re.sub(r"https?://\S+", "", text)
    assert len(re.findall(r"\d+(?:[.,]\d+)*", without_addresses)) <= 20


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists() and not _is_generated(page, link)]
    assert not missing


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_links_to_generated_pages_are_marked(page: Path) -> None:
    """Without the site, these pages are nowhere."""
    links = re.findall(
        r"\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)(?=(.{0,30}))", page.read_text(encoding="utf-8"), re.DOTALL
    )
    generated = [after for link, after in links if _is_generated(page, link)]
    assert all(" ".join(after.split()).startswith("(on the site, `make docs`)") for after in generated)


def test_links_of_the_readme_lead_to_files() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert not [link for link in links if not (ROOT / link).exists()]


def _is_generated(page: Path, link: str) -> bool:
    target = (page.parent / link).resolve().relative_to(ROOT / "docs").as_posix()
    return target in {
        "reference/cli.md",
        "reference/c-api.md",
        "contributing.md",
        "changelog.md",
        "tutorials/rhythms.md",
    } or (target.startswith("reference/python/"))


def test_the_messages_of_the_troubleshooting_page_are_the_programs() -> None:
    page = (ROOT / "docs/how-to/troubleshooting.md").read_text(encoding="utf-8")
    titles = re.findall(r"(?m)^### (.*\".*)$", page)
    quoted = [text for title in titles for text in re.findall(r'"([^"]+)"', title)]
    parts = [part for text in quoted for part in re.split(r"\s*\.\.\.,?\s*|\(Permission denied\)", text)]
    sources = _joined_strings()
    assert titles
    assert not [part for part in parts if part.strip() and part.strip() not in sources]


def _joined_strings() -> str:
    """Sources of the program, with string literals that continue on the next line joined."""
    folders = ("ecg", "training", "quantize", "firmware/binding", "host")
    texts = [path.read_text(encoding="utf-8") for name in folders for path in (ROOT / name).rglob("*.py")]
    return re.sub(r'"\n\s*f?"', "", "\n".join(texts))


def test_pages_named_in_sources_exist() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    sources = [
        ROOT / name for name in tracked.splitlines() if name.endswith((".py", ".c", ".h", ".ini", ".html"))
    ]
    named = {
        (source.name, page)
        for source in sources
        for page in re.findall(r"docs/[\w/-]+\.md", source.read_text(encoding="utf-8"))
    }
    assert named
    assert not [pair for pair in named if not (ROOT / pair[1]).is_file()]


def test_commands_in_the_pages_parse() -> None:
    lines = [line for page in _pages() for line in _commands(page.read_text(encoding="utf-8"))]
    assert len(lines) > 40
    for line in lines:
        if "--help" not in line:
            parse(line.replace("...", ""))


def test_imports_in_the_pages_work() -> None:
    lines = [line for page in _pages() for line in re.findall(r"(?m)^from ecg_edge.*$", page.read_text())]
    assert lines
    for line in lines:
        exec(line, {})


def _pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _commands(text: str) -> list[str]:
    """Command lines of code blocks, and those between backticks that have arguments."""
    blocks = "\n".join(re.findall(r"```(?:sh)?\n(.*?)```", text, flags=re.DOTALL)).splitlines()
    lines = [line.strip().removeprefix(".venv/bin/") for line in blocks]
    lines += [line for line in re.findall(r"`(ecg-edge [^`\n]+)`", text) if len(line.split()) > 3]
    return [re.sub(r"\s+#.*$", "", line) for line in lines if line.startswith("ecg-edge ")]
