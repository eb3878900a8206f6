"""Fixtures that the tests of every package share."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecg_edge.ecg.synthetic import textbook as synthetic
from ecg_edge.host.cli import console
from ecg_edge.host.devices import platformio as pio
from ecg_edge.host.report.pdf import find_browser
from tests.firmware import fuzz

ROOT = Path(__file__).resolve().parent.parent
TOOLS = (
    "gcc",
    "clang",
    "cppcheck",
    "arm-none-eabi-gcc",
    "qemu-system-arm",
    "riscv64-unknown-elf-gcc",
    "qemu-system-riscv32",
    "xtensa-lx106-elf-gcc",
    "qemu-system-xtensa",
    "mosquitto",
    "cmake",
    "node",
    "npm",
    "postgres",
)

# Debian keeps servers outside PATH.
SEARCH = ":".join(
    [os.environ.get("PATH", ""), "/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--require-tools`, which `make test` gives: a skipped test must not pass for one that ran."""
    parser.addoption("--require-tools", action="store_true", help="Fail when a tool is missing.")


def pytest_configure(config: pytest.Config) -> None:
    """Stop before the first test when `--require-tools` is given and a tool is missing."""
    if not config.getoption("--require-tools"):
        return
    missing = [name for name in TOOLS if shutil.which(name, path=SEARCH) is None]
    missing += [] if find_browser() else ["chromium"]
    if missing or not fuzz.can_fuzz():
        names = ", ".join(missing) or "clang's runtime with libFuzzer and the sanitizers"
        raise pytest.UsageError(f"{names}: not installed. `./setup.sh tests` installs all that tests need.")


@pytest.fixture(autouse=True, scope="session")
def wide_tables() -> None:
    """Tables as wide as they like: pytest-xdist's workers have a terminal of 80 columns."""
    console.out.width = console.err.width = console.WIDTH_OFF_TERMINAL


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder laid out like PhysioNet's, with the MIT-BIH records; skips where there is none."""
    folder = os.environ.get("ECG_EDGE_DATA")
    if not folder or not (Path(folder) / "mitdb" / "100.dat").is_file():
        pytest.skip("ECG_EDGE_DATA does not name a folder with mitdb/100.dat")
    return Path(folder)


@pytest.fixture(scope="session")
def shipped_bundle() -> Path:
    """Folder of the model bundle that comes with the project."""
    return ROOT / "models" / "nlrav"


@pytest.fixture(scope="session")
def shipped_image(shipped_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build the firmware of an environment with the shipped model: once for all tests of all workers."""
    own = tmp_path_factory.getbasetemp()
    images = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "images"

    def build(environment: str) -> Path:
        folder = images / environment
        built = folder / "built"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if not built.exists():
                built.write_text(str(pio.build(environment, shipped_bundle, folder / "pio")))
        return Path(built.read_text())

    return build


@pytest.fixture(scope="session")
def synthetic_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a synthetic database: nine patients, two minutes each."""
    root = tmp_path_factory.mktemp("records")
    synthetic.make_database(root, patients=9, minutes=2.0, seed=5)
    return root


@pytest.fixture
def record_folder(tmp_path: Path) -> Path:
    """Root of a database "mitdb" with one record "900": V5 and MLII, 720 samples, three annotations."""
    folder = tmp_path / "mitdb"
    folder.mkdir()
    random = np.random.default_rng(3)
    wfdb.wrsamp(
        "900",
        fs=360,
        units=["mV", "mV"],
        sig_name=["V5", "MLII"],
        d_signal=random.integers(-500, 500, (720, 2)),
        fmt=["212", "212"],
        adc_gain=[200, 200],
        baseline=[0, 0],
        write_dir=str(folder),
    )
    wfdb.wrann(
        "900",
        "atr",
        np.array([10, 370, 640]),
        ["+", "N", "V"],
        aux_note=["(N", "", ""],
        write_dir=str(folder),
    )
    return tmp_path
