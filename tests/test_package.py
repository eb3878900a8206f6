"""Wheel, source archive, and a checkout without symbolic links."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PACKAGES = ("ecg", "training", "quantize", "firmware", "host")
BUILD = "from setuptools import build_meta; print(build_meta.build_{kind}({target!r}))"


@pytest.fixture(scope="module")
def source_archive(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Source archive of this checkout, built from a copy: a build leaves folders behind."""
    checkout = tmp_path_factory.mktemp("checkout") / "ecg-edge"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=project_root, capture_output=True, text=True)
    if tracked.returncode != 0:
        pytest.skip("no git checkout")
    for name in filter(None, tracked.stdout.split("\0")):
        if (project_root / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project_root / name, checkout / name, follow_symlinks=False)
    return _build("sdist", checkout, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def installed(source_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the contents of the wheel that the source archive builds."""
    unpacked, site = tmp_path_factory.mktemp("unpacked"), tmp_path_factory.mktemp("site")
    with tarfile.open(source_archive) as archive:
        archive.extractall(unpacked, filter="data")
    wheel = _build("wheel", next(unpacked.iterdir()), tmp_path_factory.mktemp("wheel"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def _build(kind: str, project: Path, target: Path) -> Path:
    code = BUILD.format(kind=kind, target=str(target))
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(target.iterdir())


def _run(site: Path, cache: Path, *arguments: str) -> str:
    """Run Python with the packages in `site` first, in another folder, and return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(cache)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("ECG_EDGE_DATA", "PLATFORMIO_CORE_DIR"):
        environment.pop(name, None)
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=cache, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_source_archive_holds_each_file_once(source_archive: Path) -> None:
    with tarfile.open(source_archive) as archive:
        members = {member.name.split("/", 1)[1]: member for member in archive if "/" in member.name}
    assert "firmware/lib/ecg_core/src/ecg_core.c" in members
    assert {name for name in members if name.startswith("ecg_edge/")} == {
        "ecg_edge/__init__.py",
        "ecg_edge/py.typed",
    }
    assert not any(member.issym() for member in members.values())


@pytest.mark.slow
def test_every_module_of_the_wheel_imports(installed: Path, tmp_path: Path) -> None:
    code = (
        "import ecg_edge.ecg.files as f, ecg_edge.quantize.codegen, ecg_edge.host.report.html;"
        "print(f.PROJECT_ROOT, f.IS_CHECKOUT, (f.PROJECT_ROOT / 'models/nlrav/model.tflite').is_file())"
    )
    assert _run(installed, tmp_path, "-c", code).split() == [str(installed / "ecg_edge"), "False", "True"]


@pytest.mark.slow
def test_the_wheel_builds_firmware_in_the_users_cache(installed: Path, tmp_path: Path) -> None:
    before = sorted(installed.rglob("*"))
    printed = _run(installed, tmp_path, "-m", "ecg_edge.host.cli.main", "build", "--env", "native")
    program = Path(printed.splitlines()[0])
    assert program.is_file()
    assert program.is_relative_to(tmp_path)
    assert b"0.1.0" in program.read_bytes()
    assert sorted(installed.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.device
@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
def test_the_wheel_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    assert "PASS" in _run(installed, tmp_path, "-m", "ecg_edge.host.cli.main", "demo")


def test_a_checkout_without_symbolic_links_imports(project_root: Path, tmp_path: Path) -> None:
    (tmp_path / "ecg_edge").mkdir()
    shutil.copy(project_root / "ecg_edge" / "__init__.py", tmp_path / "ecg_edge")
    for name in PACKAGES:  # as Git for Windows leaves the links
        (tmp_path / "ecg_edge" / name).write_text(f"../{name}")
    shutil.copytree(project_root / "ecg", tmp_path / "ecg", ignore=shutil.ignore_patterns("__pycache__"))
    code = "import ecg_edge.ecg.files, ecg_edge.ecg.scoring.beats; print(ecg_edge.ecg.files.__file__)"
    printed = _run(tmp_path, tmp_path, "-c", code)
    assert Path(printed.strip()) == tmp_path / "ecg" / "files.py"


def test_the_links_are_those_of_the_packages(project_root: Path) -> None:
    links = {path.name for path in (project_root / "ecg_edge").iterdir() if path.is_symlink()}
    if not links:
        pytest.skip("a checkout without symbolic links")
    assert links == set(PACKAGES)
