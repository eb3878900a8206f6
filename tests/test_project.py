"""Facts that the project's own files repeat for other programs: they agree."""

from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import pytest

from ecg_edge.host.cli.main import EXTRAS


@pytest.fixture(scope="module")
def project(project_root: Path) -> dict[str, object]:
    """Table `project` of pyproject.toml."""
    table: dict[str, object] = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    return table


def _all_dependencies(project: dict[str, object]) -> set[str]:
    extras = project["optional-dependencies"]
    return {str(item) for group in (project["dependencies"], *extras.values()) for item in group}  # type: ignore


def test_the_citation_names_the_version(project: dict[str, object], project_root: Path) -> None:
    citation = (project_root / "CITATION.cff").read_text()
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [project["version"]]


def test_the_changelog_has_the_version_with_its_date(project: dict[str, object], project_root: Path) -> None:
    heads = re.findall(
        r"^## \[(.+?)\](?: - (\S+))?$", (project_root / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    released = re.search(r"^date-released: (.+)$", (project_root / "CITATION.cff").read_text(), re.MULTILINE)
    assert released is not None
    assert heads[0] == ("Unreleased", "")
    assert (project["version"], released.group(1)) in heads


def test_the_workflow_runs_each_supported_python(project: dict[str, object], project_root: Path) -> None:
    workflow = (project_root / ".github" / "workflows" / "checks.yml").read_text()
    matrix = re.search(r"^ +python: \[(.+)\]$", workflow, re.MULTILINE)
    assert matrix is not None
    tested = [tuple(map(int, name.strip('" ').split("."))) for name in matrix.group(1).split(",")]
    first, end = (
        tuple(map(int, text.split("."))) for text in re.findall(r"3\.\d+", str(project["requires-python"]))
    )
    assert tested == [(3, minor) for minor in range(first[1], end[1])]


def test_each_extra_that_a_message_names_exists(project: dict[str, dict[str, object]]) -> None:
    assert set(EXTRAS.values()) <= set(project["optional-dependencies"])


def test_commit_hooks_use_the_versions_of_the_project(project: dict[str, object], project_root: Path) -> None:
    hooks = (project_root / ".pre-commit-config.yaml").read_text()
    wanted = set(re.findall(r'"([a-z0-9-]+[<>=][^"]+|types-[a-z]+)"', hooks))
    assert wanted
    assert wanted <= _all_dependencies(project)
