"""The table of alarms: complete, the same in C, Python and documentation."""

from __future__ import annotations

from pathlib import Path

from ecg_edge.firmware.binding.rhythm import ALARM_KINDS, ASYSTOLE, PRIORITIES, RUN_V, all_kinds
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.reference.alarm_table import with_table
from ecg_edge.host.reference.rhythm_events import priority_of


def test_every_kind_of_event_has_a_row() -> None:
    assert {alarm.name for alarm in ALARM_KINDS.values()} == set(all_kinds()) | {"heart rate"}
    assert {alarm.priority for alarm in ALARM_KINDS.values()} == set(PRIORITIES)


def test_rows_are_in_the_order_of_urgency() -> None:
    ranks = [PRIORITIES.index(alarm.priority) for alarm in ALARM_KINDS.values()]
    assert ranks == sorted(ranks)


def test_only_what_kills_is_latching() -> None:
    assert all(alarm.latching == (alarm.priority == "high") for alarm in ALARM_KINDS.values())


def test_an_event_has_the_priority_of_its_kind() -> None:
    assert priority_of(RhythmEvent(0, ASYSTOLE, *[0] * 11)) == "high"
    assert priority_of(RhythmEvent(0, RUN_V, *[0] * 11)) == "medium"
    assert priority_of(RhythmEvent(0, 200, *[0] * 11)) == "none"


def test_the_page_has_this_table(project_root: Path) -> None:
    page = (project_root / "docs/explanation/rhythm.md").read_text(encoding="utf-8")
    assert with_table(page) == page
