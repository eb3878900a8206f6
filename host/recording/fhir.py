"""A part of a recording as an Observation of FHIR R4, in JSON.

The ECG is SampledData under the code of ISO/IEEE 11073 for an electrical potential of the heart, as in FHIR's
own example of an ECG; LOINC names the study and the heart rate. Samples that never arrived are "E".
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.firmware.binding.rhythm import HEART_RATE
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import INVALID, BeatMark, Item, Origin, Wave
from ecg_edge.host.recording.rhythm_notes import event_text

LONGEST_S: Final = 600.0
"""Longest part in seconds: servers limit the size of a resource."""

_MDC: Final = "urn:oid:2.16.840.1.113883.6.24"
_LOINC: Final = "http://loinc.org"
_UCUM: Final = "http://unitsofmeasure.org"
_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_POTENTIAL: Final = ("131328", "MDC_ECG_ELEC_POTL")
_LEADS: Final = {"I": ("131329", "MDC_ECG_ELEC_POTL_I"), "II": ("131330", "MDC_ECG_ELEC_POTL_II")}


class Strip:
    """The part of a session that becomes a resource.

    Parameters
    ----------
    origin : Origin
        Where the samples come from.
    start_s, seconds : float
        Place and length in the session.

    Raises
    ------
    EcgEdgeError
        When the part is too long, or its place is no place in a session.
    """

    def __init__(self, origin: Origin, start_s: float, seconds: float) -> None:
        if not 0 < seconds <= LONGEST_S:
            raise EcgEdgeError(
                f"{seconds:g} s of ECG in one resource: at most {LONGEST_S:g}. Choose a part with --start-s "
                "and --seconds."
            )
        if not 0 <= start_s * origin.fs_hz < math.inf:
            raise EcgEdgeError(f"{start_s:g} s: no place in a session. Name another --start-s.")
        self.origin = origin
        self.start = round(start_s * origin.fs_hz)
        self._samples = np.full(round(seconds * origin.fs_hz), INVALID, np.int16)
        self._end = self.start
        self._beats: list[BeatMark] = []
        self._events: dict[tuple[int, int], RhythmEvent] = {}

    def take(self, items: list[Item]) -> None:
        """Keep what belongs to the part."""
        for item in items:
            if isinstance(item, Wave):
                self._put(item)
            elif isinstance(item, BeatMark) and self._holds(item.sample):
                self._beats.append(item)
            elif isinstance(item, RhythmEvent) and item.kind != HEART_RATE:
                self._events[item.kind, item.onset] = item

    def _holds(self, sample: int) -> bool:
        return self.start <= sample < self.start + len(self._samples)

    def _put(self, wave: Wave) -> None:
        first, last = max(wave.start, self.start), min(wave.end, self.start + len(self._samples))
        if first < last:
            self._samples[first - self.start : last - self.start] = wave.samples[first - wave.start :][
                : last - first
            ]
        self._end = max(self._end, wave.end)

    def samples(self) -> NDArray[np.int16]:
        """Samples up to the end of the session, INVALID where none arrived.

        Raises
        ------
        EcgEdgeError
            When there are none.
        """
        samples = self._samples[: max(self._end - self.start, 0)]
        if not np.any(samples != INVALID):
            raise EcgEdgeError("There is no signal in this part of the session. Name another --start-s.")
        return samples

    def heart_rate(self) -> float | None:
        """Mean rate in beats a minute, of the intervals that lie in the part."""
        intervals = [beat.rr_samples for beat in self._beats if beat.rr_samples]
        return 60 * self.origin.fs_hz * len(intervals) / sum(intervals) if intervals else None

    def events(self) -> list[RhythmEvent]:
        """Rhythm events that touch the part, by their onset."""
        end = self.start + len(self._samples)
        touching = [event for event in self._events.values() if event.onset < end and event.end >= self.start]
        return sorted(touching, key=lambda event: event.onset)


def observation(strip: Strip, started: datetime) -> dict[str, Any]:
    """Make the resource.

    Parameters
    ----------
    strip : Strip
    started : datetime
        Time of the session's first sample, with its offset from UTC.
    """
    samples, origin = strip.samples(), strip.origin
    begin = started + timedelta(seconds=strip.start / origin.fs_hz)
    end = begin + timedelta(seconds=len(samples) / origin.fs_hz)
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [_coding(_CATEGORY, "procedure", "Procedure")]}],
        "code": {"coding": [_coding(_MDC, *_POTENTIAL), _coding(_LOINC, "11524-6", "EKG study")]},
        "effectivePeriod": {"start": _time(begin), "end": _time(end)},
        "device": {"display": origin.device},
        "component": [_signal(origin, samples)],
    }
    if (rate := strip.heart_rate()) is not None:
        resource["component"].append(_rate(rate))
    notes = [event_text(event, origin.fs_hz) for event in strip.events()]
    text = "; ".join(["Labels and rhythm events of no medical device", *notes])
    return {**resource, "note": [{"text": text}]}


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code, "display": display}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _signal(origin: Origin, samples: NDArray[np.int16]) -> dict[str, Any]:
    data = ["E" if value == INVALID else str(value) for value in samples.tolist()]
    return {
        "code": {
            "coding": [_coding(_MDC, *_LEADS.get(origin.lead, _POTENTIAL))],
            "text": f"lead {origin.lead}",
        },
        "valueSampledData": {
            "origin": {"value": 0, "unit": "mV", "system": _UCUM, "code": "mV"},
            "period": round(1000 / origin.fs_hz, 9),
            "factor": round(1 / origin.adu_per_mv, 12),
            "dimensions": 1,
            "data": " ".join(data),
        },
    }


def _rate(rate: float) -> dict[str, Any]:
    quantity = {"value": round(rate, 1), "unit": "beats/minute", "system": _UCUM, "code": "/min"}
    return {"code": {"coding": [_coding(_LOINC, "8867-4", "Heart rate")]}, "valueQuantity": quantity}
