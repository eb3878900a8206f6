"""The monitor in a terminal, for computers that one reaches by ssh."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer, Static

from ecg_edge.host.live.alarms import HIGH, LOW, MEDIUM, Alarm
from ecg_edge.host.live.items import INVALID
from ecg_edge.host.live.session import LiveSession
from ecg_edge.host.monitor.braille import draw
from ecg_edge.host.recording.rhythm_notes import reasons_text

REFRESH_S: Final = 0.1
SECONDS_SHOWN: Final = 6.0
STEP_S: Final = 5.0
MARGIN_MV: Final = 0.3
SMALLEST_MV: Final = 1.5
_NAMES: Final = {HIGH: ("HIGH !!!", "bold red"), MEDIUM: ("MEDIUM !!", "bold yellow"), LOW: ("LOW !", "cyan")}


class _Part(Static):
    """A part of the screen that draws itself anew, until it is removed.

    Parameters
    ----------
    part_id : str
        Name of the part in the style sheet.
    draw : callable
        Makes its text for a width and height in cells.
    """

    def __init__(self, part_id: str, draw: Callable[[int, int], Text]) -> None:
        super().__init__(id=part_id)
        self._draw_text = draw

    def on_mount(self) -> None:
        """Begin to refresh. The timer is the part's own: one of the app outlives the parts when it ends."""
        self.set_interval(REFRESH_S, self.draw_anew)

    def draw_anew(self) -> None:
        """Show the session as it is now."""
        self.update(self._draw_text(*self.content_size))


class TerminalMonitor(App[None]):
    """Strip, heart rate, quality and alarms of one session.

    Parameters
    ----------
    session : LiveSession
        What it shows.
    """

    TITLE = "ecg-edge monitor"
    CSS = "#strip { height: 1fr; } Static { padding: 0 1; } #alarms { height: 5; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("a", "acknowledge", "Acknowledge"),
        ("space", "pause", "Pause"),
        ("left", "move(-1)", "Back"),
        ("right", "move(1)", "Forward"),
        ("end", "now", "Now"),
        ("q", "quit", "Quit"),
    ]

    def __init__(self, session: LiveSession) -> None:
        super().__init__()
        self._session = session
        self._end: int | None = None  # None: follow the newest sample

    def compose(self) -> ComposeResult:
        """Make the parts."""
        yield _Part("state", lambda width, height: self._state())
        yield _Part("alarms", lambda width, height: self._alarms())
        yield _Part("strip", self._strip)
        yield Footer()

    def action_acknowledge(self) -> None:
        """Silence all alarms."""
        for alarm in self._session.alarms()[1]:
            self._session.acknowledge(alarm.number)

    def action_pause(self) -> None:
        """Hold the strip, or follow the newest sample again."""
        self._end = self._session.end if self._end is None else None

    def action_move(self, steps: int) -> None:
        """Go back or forward."""
        end = self._session.end if self._end is None else self._end
        moved = end + round(steps * STEP_S * self._session.origin.fs_hz)
        self._end = min(max(moved, self._session.first), self._session.end)

    def action_now(self) -> None:
        """Follow the newest sample."""
        self._end = None

    def _state(self) -> Text:
        session, rate = self._session, self._session.heart_rate()
        text = Text.assemble(("  -  " if rate is None else f"{rate:4.0f} ", "bold"), "/min   ")
        if not session.is_up:
            text.append(session.link_text, "bold red")
        elif session.lead_flags:
            text.append("electrode off", "bold yellow")
        else:
            text.append(
                f"bad signal: {reasons_text(session.bad_reasons)}" if session.is_bad else "good signal"
            )
        if session.strip:
            text.append(f"   last 10 s: {session.strip.label}")
        return text.append(f"   {session.origin.name}", "dim")

    def _alarms(self) -> Text:
        alarms = self._session.alarms()[1][:4]
        if not alarms:
            return Text("No alarm", "dim")
        return Text("\n").join(self._alarm(alarm) for alarm in alarms)

    def _alarm(self, alarm: Alarm) -> Text:
        name, style = _NAMES[alarm.priority]
        when = "since" if alarm.end is None else "over, began at"
        done = ", acknowledged" if alarm.acknowledged else ""
        return Text.assemble((f"{name:10}", style), f"{alarm.name}, {when} {self._clock(alarm.onset)}{done}")

    def _clock(self, sample: int) -> str:
        minutes, tenths = divmod(round(10 * max(sample, 0) / self._session.origin.fs_hz), 600)
        hours, rest = divmod(minutes, 60)
        return (f"{hours}:{rest:02d}" if hours else f"{minutes}") + f":{tenths / 10:04.1f}"

    def _strip(self, width: int, height: int) -> Text:
        columns, rows = max(width, 10), max(height - 3, 2)
        fs_hz = self._session.origin.fs_hz
        end = self._session.end if self._end is None else self._end
        start = end - round(SECONDS_SHOWN * fs_hz)
        values = self._millivolts(start, end)
        low, high = _range_of(values)
        lines = [self._labels(start, end, columns), *draw(values, low, high, columns, rows)]
        held = "" if self._end is None else ", held"
        lines.append(f"{self._clock(start)} to {self._clock(end)}{held}; {high - low:.1f} mV high")
        return Text("\n".join(lines), no_wrap=True)

    def _millivolts(self, start: int, end: int) -> NDArray[np.float64]:
        """Samples in mV, shape (end - start,); nan where there is none."""
        values = np.full(end - start, np.nan)
        first, samples = self._session.samples(start, end)
        part = np.where(samples == INVALID, np.nan, samples / self._session.origin.adu_per_mv)
        values[first - start : first - start + len(part)] = part
        return values

    def _labels(self, start: int, end: int, columns: int) -> str:
        line = [" "] * columns
        for beat in self._session.beats(start, end):
            at = (beat.sample - start) * columns // (end - start)
            line[at : at + len(beat.symbol)] = beat.symbol
        return "".join(line[:columns])


def _range_of(values: NDArray[np.float64]) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return -SMALLEST_MV, SMALLEST_MV
    low, high = float(known.min()) - MARGIN_MV, float(known.max()) + MARGIN_MV
    spare = max(SMALLEST_MV - (high - low), 0.0) / 2
    return low - spare, high + spare
