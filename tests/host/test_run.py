"""`ecg-edge run`, the whole of it with both networks, on a machine without records and without network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.beat_network import export_random

pytestmark = [pytest.mark.tensorflow, pytest.mark.device, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    export_random(folder, "shape", 4, strips=True)
    return folder


def run(world: Path) -> tuple[dict[str, Any], str, str]:
    """Figures, standard output, standard error."""
    environment = {key: value for key, value in os.environ.items() if key != "ECG_EDGE_DATA"}
    environment |= {"XDG_CACHE_HOME": str(world), "https_proxy": "http://127.0.0.1:1"}
    command = [sys.executable, "-m", "ecg_edge.host.cli.main", "run"]
    done = subprocess.run(
        [*command, "--morphology", "shape", "--json", "figures.json", "s03"],
        cwd=world,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((world / "figures.json").read_text()), done.stdout, done.stderr


def test_whole_chain_passes_on_synthetic_ecg_and_reports_it(world: Path) -> None:
    figures, shown, reported = run(world)
    assert "NO ECG RECORDS" in reported
    assert "SYNTHETIC ECG: these figures do not hold for patients." in shown
    assert f"PASS: {figures['beats']} beats on the device, {figures['strips']} strips, 0 differing" in shown
    assert (figures["verdict"], figures["differing_bytes"], figures["lost_samples"]) == ("pass", 0, 0)
    assert figures["beats"] > 100 and figures["strips"] == figures["agreeing_strips"] > 20
    assert {stage["status"] for stage in figures["stages"]} == {"done"}
    assert figures["device"]["board"] == "stm32f405"
    assert all("synthetic" in row["protocol"] for row in figures["evaluation"])
    generated = next(e for e in figures["verify"]["engines"] if e["engine"] == "generated C")
    assert generated["differing_bytes"] == 0
    assert (world / figures["report"]).is_file()


def test_second_run_repeats_nothing(world: Path) -> None:
    figures, _, _ = run(world)
    assert {stage["status"] for stage in figures["stages"]} == {"cached"}
