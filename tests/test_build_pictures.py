"""The pictures of docs/build-it are made by their programs, from the firmware's pins and the generator."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


def _program(project_root: Path, name: str) -> ModuleType:
    path = project_root / f"docs/images/{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wiring(project_root: Path) -> ModuleType:
    return _program(project_root, "draw_wiring")


@pytest.fixture(scope="module")
def traces(project_root: Path) -> ModuleType:
    return _program(project_root, "draw_traces")


def test_drawings_have_the_pins_of_the_firmware(wiring: ModuleType) -> None:
    for name, text in wiring.images().items():
        stored = (wiring.FOLDER / name).read_text(encoding="utf-8")
        assert stored == text, f"{name}: python docs/images/draw_wiring.py"


def test_no_two_lines_of_a_drawing_touch(wiring: ModuleType) -> None:
    """Words that begin or end at one place have the height of their letters between them."""
    for name, text in wiring.images().items():
        places: dict[str, list[float]] = {}
        for x, y in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', text):
            places.setdefault(x, []).append(float(y))
        for rows in places.values():
            assert np.diff(sorted(rows)).min(initial=99) >= 20, name


@pytest.mark.parametrize("env", ["stm32f405", "pico", "esp32dev", "esp32s3", "esp32c3"])
def test_the_page_of_wiring_lists_the_same_pins(wiring: ModuleType, project_root: Path, env: str) -> None:
    page = (project_root / "docs/how-to/wiring.md").read_text(encoding="utf-8")
    section = page.split(f"(`env:{env}`)")[1].split("\n## ")[0]
    one = wiring.WIRINGS[env]()
    signals = {"OUTPUT": one.output, "LO+": one.lo_plus, "LO-": one.lo_minus, "buzzer": one.buzzer}
    for signal, pin in signals.items():
        row = next(line for line in section.splitlines() if line.startswith(f"| {signal} |"))
        assert set(re.findall(r"\w*[A-Z]\w*|\d+", pin.replace("pin ", ""))) <= set(re.findall(r"\w+", row))


def test_traces_are_those_of_the_generator(traces: ModuleType) -> None:
    for name in traces.TRACES:
        stored = (traces.FOLDER / f"trace-{name}.svg").read_text(encoding="utf-8")
        found = re.search(r'points="([^"]*)"', stored)
        assert found
        points = np.array([point.split(",") for point in found[1].split()], float)
        # One unit is a fifth of a millimetre: another version of NumPy may round the other way.
        np.testing.assert_allclose(points, traces.trace(name), atol=1.1, err_msg="draw_traces.py")


def test_traces_differ_in_what_the_page_says_of_them(traces: ModuleType) -> None:
    height = {name: traces.trace(name)[:, 1] for name in traces.TRACES}
    steps = {name: float(np.median(np.abs(np.diff(y)))) for name, y in height.items()}
    assert steps["mains"] > 3 * steps["muscle"] > 6 * steps["good"]
    slow = {name: float(np.ptp(np.convolve(y, np.ones(180) / 180, "valid"))) for name, y in height.items()}
    assert slow["wander"] > 3 * slow["good"]
    assert np.mean(height["saturated"] == np.max(height["saturated"])) > 0.15
    assert np.ptp(height["loose"]) > 1.5 * np.ptp(height["good"])
