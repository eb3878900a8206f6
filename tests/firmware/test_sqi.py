"""The quality index and the state of the signal: every kind of disturbance is noticed, clean ECG is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import signal as filters

from ecg_edge.firmware import (
    FLAG_BASELINE_JUMP,
    FLAG_FLAT,
    FLAG_LEADS_OFF,
    FLAG_MAINS_HUM,
    FLAG_MOTION,
    FLAG_MUSCLE_NOISE,
    FLAG_SATURATED,
    FLAG_UNCLASSIFIABLE,
    FS_HZ,
    LEAD_OFF_MINUS,
    LEAD_OFF_PLUS,
    Processed,
    SignalPath,
    process_signal,
)
from tests.support.core_signals import ADU_PER_MV, beats_at, ecg

Samples = npt.NDArray[np.int16]
Disturbance = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]

BLOCK = 72
SECONDS, FROM_S, TO_S = 60, 25, 40
HOLD_S = 1.4 + BLOCK / FS_HZ  # good signal comes back after this, and noise rings for up to 1.2 s more
CLEAN, R_PEAKS = ecg(SECONDS, seed=3)


def hum(hz: int, mv: float) -> Disturbance:
    return lambda ecg_adu: (
        ecg_adu + mv * ADU_PER_MV * np.sin(2 * np.pi * hz * np.arange(len(ecg_adu)) / FS_HZ)
    )


def noise(low_hz: float, high_hz: float, mv: float) -> Disturbance:
    """Gaussian noise of this band and root mean square."""

    def disturb(ecg_adu: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        band = filters.butter(2, [low_hz, high_hz], "band", fs=FS_HZ, output="sos")
        made = filters.sosfilt(band, np.random.default_rng(4).normal(size=len(ecg_adu) + FS_HZ))[FS_HZ:]
        return ecg_adu + mv * ADU_PER_MV * made / made.std()

    return disturb


def disturbed(disturbance: Disturbance) -> Samples:
    """A minute of ECG, disturbed for 15 s."""
    samples = CLEAN.astype(float)
    here = slice(FROM_S * FS_HZ, TO_S * FS_HZ)
    samples[here] = disturbance(samples[here])
    return np.clip(np.round(samples), -2048, 2047).astype(np.int16)


def reasons_in(processed: Processed, start_s: float, end_s: float) -> int:
    """Flags of any beat in this time."""
    at = processed.beats["r_sample"] / FS_HZ
    flags = processed.beats["flags"][(at >= start_s) & (at < end_s)]
    return int(np.bitwise_or.reduce(flags)) if len(flags) else 0


# What turns the signal bad: reason, disturbance, within how many seconds.
BAD = {
    "hum at 60 Hz": (FLAG_MAINS_HUM, hum(60, 1.5), 0.4),
    "hum at 50 Hz": (FLAG_MAINS_HUM, hum(50, 1.5), 0.4),
    "jump": (FLAG_BASELINE_JUMP, lambda adu: adu + 2 * ADU_PER_MV, 0.4),
    "motion": (FLAG_MOTION, noise(1, 12, 1.0), 8.0),
    "muscle": (FLAG_MUSCLE_NOISE, noise(20, 120, 2.5), 2.5),
    "upper rail": (FLAG_SATURATED, lambda adu: np.full(len(adu), 2047.0), 0.6),
    "lower rail": (FLAG_SATURATED, lambda adu: np.full(len(adu), -2048.0), 0.6),
    "flat": (FLAG_FLAT, lambda adu: np.full(len(adu), adu[0]), 1.0),
}


@pytest.mark.parametrize("name", BAD)
def test_a_disturbance_turns_the_signal_bad(name: str) -> None:
    reason, disturbance, within_s = BAD[name]
    processed = process_signal(disturbed(disturbance))
    (start, end), *more = (processed.bad_spans / FS_HZ).tolist()
    assert FROM_S - 0.6 <= start <= FROM_S + within_s
    assert more == [] or name == "jump"  # it has two edges
    if name not in ("jump", "motion"):  # the ventricular detector may take such motion for fibrillation
        assert TO_S <= end <= TO_S + HOLD_S + 3.6
    assert all(change["reasons"] & reason for change in processed.changes[1:])


@pytest.mark.parametrize("name", BAD)
def test_beats_in_bad_signal_are_unclassifiable(name: str) -> None:
    processed = process_signal(disturbed(BAD[name][1]))
    beats = processed.beats
    bad = (beats["flags"] & FLAG_UNCLASSIFIABLE) != 0
    starts, ends = processed.bad_spans.T
    inside = ((beats["r_sample"][:, None] >= starts) & (beats["r_sample"][:, None] < ends)).any(axis=1)
    blind = (beats["flags"] & (FLAG_LEADS_OFF | FLAG_FLAT)) != 0
    assert np.array_equal(bad, inside | blind)
    assert np.all(beats["quality"][~inside] >= 55)


@pytest.mark.parametrize(
    ("reason", "disturbance"),
    [
        (FLAG_MAINS_HUM, hum(60, 0.3)),
        (FLAG_MAINS_HUM, hum(50, 0.4)),
        (FLAG_MUSCLE_NOISE, noise(20, 120, 0.3)),
    ],
)
def test_what_the_filters_can_bear_is_named_only(reason: int, disturbance: Disturbance) -> None:
    processed = process_signal(disturbed(disturbance))
    assert len(processed.changes) == 0
    assert reasons_in(processed, FROM_S + 1.6, TO_S) & reason
    assert not reasons_in(processed, 0, FROM_S - 0.8) & reason
    assert not reasons_in(processed, TO_S + 1.6, SECONDS) & reason


@pytest.mark.parametrize("lead_flags", [LEAD_OFF_PLUS, LEAD_OFF_MINUS, LEAD_OFF_PLUS | LEAD_OFF_MINUS])
def test_leads_off_turns_the_signal_bad_before_the_first_such_sample(lead_flags: int) -> None:
    path = SignalPath()
    parts = ((0, FROM_S, 0), (FROM_S, TO_S, lead_flags), (TO_S, SECONDS, 0))
    beats = [path.push(CLEAN[start * FS_HZ : end * FS_HZ], flags) for start, end, flags in parts]
    found = np.concatenate([*beats, path.finish()])
    ((start, end),) = (path.bad_spans / FS_HZ).tolist()
    assert FROM_S - 0.6 <= start <= FROM_S
    assert TO_S < end <= TO_S + HOLD_S + 0.6
    at = found["r_sample"] / FS_HZ
    off = found["flags"][(at > FROM_S) & (at < TO_S)]
    assert len(off) > 10 and np.all(off & FLAG_LEADS_OFF) and np.all(off & FLAG_UNCLASSIFIABLE)


def test_clean_ecg_is_good_throughout() -> None:
    processed = process_signal(CLEAN)
    assert len(processed.changes) == 0 and processed.bad_spans.shape == (0, 2)
    assert not reasons_in(processed, 1, SECONDS) & ~1  # still learning the average beat
    assert np.all(processed.beats["quality"][3:] >= 90)


@pytest.mark.parametrize(("noise_adu", "is_bad"), [(0, True), (1, False)])
def test_a_pause_with_any_noise_is_good_signal(noise_adu: int, is_bad: bool) -> None:
    """A step of the ADC up or down, 0.01 mV, is more than a flat line has."""
    r_peaks = 200 + 288 * np.arange(40)
    r_peaks[20:] += 4 * FS_HZ
    samples = beats_at(r_peaks, int(r_peaks[-1]) + 400)
    samples += np.random.default_rng(1).integers(-noise_adu, noise_adu + 1, len(samples), dtype=np.int16)
    processed = process_signal(samples)
    assert len(processed.bad_spans) == is_bad
    assert bool(reasons_in(processed, 0, SECONDS) & FLAG_UNCLASSIFIABLE) == is_bad


def test_good_signal_must_last_before_it_counts() -> None:
    """Loud hum that comes and goes every second: one bad stretch, not seven."""
    time = np.arange(len(CLEAN)) / FS_HZ
    burst = (time > 20) & (time < 34) & (time % 2 < 1)
    samples = CLEAN + np.where(burst, hum(60, 1.5)(np.zeros(len(CLEAN))), 0)
    assert len(process_signal(np.round(samples).astype(np.int16)).bad_spans) == 1


def test_a_bad_stretch_may_last_to_the_end() -> None:
    samples = disturbed(BAD["flat"][1])[: (TO_S - 2) * FS_HZ]
    ((_, end),) = process_signal(samples).bad_spans.tolist()
    assert end == len(samples)


def test_bad_beats_do_not_teach_the_average() -> None:
    """The first beat after 15 s of loud hum still has the average from before it."""
    beats = process_signal(disturbed(BAD["hum at 60 Hz"][1])).beats
    bad = np.flatnonzero((beats["flags"] & FLAG_UNCLASSIFIABLE != 0) & (beats["r_sample"] > 20 * FS_HZ))
    assert len(bad) > 10
    average = beats["beat"][:, :, 1]
    assert np.array_equal(average[bad[0]], average[bad[-1]])
    assert np.array_equal(average[bad[0]], average[bad[-1] + 1])
    assert not np.array_equal(average[bad[0]], average[bad[0] - 10])


def test_marked_peaks_add_no_uncertainty() -> None:
    """Then faults turn the signal bad, noise alone does not."""
    motion, flat = (process_signal(disturbed(BAD[name][1]), r_peaks=R_PEAKS) for name in ("motion", "flat"))
    assert len(motion.bad_spans) == 0 and len(flat.bad_spans) == 1


@pytest.mark.parametrize("sizes", [[1], [7, 240, 13], [5000]])
def test_blocks_of_any_size_give_the_same_changes(sizes: list[int]) -> None:
    samples = disturbed(BAD["motion"][1])
    whole = process_signal(samples)
    path, at, number = SignalPath(), 0, 0
    while at < len(samples):
        path.push(samples[at : at + sizes[number % len(sizes)]])
        at += sizes[number % len(sizes)]
        number += 1
    assert path.changes.tobytes() == whole.changes.tobytes()
    assert np.array_equal(path.bad_spans, whole.bad_spans)


def check(processed: Processed, count: int) -> None:
    """What holds for any samples."""
    assert np.all(processed.beats["quality"] <= 100)
    changes = processed.changes
    assert changes["bad"].tolist() == [1 - k % 2 for k in range(len(changes))]
    samples = changes["sample"].astype(int)
    assert np.all(samples % BLOCK == 0) and np.all(samples < max(1, count))
    good_after = samples[1::2] - samples[: len(samples[1::2]) * 2 : 2]
    assert np.all(good_after > 7 * BLOCK)  # bad signal lasts at least 1.4 s
    assert np.all(np.diff(samples) > 0)
    assert np.all(changes["reasons"] & (0xFFFF ^ 0x03D6) == 0)


@settings(max_examples=50, deadline=None)
@given(arrays(np.int16, st.integers(0, 6000)))
def test_any_samples_keep_it_in_range(samples: Samples) -> None:
    check(process_signal(samples), len(samples))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([20, 200, 20000]), st.sampled_from([0, 50, 60]), st.booleans()
)
def test_noise_of_any_gain_keeps_it_in_range(seed: int, adu_per_mv: int, mains_hz: int, marked: bool) -> None:
    random = np.random.default_rng(seed)
    scale = random.choice([0, 3, 50, 1000, 40000], 40).repeat(300)
    samples = np.clip(random.normal(0, 1, 12000) * scale, -32768, 32767).astype(np.int16)
    marks = np.arange(100, 11900, 250) if marked else None
    check(process_signal(samples, adu_per_mv=adu_per_mv, mains_hz=mains_hz, r_peaks=marks), len(samples))


@pytest.mark.parametrize("fs_hz", [250, 500])
def test_changes_count_in_the_boards_samples(fs_hz: int) -> None:
    samples = np.round(filters.resample_poly(disturbed(BAD["flat"][1]), fs_hz, FS_HZ)).astype(np.int16)
    samples[FROM_S * fs_hz : TO_S * fs_hz] = samples[FROM_S * fs_hz]
    ((start, end),) = (process_signal(samples, fs_hz=fs_hz).bad_spans / fs_hz).tolist()
    assert FROM_S - 0.1 <= start <= FROM_S + 1.0 and TO_S <= end <= TO_S + HOLD_S + 0.8


@pytest.mark.records
@pytest.mark.parametrize("name", ["100", "103"])
def test_clean_records_are_good_throughout(data_dir: Path, name: str) -> None:
    from ecg_edge.ecg.records import load_record

    record = load_record(data_dir, "mitdb", name, annotator=None)
    processed = process_signal(record.samples, adu_per_mv=record.adu_per_mv)
    bad_s = np.diff(processed.bad_spans, axis=1).sum() / FS_HZ
    assert bad_s == 0 if name == "100" else bad_s < 5
    assert np.median(processed.beats["quality"]) == 100
