"""Alarms: priorities, latching, acknowledgement."""

from __future__ import annotations

from ecg_edge.firmware.binding.rhythm import ASYSTOLE, BEGIN, BIGEMINY, COUPLET_V, END, HEART_RATE, UPDATE
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.alarms import BAD_SIGNAL, ELECTRODE_OFF, HIGH, LINK_LOST, LOW, AlarmBoard, priority_of
from ecg_edge.host.live.items import LeadChange, LinkChange, QualityChange
from tests.support.messages import made_event


def event(kind: int, phase: int, onset: int, end: int) -> RhythmEvent:
    return made_event(kind, phase, onset, end)


def names(board: AlarmBoard) -> list[str]:
    return [alarm.name for alarm in board.alarms]


def test_a_high_alarm_stays_until_it_is_acknowledged() -> None:
    board = AlarmBoard(360)
    board.take(event(ASYSTOLE, BEGIN, 100, 1500))
    (alarm,) = board.alarms
    assert (alarm.priority, alarm.end, alarm.acknowledged) == (HIGH, None, False)
    board.take(event(ASYSTOLE, END, 100, 2000))
    (alarm,) = board.alarms
    assert alarm.end == 2000
    assert board.acknowledge(alarm.number)
    assert board.alarms == []
    assert not board.acknowledge(alarm.number)


def test_an_acknowledged_alarm_goes_with_its_condition() -> None:
    board = AlarmBoard(360)
    board.take(event(ASYSTOLE, BEGIN, 100, 1500))
    board.acknowledge(board.alarms[0].number)
    assert [alarm.acknowledged for alarm in board.alarms] == [True]
    board.take(event(ASYSTOLE, UPDATE, 100, 1800))
    assert len(board.alarms) == 1
    board.take(event(ASYSTOLE, END, 100, 2000))
    assert board.alarms == []


def test_other_alarms_do_not_latch() -> None:
    board = AlarmBoard(360)
    assert priority_of(BIGEMINY) == LOW
    board.take(event(BIGEMINY, BEGIN, 100, 1500))
    assert names(board) == ["bigeminy"]
    board.take(event(BIGEMINY, END, 100, 2000))
    board.take(event(COUPLET_V, END, 100, 2000))
    assert board.alarms == []


def test_the_heart_rate_is_no_alarm() -> None:
    board = AlarmBoard(360)
    board.take(event(HEART_RATE, UPDATE, 0, 100))
    assert board.alarms == []


def test_technical_alarms() -> None:
    board = AlarmBoard(360)
    board.take(LeadChange(100, 1))
    board.take(LinkChange(200, False, "the cable is out"))
    assert names(board) == [LINK_LOST, ELECTRODE_OFF]
    board.take(LinkChange(300, True, "connected"))
    board.take(LeadChange(300, 0))
    assert board.alarms == []


def test_bad_signal_is_an_alarm_after_ten_seconds() -> None:
    board = AlarmBoard(360)
    board.take(QualityChange(1000, True, 8))
    board.advance(1000 + 3600)
    assert board.alarms == []
    board.advance(1000 + 3601)
    assert names(board) == [BAD_SIGNAL]
    board.take(QualityChange(9000, False, 8))
    assert board.alarms == []


def test_the_list_is_bounded() -> None:
    board = AlarmBoard(360)
    for k in range(1000):
        board.take(event(ASYSTOLE, BEGIN, 10 * k, 10 * k + 5))
        board.take(event(ASYSTOLE, END, 10 * k, 10 * k + 5))
    assert len(board.alarms) == 200
    assert board.alarms[0].onset == 9990
