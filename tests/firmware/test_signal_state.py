"""Bad signal does not hide a rhythm, whatever its amplitude; silence is told where there is no beat.

No pulse is told where there is no heart.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ecg_edge.firmware import (
    FLAG_DOUBTFUL,
    FLAG_SATURATED,
    FLAG_UNCLASSIFIABLE,
    FS_HZ,
    LEAD_OFF_PLUS,
    LEADS_OFF,
    Processed,
    SignalPath,
    process_signal,
)
from ecg_edge.firmware.binding import rhythm
from ecg_edge.firmware.binding.rhythm import Events, follow_beats
from ecg_edge.firmware.binding.trace import trace
from tests.support.core_signals import ADU_PER_MV, beats_at, ecg
from tests.support.simulated import make_ecg

Samples = npt.NDArray[np.int16]
P_WAVE = [(0, 9, 0.15)]
WIDE_WAVE = [(0, 30, 1.0), (55, 40, -0.7)]


def bad_share(samples: Samples) -> float:
    spans = process_signal(samples).bad_spans
    return float((spans[:, 1] - spans[:, 0]).sum() / len(samples))


def events_of(processed: Processed, samples: Samples) -> Events:
    """Events of beats that are all normal where nothing else is known of them."""
    beats = processed.beats
    classes = np.zeros(len(beats), np.int64)
    classes[beats["flags"] & FLAG_UNCLASSIFIABLE != 0] = rhythm.UNCLASSIFIABLE
    classes[beats["flags"] & FLAG_DOUBTFUL != 0] = rhythm.DOUBTFUL
    changes = [(int(change["sample"]), bool(change["bad"])) for change in processed.changes]
    return follow_beats(beats["r_sample"], beats["rr_samples"], classes, len(samples), changes).events


def noise(seconds: int, mv: float, seed: int = 1) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, mv * ADU_PER_MV, seconds * FS_HZ)


def to_samples(values: npt.NDArray[np.float64]) -> Samples:
    return np.clip(np.round(values), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("factor", [0.5, 1, 3, 8])
def test_waves_of_any_amplitude_are_no_motion(factor: float) -> None:
    """A tachycardia of 150 a minute, after half a minute of normal beats: 0.5 to 8 mV."""
    normal, _ = ecg(30, seed=2)
    at = np.arange(60, 60 * FS_HZ, 144)
    wide = beats_at(at, 60 * FS_HZ, WIDE_WAVE) + noise(60, 0.01)
    assert bad_share(to_samples(np.concatenate([normal, wide]) * factor)) < 0.05


@pytest.mark.parametrize("limit_mv", [1.0, 2.0])
def test_clipped_r_peaks_are_read_and_flagged(limit_mv: float) -> None:
    samples, r_peaks = ecg(60, seed=3)
    clipped = np.minimum(3 * samples, np.int16(limit_mv * ADU_PER_MV))
    processed = process_signal(clipped)
    assert len(processed.bad_spans) == 0
    flags = processed.beats["flags"][processed.beats["r_sample"] > r_peaks[2] + 36]
    assert len(flags) == len(r_peaks) - 3 and np.all(flags & FLAG_UNCLASSIFIABLE == 0)
    assert np.mean(flags & FLAG_SATURATED != 0) > 0.5


def test_leads_off_is_known_after_a_tenth_of_a_second() -> None:
    samples, _ = ecg(20, seed=3)
    path = SignalPath()
    path.push(samples[: 10 * FS_HZ])
    path.push(samples[:35], LEAD_OFF_PLUS)
    assert len(path.leads) == 0
    path.push(samples[35:100], LEAD_OFF_PLUS)
    (change,) = path.leads
    assert change[["sample", "bad"]].tolist() == (10 * FS_HZ, 1) and change["told"] == 10 * FS_HZ + 36
    path.push(samples[:179])
    path.push(samples[179:180], LEAD_OFF_PLUS)
    assert len(path.leads) == 1
    path.push(samples[:216])
    assert path.leads[1][["sample", "bad"]].tolist() == (10 * FS_HZ + 280, 0)


def test_the_device_looks_at_its_leads_as_often(project_root: Path) -> None:
    """Replays compare the order of events, which depends on it."""
    files = [project_root / "firmware" / name for name in ("src/events.h", "binding/build_ecg_core.py")]
    found = [re.findall(r"#define EVENTS_EVERY (\d+)u", path.read_text()) for path in files]
    assert found[0] == found[1] and len(found[0]) == 1


SILENCES = {
    "quiet": noise(20, 0.01),
    "noise": noise(20, 0.03),
    "slow baseline": noise(20, 0.02) + 60 * np.sin(np.arange(20 * FS_HZ) / 230),
    "hum": noise(20, 0.01) + 10 * np.sin(np.arange(20 * FS_HZ) * np.pi / 3),
    "P waves": noise(20, 0.01) + beats_at(np.arange(200, 20 * FS_HZ, 260), 20 * FS_HZ, P_WAVE),
}


@pytest.mark.parametrize("name", SILENCES)
def test_asystole_is_told_and_lasts(name: str) -> None:
    """After a minute of beats: within 5 s, to the end, without a beat between."""
    beats, r_peaks = ecg(60, seed=4)
    samples = to_samples(np.concatenate([beats[: r_peaks[-1] + 200], SILENCES[name]]))
    events = events_of(process_signal(samples), samples)
    (end,) = events[(events["kind"] == rhythm.ASYSTOLE) & (events["phase"] == rhythm.END)]
    assert abs(int(end["onset"]) - r_peaks[-1]) <= 2 * FS_HZ
    assert end["end"] == len(samples)


def test_a_beat_that_became_lower_is_a_beat() -> None:
    """From one beat to the next a fifth of the amplitude, the same shape."""
    samples, _ = ecg(60, seed=5)
    low = to_samples(np.concatenate([samples[: 30 * FS_HZ], samples[30 * FS_HZ :] * 0.2]))
    processed = process_signal(low)
    assert rhythm.ASYSTOLE not in events_of(processed, low)["kind"]


@pytest.mark.parametrize("mv", [0.2, 1.0])
def test_white_noise_is_no_signal(mv: float) -> None:
    samples = to_samples(noise(60, mv))
    processed = process_signal(samples)
    assert bad_share(samples) > 0.9
    kinds = set(events_of(processed, samples)["kind"])
    assert kinds <= {rhythm.HEART_RATE, rhythm.UNREADABLE}


SHAPES = {
    "sine": lambda turns: np.sin(2 * np.pi * turns),
    "triangle": lambda turns: 4 * np.abs(turns % 1 - 0.5) - 1,
}


def wave(shape: str, hz: float, mv: float, seconds: int = 60) -> npt.NDArray[np.float64]:
    turns = hz * np.arange(seconds * FS_HZ) / FS_HZ
    return np.asarray(mv * ADU_PER_MV * SHAPES[shape](turns) + noise(seconds, 0.003))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mv", [0.1, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("hz", [0.3, 0.5, 0.8, 1.0, 1.3, 1.7, 6.0, 7.0, 8.0, 12.0])
def test_waves_without_a_qrs_complex_are_no_beats(shape: str, hz: float, mv: float) -> None:
    """Faster ones and slower ones than a ventricular tachycardia."""
    samples = to_samples(wave(shape, hz, mv))
    processed = process_signal(samples)
    assert np.count_nonzero(processed.beats["flags"] & FLAG_UNCLASSIFIABLE == 0) <= 1
    assert not np.any(processed.ventricular["kind"])
    assert not {rhythm.TACHYCARDIA, rhythm.PAUSE, rhythm.IRREGULAR} & set(
        events_of(processed, samples)["kind"]
    )


@pytest.mark.parametrize("hz", [0.5, 1.0, 1.3, 1.7, 7.0])
def test_waves_after_beats_are_no_pulse(hz: float) -> None:
    """The signal turns bad, or an asystole is told: either way no beat of good signal is found in them."""
    normal, _ = ecg(30, seed=4)
    samples = to_samples(np.concatenate([normal, wave("sine", hz, 0.5)]))
    processed = process_signal(samples)
    asystole = (told := events_of(processed, samples))["onset"][told["kind"] == rhythm.ASYSTOLE]
    bad = np.zeros(len(samples), bool)
    for start, end in processed.bad_spans:
        bad[start:end] = True
    assert bad[35 * FS_HZ :].mean() > 0.95 or (len(asystole) and asystole.max() < 32 * FS_HZ)
    found = processed.beats["r_sample"]
    assert not np.any(~bad[found[found > 35 * FS_HZ]])


@pytest.mark.parametrize("per_minute", [30, 60, 100])
def test_wide_beats_with_rest_between_them_are_no_waves(per_minute: int) -> None:
    at = np.arange(200, 60 * FS_HZ - 200, 60 * FS_HZ // per_minute)
    assert bad_share(to_samples(beats_at(at, 60 * FS_HZ, WIDE_WAVE) + noise(60, 0.01))) == 0


def test_a_pause_needs_quiet_signal() -> None:
    """Beats of half the amplitude and another shape, which the detector may miss."""
    samples, r_peaks = ecg(60, seed=6)
    gap = slice(r_peaks[40] + 150, r_peaks[44] - 60)
    waves = beats_at(np.arange(60, gap.stop - gap.start, 200), gap.stop - gap.start, [(0, 12, 0.6)])
    disturbed = samples.astype(float)
    disturbed[gap] = waves
    found = to_samples(disturbed)
    kinds = events_of(process_signal(found), found)["kind"]
    assert rhythm.PAUSE not in kinds and rhythm.ASYSTOLE not in kinds


def test_time_without_samples_is_time_without_electrodes() -> None:
    samples, off_spans = make_ecg(60.0)[0], np.array([[7200, 9000], [12_000, 12_001]])
    path, parts = SignalPath(), []
    for start, end, flags in [
        (0, 7200, 0),
        (7200, 9000, LEADS_OFF),
        (9000, 12_000, 0),
        (12_000, 12_001, LEADS_OFF),
        (12_001, len(samples), 0),
    ]:
        parts.append(path.push(samples[start:end], flags))
    beats = np.concatenate([*parts, path.finish()])
    found = process_signal(samples, off_spans=off_spans)
    assert found.beats.tobytes() == beats.tobytes() and found.leads.tolist() == path.leads.tolist()
    assert len(found.leads) == 2 and not len(process_signal(samples).leads)
    candidates = trace(samples, off_spans=off_spans).candidates
    accepted = candidates["at"][candidates["accepted"] != 0].tolist()
    assert set(beats["r_sample"].tolist()) <= set(accepted)
