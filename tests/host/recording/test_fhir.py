"""FHIR: the resource satisfies the published models, and its samples are those of the recording."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.cli.main import main
from ecg_edge.host.link.messages import RhythmEvent
from ecg_edge.host.live.items import BeatMark, Gap, Item, Origin, Wave
from ecg_edge.host.recording.fhir import Strip, observation
from ecg_edge.host.recording.recorder import Recorder

ORIGIN = Origin("port", "board, firmware 1", 250, 200.0, "II", ("N", "V"), "")
STARTED = datetime(2026, 1, 31, 10, 15, tzinfo=timezone.utc)


def items() -> list[Item]:
    """Twenty seconds that count, with a gap from 10 s to 11 s and a beat a second."""
    samples = np.arange(5000).astype(np.int16)
    beats = [BeatMark(k, "N", 250, 1, 99, 200) for k in range(0, 5000, 250)]
    event = RhythmEvent(0, 10, 2, 0, 2600, 2900, 5, 1800, 83, 80, 90, 0, 0)
    return [Wave(0, samples[:2500]), Gap(2500, 2750, "lost", True), Wave(2750, samples[2750:]), *beats, event]


def test_a_strip_satisfies_the_models_of_fhir() -> None:
    models = pytest.importorskip("fhir.resources.R4B.observation")
    strip = Strip(ORIGIN, 8.0, 6.0)
    strip.take(items())
    resource = json.loads(json.dumps(observation(strip, STARTED)))
    parsed = models.Observation.model_validate(resource)
    assert [coding.code for coding in parsed.code.coding] == ["131328", "11524-6"]
    assert str(parsed.effectivePeriod.start) == "2026-01-31 10:15:08+00:00"
    signal, rate = parsed.component
    assert signal.code.coding[0].code == "131330"
    data, factor = signal.valueSampledData.data.split(), signal.valueSampledData.factor
    assert data == [str(k) if not 2500 <= k < 2750 else "E" for k in range(2000, 3500)]
    assert factor == Decimal("0.005") and signal.valueSampledData.period == 4
    assert (rate.code.coding[0].code, rate.valueQuantity.value) == ("8867-4", 60)
    assert "V run" in parsed.note[0].text or "180/min" in parsed.note[0].text
    with pytest.raises(ValueError, match="status"):
        models.Observation.model_validate({**resource, "status": None})


def test_a_part_without_signal_or_too_long_is_refused() -> None:
    strip = Strip(ORIGIN, 100.0, 6.0)
    strip.take(items())
    with pytest.raises(EcgEdgeError, match="no signal in this part"):
        observation(strip, STARTED)
    with pytest.raises(EcgEdgeError, match="--seconds"):
        Strip(ORIGIN, 0.0, 3600.0)
    for start_s in (float("inf"), float("nan"), 1e308, -1.0):
        with pytest.raises(EcgEdgeError, match="--start-s"):
            Strip(ORIGIN, start_s, 6.0)


def test_the_command_writes_a_part_of_a_recording(tmp_path: Path) -> None:
    with Recorder(tmp_path / "night", ORIGIN, started=STARTED) as recorder:
        recorder.take(items())
    out = tmp_path / "strip.json"
    with pytest.raises(SystemExit) as caught:
        main(["record", "--from", str(tmp_path / "night"), str(out), "--start-s", "1", "--seconds", "5"])
    assert not caught.value.code
    resource = json.loads(out.read_text())
    assert len(resource["component"][0]["valueSampledData"]["data"].split()) == 1250
    assert resource["effectivePeriod"]["start"].startswith("2026-01-31T10:15:01.000")
