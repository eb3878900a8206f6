"""Rhythm events from beats and their classes: typed interface of the device's compiled rules.

events = follow_beats(beats["r_sample"], beats["rr_samples"], classes, len(samples), changes).events
rhythm = Rhythm(); rhythm.beats(...); rhythm.tick(...); rhythm.finish(...)     # as the device does
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ecg_edge.firmware.binding._ecg_rhythm import ffi, lib
from ecg_edge.firmware.binding.signal_path import FS_HZ

NORMAL: int = lib.ECG_RHYTHM_NORMAL
SUPRAVENTRICULAR: int = lib.ECG_RHYTHM_SUPRAVENTRICULAR
VENTRICULAR: int = lib.ECG_RHYTHM_VENTRICULAR
UNCLASSIFIABLE: int = lib.ECG_RHYTHM_UNCLASSIFIABLE
DOUBTFUL: int = lib.ECG_RHYTHM_DOUBTFUL
UNLABELLED: int = lib.ECG_RHYTHM_UNLABELLED

HEART_RATE: int = lib.ECG_RHYTHM_HEART_RATE
PAUSE: int = lib.ECG_RHYTHM_PAUSE
ASYSTOLE: int = lib.ECG_RHYTHM_ASYSTOLE
BRADYCARDIA: int = lib.ECG_RHYTHM_BRADYCARDIA
TACHYCARDIA: int = lib.ECG_RHYTHM_TACHYCARDIA
COUPLET_V: int = lib.ECG_RHYTHM_COUPLET_V
RUN_V: int = lib.ECG_RHYTHM_RUN_V
RUN_S: int = lib.ECG_RHYTHM_RUN_S
BIGEMINY: int = lib.ECG_RHYTHM_BIGEMINY
TRIGEMINY: int = lib.ECG_RHYTHM_TRIGEMINY
IRREGULAR: int = lib.ECG_RHYTHM_IRREGULAR
ATRIAL_FIBRILLATION: int = lib.ECG_RHYTHM_ATRIAL_FIBRILLATION
VENTRICULAR_FIBRILLATION: int = lib.ECG_RHYTHM_VENTRICULAR_FIBRILLATION
VENTRICULAR_TACHYCARDIA: int = lib.ECG_RHYTHM_VENTRICULAR_TACHYCARDIA
UNREADABLE: int = lib.ECG_RHYTHM_UNREADABLE
LEADS_OFF: int = lib.ECG_RHYTHM_LEADS_OFF

RUN_CERTAINTY: int = lib.ECG_RHYTHM_RUN_CERTAINTY
RUN_QUALITY: int = lib.ECG_RHYTHM_RUN_QUALITY

BEGIN: int = lib.ECG_RHYTHM_BEGIN
UPDATE: int = lib.ECG_RHYTHM_UPDATE
END: int = lib.ECG_RHYTHM_END
FLAG_TRUNCATED: int = lib.ECG_RHYTHM_FLAG_TRUNCATED
FLAG_SUSTAINED: int = lib.ECG_RHYTHM_FLAG_SUSTAINED

# One event, laid out as in C (ecg_rhythm.h defines the fields). Samples, and intervals in samples.
EVENT_DTYPE = np.dtype(
    [
        ("index", np.uint32),
        ("kind", np.uint8),
        ("phase", np.uint8),
        ("flags", np.uint8),
        ("onset", np.uint32),
        ("end", np.uint32),
        ("beats", np.uint16),
        ("rate_x10", np.uint16),
        ("mean_rr", np.uint16),
        ("shortest_rr", np.uint16),
        ("longest_rr", np.uint16),
        ("irregularity_permille", np.uint16),
        ("confidence", np.uint8),
    ],
    align=True,
)
# What the rules take of a beat besides its position and class; ecg_rhythm.h defines the fields.
EVIDENCE_DTYPE = np.dtype(
    [("p_wave", np.uint8), ("quality", np.uint8), ("unlikeness", np.uint8), ("certainty", np.uint8)]
)
# Good signal, certain labels, and nothing known of P waves.
NO_EVIDENCE = np.array((0, 100, 0, 255), EVIDENCE_DTYPE)
_BEAT_DTYPE = np.dtype(
    [
        ("r_sample", np.uint32),
        ("rr_samples", np.uint16),
        ("beat_class", np.uint8),
        *((name, np.uint8) for name in EVIDENCE_DTYPE.names or ()),
    ],
    align=True,
)
if EVENT_DTYPE.itemsize != lib.event_bytes() or _BEAT_DTYPE.itemsize != ffi.sizeof("ecg_rhythm_beat_t"):
    raise ImportError(
        "ecg_edge.firmware.binding._ecg_rhythm is older than its Python code: run pip install -e . again"
    )

IRREGULARITY_FEATURES: tuple[str, ...] = tuple(
    ffi.string(lib.irregularity_feature(k)).decode() for k in range(lib.ECG_RHYTHM_FEATURES)
)

Events: TypeAlias = np.ndarray[Any, np.dtype[np.void]]
Evidence: TypeAlias = np.ndarray[Any, np.dtype[np.void]]
IntArray: TypeAlias = npt.NDArray[np.integer[Any]]


class Followed(NamedTuple):
    """What the rules make of beats.

    Attributes
    ----------
    events : EVENT_DTYPE array, shape (k,)
        Events that they cause.
    in_fibrillation : bool array, shape (n,)
        Atrial fibrillation was suspected when the beat came: it is not labelled supraventricular then.
    """

    events: Events
    in_fibrillation: npt.NDArray[np.bool_]


def kind_name(kind: int) -> str:
    """Return the name of a kind of event, e.g. "asystole"."""
    return str(ffi.string(lib.ecg_rhythm_kind_text(kind)).decode())


def all_kinds() -> list[str]:
    """List the names of all kinds of events but the heart rate, in the order of their numbers."""
    unknown = kind_name(0)
    names = [kind_name(kind) for kind in range(HEART_RATE + 1, 256)]
    return [name for name in names if name != unknown]


def class_of(labels: Sequence[str], label: int) -> int:
    """Return the class of a beat with the label `labels[label]`; UNCLASSIFIABLE for any other index."""
    return int(lib.ecg_rhythm_class_of(",".join(labels).encode("ascii"), label))


def settled(samples: int, fs_hz: int = FS_HZ) -> int:
    """Compute the time up to which all beats have come and the signal's quality is decided.

    Parameters
    ----------
    samples : int
        Number of samples pushed so far.
    fs_hz : int
        Rate of the samples in Hz, 100 to 2000.

    Returns
    -------
    int
        Sample index, the argument of `Rhythm.tick`; 0 as long as nothing is settled.
    """
    return int(lib.ecg_rhythm_settled(fs_hz, samples))


def rhythm_fingerprint() -> int:
    """Compute the number that identifies the rules from outputs to labels and events, as the device does.

    It is the fingerprint of the rhythm rules, continued by that of the labels.
    """
    memory = ffi.new("char[]", max(lib.ecg_rhythm_state_bytes(), lib.labels_bytes()) + 8)
    rules = lib.ecg_rhythm_fingerprint(ffi.cast("ecg_rhythm_state_t *", memory))
    return int(lib.ecg_rhythm_labels_fingerprint(ffi.cast("ecg_rhythm_labels_t *", memory), rules))


@dataclass(frozen=True)
class AlarmKind:
    """A kind of event as an alarm, a row of ecg_rhythm_alarms.h.

    Attributes
    ----------
    kind : int
        As in an event.
    name, priority : str
        E.g. "asystole", "high"; a priority is one of `PRIORITIES`.
    latching : bool
        It stays until a person has confirmed it.
    latency : str
        Time from the begin of the condition to the event.
    silenced_by : str
        What keeps it from coming.
    """

    kind: int
    name: str
    priority: str
    latching: bool
    latency: str
    silenced_by: str


def _text(pointer: Any) -> str:
    return str(ffi.string(pointer).decode())


def _alarm_kind(row: Any) -> AlarmKind:
    priority = _text(lib.ecg_rhythm_priority_text(lib.ecg_rhythm_priority(row.kind)))
    is_latching = bool(lib.ecg_rhythm_is_latching(row.kind))
    return AlarmKind(
        row.kind, kind_name(row.kind), priority, is_latching, _text(row.latency), _text(row.silenced_by)
    )


PRIORITIES: tuple[str, ...] = ("high", "medium", "low", "technical", "none")

ALARM_KINDS: dict[int, AlarmKind] = {
    alarm.kind: alarm for alarm in (_alarm_kind(lib.alarm_row(row)) for row in range(lib.alarm_count()))
}
"""Every kind of event as an alarm, by its number, the most urgent first."""


class Rhythm:
    """Rhythm rules of one stream of beats, as on the device; methods return the events that they cause.

    Parameters
    ----------
    fs_hz
        Rate that sample indices count in, 100 to 2000.
    """

    def __init__(self, fs_hz: int = FS_HZ) -> None:
        if not 100 <= fs_hz <= 2000:
            raise ValueError(f"fs_hz must be 100 to 2000, not {fs_hz}")
        self._rate_every = lib.ECG_RHYTHM_RATE_EVERY_MS * fs_hz // 1000
        self._memory = ffi.new("char[]", lib.ecg_rhythm_state_bytes() + 8)  # cffi aligns to at least 8 bytes
        self._state = ffi.cast("ecg_rhythm_state_t *", self._memory)
        self._settled = 0
        lib.start(self._state, fs_hz)

    @property
    def state_bytes(self) -> int:
        """Size of the state in bytes, as compiled for this computer."""
        return int(lib.ecg_rhythm_state_bytes())

    def beats(
        self, r_samples: IntArray, rr_samples: IntArray, classes: IntArray, evidence: Evidence | None = None
    ) -> Followed:
        """Take beats in the order of time.

        Parameters
        ----------
        r_samples, rr_samples : int array, shape (n,)
            R peak, and interval to the one before (0: none), as the signal path gives them.
        classes : int array, shape (n,)
            NORMAL, SUPRAVENTRICULAR, VENTRICULAR, UNCLASSIFIABLE, DOUBTFUL or UNLABELLED. In suspected
            fibrillation SUPRAVENTRICULAR counts as NORMAL.
        evidence : EVIDENCE_DTYPE array, shape (n,), optional
            Without it: `NO_EVIDENCE`.

        Returns
        -------
        Followed
        """
        rows = np.zeros(len(r_samples), _BEAT_DTYPE)
        rows["r_sample"], rows["rr_samples"], rows["beat_class"] = r_samples, rr_samples, classes
        for name in EVIDENCE_DTYPE.names or ():
            rows[name] = (NO_EVIDENCE if evidence is None else evidence)[name]
        until = int(rows["r_sample"][-1]) if len(rows) else 0
        beats = ffi.cast("ecg_rhythm_beat_t *", ffi.from_buffer(rows)) if len(rows) else ffi.NULL
        suspected = np.zeros(len(rows), np.uint8)
        events = self._collect(lib.give_beats, until, len(rows), beats, len(rows), ffi.from_buffer(suspected))
        return Followed(events, suspected.astype(bool))

    def tick(self, settled: int, signal_is_bad: bool = False) -> Events:
        """Advance the time.

        Parameters
        ----------
        settled : int
            Sample before which no beat will come any more (`settled`).
        signal_is_bad : bool
            State of the signal from there on.

        Returns
        -------
        EVENT_DTYPE (k,)
        """
        return self._collect(lib.give_tick, settled, 1, settled, signal_is_bad)

    def leads(self, sample: int, off: bool) -> Events:
        """Take a change of the leads, from `sample` on; its event comes at once."""
        return self._collect(lib.give_leads, 0, 1, sample, off)

    def ventricular(self, now: np.void) -> Events:
        """Take a state of the ventricular rhythm detector.

        Parameters
        ----------
        now : VENTRICULAR_DTYPE
            A row of `SignalPath.ventricular`; all beats before its `until` were given, and none later.

        Returns
        -------
        EVENT_DTYPE (k,)
        """
        until = int(now["until"])
        state = ffi.new(
            "ecg_rhythm_ventricular_t *", [int(now["since"]), until, int(now["rate"]), int(now["kind"])]
        )
        return self._collect(lib.give_ventricular, until, 1, state)

    def irregularity_features(self) -> npt.NDArray[np.int16] | None:
        """Get the figures of the intervals so far from which atrial fibrillation is suspected, for training.

        Returns
        -------
        int16 array, shape (features,), or None
            In the order of `IRREGULARITY_FEATURES`; None with too few intervals.
        """
        row = np.zeros(len(IRREGULARITY_FEATURES), np.int16)
        found = lib.irregularity_features(self._state, ffi.from_buffer("int16_t[]", row))
        return row if found else None

    def finish(self, samples: int) -> Events:
        """End the signal after `samples` samples: episodes that are open end, truncated."""
        return self._collect(lib.give_end, samples, 1, samples)

    def _collect(self, function: Any, settled: int, calls: int, *arguments: Any) -> Events:
        reports = max(settled - self._settled, 0) // self._rate_every + 1
        self._settled = max(settled, self._settled)
        rows = np.zeros(lib.ECG_RHYTHM_EVENTS_MAX * calls + reports, EVENT_DTYPE)
        count = function(self._state, *arguments, ffi.from_buffer(rows), len(rows))
        if count > len(rows):
            raise RuntimeError(
                f"{count} events where at most {len(rows)} can be: ECG_RHYTHM_EVENTS_MAX is wrong"
            )
        found: Events = rows[:count].copy()
        return found


@dataclass(frozen=True)
class Turn:
    """What the rules take at a sample besides beats.

    Attributes
    ----------
    sample : int
        All beats before it are given first.
    is_bad : bool
        The signal's quality from there on, unless `ventricular` is given.
    ventricular : VENTRICULAR_DTYPE, optional
        State of the ventricular rhythm detector that is decided up to there.
    """

    sample: int
    is_bad: bool = False
    ventricular: np.void | None = None

    def apply(self, rhythm: Rhythm) -> Events:
        """Give it to the rules; return the events that it causes."""
        if self.ventricular is not None:
            return rhythm.ventricular(self.ventricular)
        return rhythm.tick(self.sample, self.is_bad)


def merge_turns(changes: Iterable[tuple[int, bool]], ventricular: Iterable[np.void] = ()) -> list[Turn]:
    """Put changes of the signal's quality and ventricular states in the order of time, as the device does."""
    turns = [Turn(int(sample), bool(is_bad)) for sample, is_bad in changes]
    turns += [Turn(int(state["until"]), ventricular=state) for state in ventricular]
    return sorted(turns, key=lambda turn: turn.sample)


