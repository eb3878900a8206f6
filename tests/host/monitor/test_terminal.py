"""The monitor in a terminal."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

pytest.importorskip("textual")

from textual.widgets import Static

from ecg_edge.host.live.items import Gap, LinkChange
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.monitor import terminal
from ecg_edge.host.monitor.braille import draw
from ecg_edge.host.monitor.terminal import TerminalMonitor
from tests.support.made_session import FS_HZ, ORIGIN, event, items


def test_a_curve_in_braille() -> None:
    assert draw(np.array([0.0, 0.0, 1.0, 1.0]), 0.0, 1.0, 2, 1) == ["⣀⡏"]
    lines = draw(np.linspace(0, 1, 40), 0.0, 1.0, 10, 3)
    assert [len(line) for line in lines] == [10, 10, 10]
    assert lines[0].strip("⠀") and lines[0].startswith("⠀") and lines[2].endswith("⠀")


def test_a_gap_is_empty() -> None:
    assert draw(np.full(20, np.nan), 0.0, 1.0, 5, 1) == ["⠀" * 5]


def shown(app: TerminalMonitor, part: str) -> str:
    return str(app.query_one(f"#{part}", Static).content)


def test_the_terminal_shows_strip_alarms_and_labels() -> None:
    session = LiveSession(ORIGIN)
    session.take([LinkChange(0, True, "connected"), *items(0, 20 * FS_HZ)])
    session.take([event(0, 18 * FS_HZ, 19 * FS_HZ)])

    async def use() -> None:
        app = TerminalMonitor(session)
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.pause(0.3)
            assert "good signal" in shown(app, "state")
            assert "MEDIUM !!" in shown(app, "alarms") and "V run, since 0:18.0" in shown(app, "alarms")
            strip = shown(app, "strip").splitlines()
            assert strip[0].split() == ["N", "V", "N", "N", "V", "N"]
            assert "0:14.0 to 0:20.0" in strip[-1]
            await pilot.press("left")
            await pilot.pause(0.3)
            assert "0:09.0 to 0:15.0, held" in shown(app, "strip")
            await pilot.press("end", "a")
            await pilot.pause(0.3)
            assert "acknowledged" in shown(app, "alarms")
            assert "held" not in shown(app, "strip")

    asyncio.run(use())


def test_it_ends_in_the_midst_of_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "REFRESH_S", 0.0005)
    session = LiveSession(ORIGIN)
    session.take([LinkChange(0, True, "connected"), *items(0, 20 * FS_HZ)])

    async def use() -> None:
        app = TerminalMonitor(session)
        async with app.run_test() as pilot:
            await pilot.pause(0.05)

    for _ in range(3):
        asyncio.run(use())  # raises what a timer raised


@pytest.mark.parametrize(
    ("seconds", "text"), [(9, "0:09.0"), (59.97, "1:00.0"), (3599.9, "59:59.9"), (4500, "1:15:00.0")]
)
def test_times_have_minutes_and_hours(seconds: float, text: str) -> None:
    session = LiveSession(ORIGIN)
    end = round(seconds * FS_HZ)
    session.take([Gap(0, end, "the link was lost", False)])
    assert f"to {text};" in TerminalMonitor(session)._strip(80, 20).plain
