"""The monitor in a real browser, on the firmware itself: a program whose front end plays a tachycardia."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.ecg.records import Record, load_record
from ecg_edge.ecg.synthetic.files import write_wfdb
from ecg_edge.ecg.synthetic.generator import Settings
from ecg_edge.host.devices.emulator import native_device, write_front_end
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.live.device import DeviceSource
from ecg_edge.host.report.pdf import find_browser

CHROMIUM = find_browser()
api = pytest.importorskip("playwright.sync_api", exc_type=ImportError)
pytest.importorskip("fastapi")

from tests.support.monitor import running, sees, wait  # noqa: E402

pytestmark = [
    pytest.mark.device,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
OFF_S = (8, 10)  # an electrode is off


@pytest.fixture(scope="module")
def program(shipped_image: Callable[[str], Path]) -> Path:
    return shipped_image("native")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    root = tmp_path_factory.mktemp("data")
    header, _ = write_wfdb(root / "synth", Settings("ventricular-tachycardia", seed=2), 60.0)
    return load_record(root, "synth", header.stem)


@pytest.fixture
def browser() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_a_session_from_the_first_beat_to_a_new_cable(
    program: Path, record: Record, tmp_path: Path, browser: Any
) -> None:
    flags = np.zeros(len(record.samples), np.uint8)
    flags[OFF_S[0] * record.fs_hz : OFF_S[1] * record.fs_hz] = 1
    write_front_end(tmp_path / "script", record.samples, flags)
    link = tmp_path / "port"
    with ExitStack() as second:
        with ExitStack() as first:
            link.symlink_to(first.enter_context(native_device(program, tmp_path / "script")))
            source = DeviceSource(lambda: open_transport(str(link)), "port", record.adu_per_mv)
            page = second.enter_context(running(source=source))
            tab = browser.new_page(accept_downloads=True)
            tab.goto(page.url)
            beats_and_an_electrode(tab)
            an_alarm(tab)
            the_past(tab, tmp_path)
        pulled = time.monotonic()
        link.unlink()
        sees(tab, "#link", "Link:", 4)
        assert time.monotonic() - pulled < 2.5  # and the time that the program took to end
        link.symlink_to(second.enter_context(native_device(program, tmp_path / "script")))
        sees(tab, "#link", "connected", 15)
        sees(tab, "#events", "gap of", 5)
        tab.close()


def beats_and_an_electrode(tab: Any) -> None:
    """Beats come soon; an electrode that is off is seen while it is off."""
    wait(tab, "monitor.session.end > 0", 10)
    wait(tab, "[...monitor.chunks.values()].some((chunk) => chunk.beats.size > 0)", 5)
    assert tab.evaluate("monitor.session.end") < 5 * 360
    sees(tab, "#quality", "electrode off", OFF_S[1] + 2)
    sees(tab, "#alarm-list", "electrode off", 2)


def an_alarm(tab: Any) -> None:
    """The tachycardia raises an alarm, which somebody acknowledges."""
    sees(tab, "#alarm-list", "ventricular tachycardia", 40)
    tab.get_by_role("button", name="Acknowledge ventricular tachycardia").first.click()
    wait(
        tab, "!document.querySelector('#alarm-list [aria-label=\"Acknowledge ventricular tachycardia\"]')", 5
    )


def the_past(tab: Any, folder: Path) -> None:
    """Look back, export, and return."""
    tab.click("#pause")
    tab.click("#back")
    with tab.expect_download() as waiting:
        tab.click("#csv")
    waiting.value.save_as(folder / "ecg.csv")
    assert len((folder / "ecg.csv").read_text().splitlines()) > 1000
    tab.click("#live")
    wait(tab, "monitor.view.live", 2)
