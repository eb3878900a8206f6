"""Measure the monitor with a session of 24 hours: memory, times of the answers, and frames in the browser.

python -m tests.host.monitor.measure_day [SECONDS_IN_THE_BROWSER]

A day of signal, beats and events is put into a session. Then Chromium shows it while the signal goes on in
real time, and then much faster, beside a second browser that reads nothing. The processor time of the page's
main thread (script, layout, and drawing where there is no graphics processor) depends less on the load of the
computer than the time between frames does.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import numpy as np
import psutil

from ecg_edge.host.live.items import BeatMark, Item, LinkChange, Wave
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.report.pdf import require_browser
from tests.support.made_session import FS_HZ, event
from tests.support.monitor import running
from tests.support.simulated import make_ecg

DAY_S = 86_400
FAST = 100
STEP = 36  # samples at once


def megabytes() -> float:
    """Memory of this process in MB, now."""
    return float(psutil.Process().memory_info().rss / 1e6)


def second(at: int, signal: np.ndarray, peaks: np.ndarray) -> list[Item]:
    """One second of the session, from second `at` on."""
    first = at % 60 * FS_HZ
    inside = peaks[np.searchsorted(peaks, first) : np.searchsorted(peaks, first + FS_HZ)]
    shift = (at - at % 60) * FS_HZ
    items: list[Item] = [Wave(at * FS_HZ, signal[first : first + FS_HZ])]
    items += [BeatMark(int(peak) + shift, "N", 288, 0, 90, 200) for peak in inside]
    if at % 60 == 30:
        items += [event(0, at * FS_HZ, at * FS_HZ + 700), event(2, at * FS_HZ, at * FS_HZ + 900)]
    return items


def feed(session: LiveSession, start: int, end: int, signal: np.ndarray, peaks: np.ndarray) -> float:
    """Put seconds into the session. Returns the longest time that one of them took."""
    worst = 0.0
    for at in range(start, end):
        items = second(at, signal, peaks)
        began = time.perf_counter()
        session.take(items)
        worst = max(worst, time.perf_counter() - began)
    return worst


def timed(name: str, call: Any) -> None:
    """Print how long a call takes."""
    began = time.perf_counter()
    call()
    print(f"{name}: {1000 * (time.perf_counter() - began):.1f} ms")


def main(browser_s: float) -> None:
    """Measure and print."""
    signal, peaks = make_ecg(60)
    with running() as page:
        before = megabytes()
        page.session.take([LinkChange(0, True, "connected")])
        worst = feed(page.session, 0, DAY_S, signal, peaks)
        print(f"24 h in memory: {megabytes() - before:.0f} MB; a second took at most {1000 * worst:.1f} ms")
        feed(page.session, DAY_S, DAY_S + 3 * 3600, signal, peaks)
        first, end = page.session.first, page.session.end
        print(f"27 h: {megabytes() - before:.0f} MB; oldest sample: hour {first / FS_HZ / 3600:.1f}")
        timed("a chunk of 10 s", lambda: page.get(f"/chunk/{(first + end) // 7200}"))
        timed("overview of the day", lambda: page.get(f"/overview?start={first}&end={end}&points=1200"))
        hour = f"start={end - 3600 * FS_HZ}&end={end}"
        timed("export of an hour as CSV", lambda: page.get(f"/export.csv?{hour}"))
        timed("export of an hour as WFDB", lambda: page.get(f"/export.zip?{hour}"))
        watch(page, browser_s, signal, peaks)


class Feeder:
    """Signal that goes on beside the browser.

    Parameters
    ----------
    page : Page
    signal, peaks : ndarray
        One minute of ECG, and its R peaks.
    speed : float
        Times real time.
    """

    def __init__(self, page: Any, signal: np.ndarray, peaks: np.ndarray, speed: float) -> None:
        self._session, self._minute, self._speed = page.session, (signal, peaks), speed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.worst_s, self.seconds = 0.0, 0.0

    def __enter__(self) -> Feeder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        began, first = time.monotonic(), self._session.end
        while not self._stop.wait(0.01):
            due = first + int((time.monotonic() - began) * FS_HZ * self._speed)
            while self._session.end + STEP <= due and not self._stop.is_set():
                self._push()
            self.seconds = (self._session.end - first) / FS_HZ

    def _push(self) -> None:
        signal, peaks = self._minute
        at = self._session.end
        inside = at % len(signal)
        items: list[Item] = [Wave(at, signal[inside : inside + STEP])]
        new = peaks[(peaks >= inside) & (peaks < inside + STEP)]
        items += [BeatMark(int(peak) + at - inside, "N", 288, 0, 90, 200) for peak in new]
        began = time.perf_counter()
        self._session.take(items)
        self.worst_s = max(self.worst_s, time.perf_counter() - began)


class Tab:
    """A tab of Chromium that shows the page, and its counters."""

    def __init__(self, browser: Any, page: Any) -> None:
        self._tab = browser.new_page(viewport={"width": 1280, "height": 900})
        self._tab.goto(page.url)
        self._counters = self._tab.context.new_cdp_session(self._tab)
        self._counters.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._tab.wait_for_timeout(3000)

    def _busy_ms(self) -> np.ndarray:
        """Processor time of the main thread so far: all, and its scripts."""
        found = {
            one["name"]: one["value"] for one in self._counters.send("Performance.getMetrics")["metrics"]
        }
        return 1000 * np.array([found["TaskDuration"], found["ScriptDuration"]])

    def measure(self, seconds: float) -> str:
        """Measure for some seconds (at most 20, by the page's own memory of frames)."""
        before, began = self._busy_ms(), time.monotonic()
        self._tab.evaluate("monitor.frames.count = 0")
        self._tab.wait_for_timeout(1000 * seconds)
        count, passed_s = self._tab.evaluate("monitor.frames.count"), time.monotonic() - began
        busy, script = (self._busy_ms() - before) / count
        times, drawing = (np.array(self._kept(name)) for name in ("times", "script"))
        heap = self._tab.evaluate("performance.memory.usedJSHeapSize / 1e6")
        return (
            f"{count / passed_s:.0f} frames a second, median {np.median(times):.1f} ms, 95 % "
            f"{np.percentile(times, 95):.1f} ms; processor time a frame: {busy:.2f} ms, of it script "
            f"{script:.2f} ms; the frame's own script 95 % {np.percentile(drawing, 95):.2f} ms of wall time; "
            f"page {heap:.0f} MB"
        )

    def _kept(self, name: str) -> list[float]:
        kept: list[float] = self._tab.evaluate(f"[...monitor.frames.{name}.slice(0, monitor.frames.count)]")
        return kept


def watch(page: Any, browser_s: float, signal: np.ndarray, peaks: np.ndarray) -> None:
    """Show the session in Chromium while it goes on, with a browser beside it that reads nothing."""
    from playwright.sync_api import sync_playwright

    with page.connect(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_browser(), args=["--no-sandbox"])
        with Feeder(page, signal, peaks, 1.0):
            print(f"real time: {Tab(browser, page).measure(15)}")
        memory = megabytes()
        with Feeder(page, signal, peaks, FAST) as feeder:
            tab = Tab(browser, page)
            for _ in range(4):
                print(f"{feeder.seconds:.0f} s of signal: {tab.measure(browser_s / 4)}")
        print(f"program +{megabytes() - memory:.1f} MB")
        print(f"a tenth of a second of signal took the program at most {1000 * feeder.worst_s:.1f} ms")
        browser.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
