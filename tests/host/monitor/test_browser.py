"""The monitor in a real browser: Chromium of this system, without a window."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from numpy.typing import NDArray

from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.synthetic.files import write_wfdb
from ecg_edge.ecg.synthetic.generator import Settings
from ecg_edge.firmware.binding.rhythm import ASYSTOLE, BEGIN, END
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.computed import RecordSource
from ecg_edge.host.live.items import BeatMark, Gap, Item, LeadChange, LinkChange, Reference, Wave
from ecg_edge.host.report.pdf import find_browser
from ecg_edge.quantize.bundle.manifest import load_bundle
from tests.support.messages import made_event
from tests.support.simulated import make_ecg

CHROMIUM = find_browser()
api = pytest.importorskip("playwright.sync_api", exc_type=ImportError)
pytest.importorskip("fastapi")

from tests.support.monitor import Page, running, sees, wait  # noqa: E402

FS_HZ = 360
BLOCK = 36
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def repeated_ecg(times: int) -> tuple[NDArray[np.int16], set[int]]:
    """Ten seconds of ECG again and again, and its R peaks."""
    signal, peaks = make_ecg(10)
    beats = {int(peak) + k * len(signal) for k in range(times) for peak in peaks}
    return np.tile(signal, times), beats


SIGNAL = repeated_ecg(12)


@dataclass
class Device:
    """A device in real time, whose cable a test can pull."""

    page: Page
    plugged: bool = True
    at: int = 0
    extra: list[Item] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Feed the session until `stop` is set."""
        signal, beats = SIGNAL
        self.page.session.take([LinkChange(0, True, "connected")])
        start = time.monotonic()
        last = 0
        while not self.stop.wait(0.02):
            due = int((time.monotonic() - start) * FS_HZ)
            while self.plugged and self.at + BLOCK <= min(due, len(signal)):
                samples = signal[self.at : self.at + BLOCK]
                items: list[Item] = [Wave(self.at, samples)]
                for peak in sorted(beats & set(range(self.at - FS_HZ // 2, self.at - FS_HZ // 2 + BLOCK))):
                    items.append(BeatMark(peak, "N", peak - last, 0, 90, 200))
                    last = peak
                self.at += BLOCK
                extra, self.extra = self.extra, []
                self.page.session.take([*items, *extra])

    def pull(self) -> None:
        """Pull the cable."""
        self.plugged = False
        self.page.session.take([LinkChange(self.at, False, "no samples for one second")])

    def plug(self, after: int) -> None:
        """Put the cable in again, with a gap of `after` samples."""
        self.page.session.take([Gap(self.at, self.at + after, "the link was lost", False)])
        self.at += after
        self.page.session.take([LinkChange(self.at, True, "connected")])
        self.plugged = True


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def device() -> Iterator[Device]:
    with running() as page:
        device = Device(page)
        thread = threading.Thread(target=device.run, daemon=True)
        thread.start()
        yield device
        device.stop.set()
        thread.join()


@pytest.fixture
def tab(browser: Any, device: Device) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    tab.goto(device.page.url)
    yield tab
    context.close()
    assert faults == []


def alarm(phase: int, device: Device) -> RhythmEvent:
    return made_event(ASYSTOLE, phase, device.at, device.at + 100)


BEATS = "[...monitor.chunks.values()].some((chunk) => chunk.beats.size > 0)"


def test_beats_are_seen_within_three_seconds(tab: Any) -> None:
    wait(tab, BEATS, 3)
    wait(tab, "/^[0-9]+$/.test(document.querySelector('#rate').textContent)", 10)
    assert 60 < int(tab.inner_text("#rate")) < 100
    assert tab.inner_text("#quality") == "good"


def test_a_pulled_cable_is_seen_within_two_seconds_and_the_session_goes_on(tab: Any, device: Device) -> None:
    wait(tab, BEATS, 5)
    device.pull()
    assert sees(tab, "#link", "no samples", 2) < 2
    assert sees(tab, "#alarm-list", "link lost", 2) < 2
    device.plug(3 * FS_HZ)
    sees(tab, "#link", "connected", 2)
    sees(tab, "#events", "gap of 3.0 s", 2)


def test_an_electrode_that_is_off_is_seen(tab: Any, device: Device) -> None:
    device.extra = [LeadChange(device.at, 1)]
    sees(tab, "#quality", "electrode off", 2)
    sees(tab, "#alarm-list", "electrode off", 2)


def test_an_alarm_latches_until_it_is_acknowledged(tab: Any, device: Device) -> None:
    device.extra = [alarm(BEGIN, device)]
    sees(tab, "#alarm-list", "HIGH", 2)
    assert "asystole" in tab.title()
    device.extra = [alarm(END, device)]
    sees(tab, "#alarm-list", "over", 2)
    tab.get_by_role("button", name="Acknowledge asystole").first.click()
    wait(tab, "!document.querySelector('#alarm-list').textContent.includes('over')", 2)


def test_a_synthetic_tachycardia_raises_an_alarm(browser: Any, tmp_path: Path, shipped_bundle: Path) -> None:
    header, _ = write_wfdb(tmp_path / "synth", Settings("ventricular-tachycardia", seed=2), 60.0)
    record = load_record(tmp_path, "synth", header.stem)
    with running(source=RecordSource(record, load_bundle(shipped_bundle), speed=20)) as page:
        tab = browser.new_page()
        tab.goto(page.url)
        sees(tab, "#alarm-list", "ventricular tachycardia", 20)
        assert "HIGH" in tab.inner_text("#alarm-list")
        button = tab.get_by_role("button", name="Acknowledge ventricular tachycardia")
        button.first.click()
        wait(
            tab,
            "!document.querySelector('#alarm-list [aria-label=\"Acknowledge ventricular tachycardia\"]')",
            5,
        )
        tab.close()


def test_look_back_measure_and_return(tab: Any) -> None:
    wait(tab, "monitor.session.end > 5 * 360", 8)
    tab.focus("#strip")
    tab.keyboard.press("Space")
    sees(tab, "#pause", "Continue", 2)
    end = tab.evaluate("monitor.view.end")
    tab.wait_for_timeout(500)
    assert tab.evaluate("monitor.view.end") == end
    tab.click("#calliper")
    box = tab.locator("#strip").bounding_box()
    tab.mouse.move(box["x"] + 500, box["y"] + 100)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 500 + 25 * 96 / 25.4, box["y"] + 100 + 10 * 96 / 25.4)
    tab.mouse.up()
    sees(tab, "#measured", "1000 ms, as an RR interval 60/min; 1.00 mV", 2)
    tab.click("#live")
    wait(tab, "monitor.view.live && monitor.session.end - monitor.view.end < 360", 2)


def test_an_event_jumps_to_its_place(tab: Any, device: Device) -> None:
    device.extra = [alarm(BEGIN, device), alarm(END, device)]
    sees(tab, "#events", "asystole", 3)
    tab.locator("#events button", has_text="asystole").first.click()
    onset = tab.evaluate("[...monitor.events.values()].find((event) => event.name === 'asystole').onset")
    tab.wait_for_timeout(200)
    shown = tab.evaluate("({start: monitor.view.shown.start, end: monitor.view.shown.end})")
    assert shown["start"] <= onset <= max(shown["end"], onset)
    assert not tab.evaluate("monitor.view.live")


def test_exports(tab: Any, tmp_path: Path) -> None:
    wait(tab, "monitor.session.end > 5 * 360", 8)
    tab.click("#pause")
    for button, check in (("#png", is_png), ("#csv", is_csv), ("#zip", is_record)):
        with tab.expect_download() as waiting:
            tab.click(button)
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        check(path)


def is_png(path: Path) -> None:
    assert path.read_bytes().startswith(b"\x89PNG")


def is_csv(path: Path) -> None:
    assert path.read_text().splitlines()[1] == "sample,time_s,ecg_mv,beat"


def is_record(path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(path.read_bytes())).extractall(path.parent)
    assert wfdb.rdrecord(str(path.parent / "ecg")).sig_len > FS_HZ


def test_marks_that_come_before_their_samples_or_after_a_chunk_was_made_stay(browser: Any) -> None:
    signal, _ = make_ecg(20)
    with running() as page:
        page.session.take([LinkChange(0, True, "connected"), Wave(0, signal[: 9 * FS_HZ])])
        tab = browser.new_page()
        tab.goto(page.url)
        wait(tab, f"monitor.session.tail === {9 * FS_HZ}", 5)
        old = page.get("/chunk/0").json()
        late, early = 8 * FS_HZ, 10 * FS_HZ + 30  # in the chunk that is there, and in the one that is not
        for at in (late, early):
            page.session.take([BeatMark(at, "N", 300, 0, 90, 200), Reference(at, "N", "")])
        wait(tab, "monitor.chunks.get(0).references.size === 1", 5)
        page.session.take([Wave(9 * FS_HZ, signal[9 * FS_HZ : 12 * FS_HZ])])
        wait(tab, f"monitor.session.tail === {12 * FS_HZ}", 5)
        tab.evaluate("putChunk", old)
        for kind in ("beats", "references"):
            found = tab.evaluate(f"[...monitor.chunks.values()].flatMap((one) => [...one.{kind}.keys()])")
            assert sorted(found) == [late, early]
        missing = "monitor.chunks.get(0).samples.indexOf(-32768)"
        assert tab.evaluate(missing) == -1
        tab.close()


DURATIONS = [(12.34, "12.3 s"), (59.97, "1:00 min"), (1223, "20:23 min"), (3723.4, "1:02:03 h")]


def test_durations_of_a_minute_or_more_are_minutes_and_hours(tab: Any) -> None:
    sees(tab, "#link", "connected", 5)
    texts = [tab.evaluate(f"duration({seconds} * monitor.session.fs)") for seconds, _ in DURATIONS]
    assert texts == [text for _, text in DURATIONS]
    assert tab.evaluate("clock(59.97 * monitor.session.fs)") == "1:00.0"


def test_frames_come_evenly(tab: Any) -> None:
    wait(tab, BEATS, 5)
    tab.evaluate("monitor.frames.count = 0")
    tab.wait_for_timeout(3000)
    times = sorted(tab.evaluate("[...monitor.frames.times.slice(0, monitor.frames.count)]"))
    assert times[len(times) // 2] < 20  # 60 a second


COUNT_LINES = """(() => {
    const draw = CanvasRenderingContext2D.prototype.lineTo;
    window.lines = 0;
    CanvasRenderingContext2D.prototype.lineTo = function (...at) { window.lines++; draw.apply(this, at); };
})()"""
INK = """(() => {
    const strip = document.querySelector('#strip').getBoundingClientRect();
    const tiles = [...document.querySelectorAll('#trace canvas')].map((canvas) => {
        const { left, width } = canvas.getBoundingClientRect();
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let ink = 0;
        for (let k = 3; k < data.length; k += 4) ink += data[k] > 128;
        return { left: left - strip.left, right: left - strip.left + width, ink };
    });
    return { tiles, first: Math.max(monitor.view.shown.x(0), 0), width: strip.width };
})()"""


def test_a_sample_is_drawn_once_and_not_in_every_frame(tab: Any) -> None:
    wait(tab, BEATS, 5)
    tab.wait_for_timeout(1000)
    tab.evaluate(COUNT_LINES)
    tab.wait_for_timeout(2000)
    frames = tab.evaluate("monitor.frames.count")
    assert frames > 20
    assert tab.evaluate("lines") < 4 * 2 * FS_HZ + 10 * frames  # the pulse has five lines


def test_the_trace_fills_the_strip_also_in_the_past_and_at_another_speed(tab: Any) -> None:
    wait(tab, "monitor.session.end > 8 * 360", 10)
    for action in (lambda: None, lambda: tab.click("#pause"), lambda: tab.select_option("#speed", "50")):
        action()
        tab.wait_for_timeout(200)
        found = tab.evaluate(INK)
        first, width = found["first"], found["width"]
        tiles = sorted(found["tiles"], key=lambda tile: float(tile["left"]))
        assert tiles[0]["left"] <= first + 2 and tiles[-1]["right"] >= width - 2
        drawn = [one for one in tiles if one["right"] > first + 20 and one["left"] < width - 20]
        assert all(tile["ink"] > 100 for tile in drawn), tiles


SIZES: list[tuple[str, dict[str, Any]]] = [
    ("desktop", {"viewport": {"width": 1280, "height": 900}}),
    ("phone", {"viewport": {"width": 390, "height": 844}}),
    ("dark", {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}),
]


@pytest.mark.parametrize(("name", "options"), SIZES, ids=[name for name, _ in SIZES])
def test_the_page_is_accessible_and_fits(
    browser: Any, device: Device, name: str, options: dict[str, Any]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    device.extra = [alarm(BEGIN, device), LeadChange(device.at, 1)]
    context = browser.new_context(**options)
    tab = context.new_page()
    tab.goto(device.page.url)
    sees(tab, "#alarm-list", "asystole", 3)
    assert tab.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]
    found = axe.Axe().run(tab).response["violations"]
    context.close()
    serious = [
        (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_the_page_of_another_site_gets_nothing(browser: Any, device: Device) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto("data:text/html,<p>elsewhere</p>")
    open_socket: Callable[[str], Any] = tab.evaluate
    url = device.page.url
    got = open_socket(
        f"""async () => {{
            const read = await fetch("{url}chunk/0").then((answer) => answer.text(), () => "refused");
            const socket = new WebSocket("ws://{device.page.host}/live");
            const live = await new Promise((done) => {{
                socket.onmessage = () => done("message");
                socket.onclose = () => done("refused");
            }});
            return [read, live];
        }}"""
    )
    context.close()
    assert got == ["refused", "refused"]