def follow_beats(
    r_samples: IntArray,
    rr_samples: IntArray,
    classes: IntArray,
    samples: int,
    changes: Iterable[tuple[int, bool]] = (),
    fs_hz: int = FS_HZ,
    ventricular: Iterable[np.void] = (),
    evidence: Evidence | None = None,
    leads: Iterable[np.void] = (),
) -> Followed:
    """Apply the rules to a record.

    Parameters
    ----------
    r_samples, rr_samples, classes : int array, shape (n,)
        As for `Rhythm.beats`.
    samples : int
        Length of the signal.
    changes : iterable of (int, bool)
        From which sample on the signal is bad, or good again, in the order of time.
    fs_hz : int
        Rate that all of these count in.
    ventricular : VENTRICULAR_DTYPE array, shape (j,)
        States of the ventricular rhythm detector, in the order of time.
    evidence : EVIDENCE_DTYPE array, shape (n,), optional
        As for `Rhythm.beats`.
    leads : LEAD_CHANGE_DTYPE array, shape (i,)
        Changes of the leads, which are told ahead of what the signal's quality decides.

    Returns
    -------
    Followed
    """
    rhythm, first, is_bad = Rhythm(fs_hz), 0, False
    events: list[Events] = []
    suspected: list[npt.NDArray[np.bool_]] = []

    def give(last: int | None) -> None:
        found = rhythm.beats(*(column[first:last] for column in columns))
        events.append(found.events)
        suspected.append(found.in_fibrillation)

    def take(turn: Turn) -> None:
        nonlocal first, is_bad
        last = max(first, int(np.searchsorted(r_samples, turn.sample)))
        give(last)
        events.append(turn.apply(rhythm))
        is_bad = is_bad if turn.ventricular is not None else turn.is_bad
        first = last

    columns = (r_samples, rr_samples, classes, *(() if evidence is None else (evidence,)))
    turns = merge_turns(changes, ventricular)
    for change in leads:
        until = settled(int(change["told"]), fs_hz)
        while turns and turns[0].sample <= until:
            take(turns.pop(0))
        last = max(first, int(change["beats"]))
        give(last)
        first = last
        events.append(rhythm.tick(until, is_bad))
        events.append(rhythm.leads(int(change["sample"]), bool(change["bad"])))
    for turn in turns:
        take(turn)
    give(None)
    events.append(rhythm.finish(samples))
    return Followed(np.concatenate(events), np.concatenate(suspected))
