"""Measure the monitor with a session of 24 hours: memory, times of the answers, and frames in the browser.

python -m tests.host.monitor.measure_day [SECONDS_IN_THE_BROWSER]

A day of signal, beats and events is put into a session. Then Chromium shows it while the signal goes on much
faster than real time, beside a second browser that reads nothing.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from typing import Any

import numpy as np

from ecg_edge.host.live.items import BeatMark, Item, LinkChange, Wave
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.report.pdf import require_browser
from tests.support.made_session import FS_HZ, event
from tests.support.monitor import running
from tests.support.simulated import make_ecg

DAY_S = 86_400
FAST = 100


def megabytes() -> float:
    """Memory of this process in MB, now."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


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


def watch(page: Any, browser_s: float, signal: np.ndarray, peaks: np.ndarray) -> None:
    """Show the session in Chromium while it goes on, with a browser beside it that reads nothing."""
    from playwright.sync_api import sync_playwright

    stop, worst = threading.Event(), [0.0, 0]

    def go_on() -> None:
        at = page.session.end // FS_HZ
        while not stop.wait(1 / FAST):
            worst[0] = max(worst[0], feed(page.session, at, at + 1, signal, peaks))
            at += 1
            worst[1] += 1

    with page.connect(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_browser(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(page.url)
        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        memory = megabytes()
        for k in range(1, 7):
            tab.evaluate("monitor.frames.count = 0")
            tab.wait_for_timeout(1000 * browser_s / 6)
            times = np.array(tab.evaluate("[...monitor.frames.times.slice(0, monitor.frames.count)]"))
            heap = tab.evaluate("performance.memory.usedJSHeapSize / 1e6")
            print(
                f"{k * browser_s / 6:.0f} s in the browser, {worst[1]} s of signal: frame median "
                f"{np.median(times):.1f} ms, 95 % {np.percentile(times, 95):.1f} ms; page {heap:.0f} MB, "
                f"program +{megabytes() - memory:.1f} MB"
            )
        stop.set()
        thread.join()
        print(
            f"beside a browser that reads nothing, a second of signal took at most {1000 * worst[0]:.1f} ms"
        )
        browser.close()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
