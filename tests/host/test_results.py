"""Result pages and the README's rows repeat the measured JSON, of the shipped model and no other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ecg_edge.firmware import fingerprint
from ecg_edge.host.pipeline import result_pages
from ecg_edge.host.pipeline.results import MEASUREMENTS
from ecg_edge.quantize.bundle.manifest import load_bundle

CONDITIONS = ("command", "protocol", "date", "git_commit", "model_sha256", "core_fingerprint", "tools")


@pytest.fixture(scope="module")
def folder(project_root: Path) -> Path:
    """The committed results."""
    return project_root / "docs" / "results"


def test_every_page_is_what_the_json_gives(folder: Path) -> None:
    made = result_pages.pages(folder)
    assert {path.name for path in folder.glob("*.md")} == set(made)
    for name, text in made.items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name}: run `make results`"


def test_the_readme_has_the_rows_that_the_json_gives(folder: Path, project_root: Path) -> None:
    readme = (project_root / "README.md").read_text(encoding="utf-8")
    rows = result_pages.readme_rows(result_pages.load(folder))
    assert result_pages.with_rows(readme, rows) == readme
    assert rows.count("\n") == 6  # header, rule, five rows


def test_every_measurement_has_its_file_with_its_conditions(folder: Path) -> None:
    measured = result_pages.load(folder)
    assert set(measured) == {measurement.name for measurement in MEASUREMENTS} | {"network"}
    for name, results in measured.items():
        assert all(results[key] for key in CONDITIONS), name


def test_all_figures_are_of_the_shipped_model_and_signal_path(folder: Path, shipped_bundle: Path) -> None:
    manifest = load_bundle(shipped_bundle).manifest
    for name, results in result_pages.load(folder).items():
        assert results["model_sha256"] == manifest.model_sha256, name
        assert results["core_fingerprint"] == f"0x{fingerprint():08x}", name


def test_the_shipped_model_card_has_the_device_s_figures_as_measured(
    folder: Path, shipped_bundle: Path
) -> None:
    card = (shipped_bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
    rows = json.loads((folder / "classifier.json").read_text())["figures"]["rows"]
    chosen = [row for row in rows if row["database"] == "mitdb" and row["start_s"] == 300]
    assert len(chosen) == 4
    for row in chosen:
        rates = f"{100 * row['gross']['veb_se']:.1f} / {100 * row['gross']['veb_ppv']:.1f}"
        assert f"| {row['group']} | {row['peaks']} | {row['patients']} | {rates} |" in card


def test_the_network_rows_are_the_manifest_s(folder: Path, shipped_bundle: Path) -> None:
    figures = json.loads((folder / "network.json").read_text())["figures"]
    assert figures["metrics"] == json.loads(json.dumps(load_bundle(shipped_bundle).manifest.metrics))


def test_a_table_of_the_network_holds_one_protocol(folder: Path) -> None:
    page = result_pages.pages(folder)["network.md"]
    protocols = json.loads((folder / "network.json").read_text())["figures"]["metrics"]
    for protocol, rows in protocols.items():
        _, _, after = page.partition(f"## {protocol}\n")
        table = after.partition("\n## ")[0]
        assert f"{100 * rows['int8']['accuracy']:.2f}" in table
        assert f"{rows['int8']['beats']:,}" in table
        others = [other for other in protocols if other != protocol]
        assert not any(f"{protocols[other]['int8']['beats']:,}" in table for other in others)


def test_no_path_of_a_computer_is_in_the_results(folder: Path) -> None:
    for path in folder.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.<)])/\w", text), path.name  # any absolute path
