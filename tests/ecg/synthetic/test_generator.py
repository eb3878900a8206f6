"""The generator of synthetic ECG."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from ecg_edge.ecg.errors import SynthesisError
from ecg_edge.ecg.synthetic.classes import CLASSES, MORPHOLOGY
from ecg_edge.ecg.synthetic.generator import Settings, Source, SyntheticRecord, generate, stream
from ecg_edge.ecg.synthetic.leads import TWELVE
from ecg_edge.ecg.synthetic.noise import QUIET, Noise
from ecg_edge.ecg.synthetic.st_changes import DEPRESSION, SHAPES

PURE = Settings(noise=QUIET, front_end="ideal", fs_hz=500)


def made(kind: str, seconds: float = 60, seed: int = 1, base: Settings = PURE) -> SyntheticRecord:
    return generate(replace(base, kind=kind, seed=seed), seconds)


def rr_s(record: SyntheticRecord) -> np.ndarray:
    return np.diff([beat.sample for beat in record.truth.beats]) / record.settings.fs_hz


# ---- one record, whole or in segments -----------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(list(CLASSES)),
    seed=st.integers(0, 10**6),
    lengths=st.lists(st.integers(1, 4000), min_size=1, max_size=5),
    leads=st.sampled_from([("II",), ("V1", "aVR")]),
)
def test_segments_of_any_length_give_the_same_record(
    kind: str, seed: int, lengths: list[int], leads: tuple[str, ...]
) -> None:
    wanted = Settings(kind, seed, leads=leads)
    whole, parts = Source(wanted).read(sum(lengths)), Source(wanted)
    segments = [parts.read(length) for length in lengths]
    np.testing.assert_array_equal(np.concatenate([one.samples for one in segments]), whole.samples)
    assert [beat for one in segments for beat in one.truth.beats] == whole.truth.beats


def test_a_stream_goes_on_and_equals_the_record() -> None:
    segments = stream(PURE, segment_s=0.5)
    streamed = np.concatenate([next(segments).samples for _ in range(40)])
    np.testing.assert_array_equal(streamed, generate(PURE, 20).samples)


def test_another_seed_is_another_patient() -> None:
    first, again, other = (made("normal", 10, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples)


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from(list(CLASSES)), seed=st.integers(0, 10**6))
def test_truth_is_in_order_and_within_the_signal(kind: str, seed: int) -> None:
    record = made(kind, 40, seed)
    beats, length = record.truth.beats, len(record.samples)
    peaks = [beat.sample for beat in beats]
    assert peaks == sorted(peaks) and peaks[-1] < length
    for beat in beats:
        assert beat.qrs_on < beat.sample < beat.qrs_off < beat.t_peak < beat.t_off
    assert all(0 <= wave.on < wave.peak < wave.off < length for wave in record.truth.p_waves)
    assert len(record.truth.annotations()) >= len(beats)
    assert record.truth.wave_annotations(length).samples.max() < length


# ---- intervals and rhythms ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_normal_intervals_lie_within_the_published_limits(seed: int) -> None:
    record = made("normal", 60, seed)
    fs_hz, patient = record.settings.fs_hz, Source(record.settings).patient
    beats, p_waves = record.truth.beats, record.truth.p_waves
    pr = np.array([beat.qrs_on - wave.on for wave, beat in zip(p_waves, beats, strict=False)]) / fs_hz
    assert np.median(pr) == pytest.approx(patient.pr_s * min(patient.rr_s / 0.83, 1) ** 0.25, abs=0.004)
    assert 0.065 <= np.median([beat.qrs_off - beat.qrs_on for beat in beats]) / fs_hz <= 0.118
    qt = np.array([beat.t_off - beat.qrs_on for beat in beats]) / fs_hz
    assert np.median(qt) == pytest.approx(patient.qtc_s * np.mean(rr_s(record)) ** (1 / 3), abs=0.012)


def test_the_rate_follows_breathing_and_slow_waves() -> None:
    record = made("sinus-arrhythmia", 300, seed=4)
    times = np.cumsum(rr_s(record))
    even = np.interp(np.arange(0, times[-1], 0.25), times, rr_s(record))
    rates_hz, power = welch(even - even.mean(), 4, nperseg=512)
    assert 0.15 < rates_hz[power.argmax()] < 0.4
    assert 0.02 < power[(rates_hz > 0.04) & (rates_hz < 0.15)].sum() / power.sum() < 0.5


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("sinus-tachycardia", 100, 165), ("sinus-bradycardia", 35, 60), ("normal", 57, 104)],
)
def test_rates(kind: str, low: float, high: float) -> None:
    for seed in range(4):
        assert low < 60 / np.mean(rr_s(made(kind, 60, seed))) < high


def test_premature_beats_are_early_and_the_pause_is_compensatory_after_v_only() -> None:
    for kind, symbol in (("atrial-premature", "A"), ("ventricular-premature", "V")):
        record = made(kind, 300, seed=3)
        symbols = np.array([beat.symbol for beat in record.truth.beats])
        early = np.flatnonzero(symbols == symbol)[:-1]
        intervals, regular = rr_s(record), np.median(rr_s(record))
        assert len(early) > 10
        assert np.all(intervals[early - 1] < 0.85 * regular)
        both = (intervals[early - 1] + intervals[early]) / regular
        assert np.median(both) == pytest.approx(2.0 if symbol == "V" else 1.75, abs=0.12)


def test_bigeminy_alternates() -> None:
    symbols = "".join(beat.symbol for beat in made("bigeminy").truth.beats)
    assert "NVNVNVNV" in symbols and "NN" not in symbols and "VV" not in symbols


def test_fibrillation_is_irregular_and_has_no_p_waves() -> None:
    record = made("atrial-fibrillation", 300)
    intervals = rr_s(record)
    assert not record.truth.p_waves
    assert abs(np.corrcoef(intervals[:-1], intervals[1:])[0, 1]) < 0.15
    assert 0.12 < intervals.std() / intervals.mean() < 0.35


def test_blocks_leave_out_beats_and_keep_p_waves() -> None:
    for kind in ("wenckebach", "mobitz"):
        truth = made(kind, 120).truth
        assert 1.15 < len(truth.p_waves) / len(truth.beats) < 1.55
    truth = made("complete-av-block", 120).truth
    assert {beat.symbol for beat in truth.beats} == {"E"} and len(truth.p_waves) > 1.3 * len(truth.beats)
    first_degree = made("first-degree-av-block", 30)
    pr = first_degree.truth.beats[3].qrs_on - first_degree.truth.p_waves[3].on
    assert 0.21 < pr / first_degree.settings.fs_hz < 0.36


def test_pauses_are_long() -> None:
    assert rr_s(made("pauses", 200)).max() > 1.9


@pytest.mark.parametrize(("kind", "low_hz", "high_hz"), [("fibrillation", 2.5, 7.5), ("flutter", 3.2, 5.2)])
def test_ventricular_rhythms_without_beats(kind: str, low_hz: float, high_hz: float) -> None:
    record = made(f"ventricular-{kind}", 120, seed=2)
    begin, end = (change.sample for change in record.truth.changes[1:3])
    course = record.samples[begin + 200 : end - 200, 0] / record.adu_per_mv
    rates_hz, power = welch(course, record.settings.fs_hz, nperseg=2048)
    assert low_hz < rates_hz[power.argmax()] < high_hz
    assert 0.3 < np.ptp(course) < 5
    assert not [beat for beat in record.truth.beats if begin < beat.sample < end]
    marks = [symbol for symbol in record.truth.annotations().symbols.tolist() if symbol in "[]"]
    assert marks[:2] == ["[", "]"]


def test_ventricular_tachycardia_is_fast_and_wide() -> None:
    record = made("ventricular-tachycardia", 90)
    wide = [beat for beat in record.truth.beats if beat.symbol == "V"]
    assert min(beat.qrs_off - beat.qrs_on for beat in wide) / record.settings.fs_hz >= 0.115
    intervals = np.diff([beat.sample for beat in wide[:15]]) / record.settings.fs_hz
    assert 60 / 215 < np.median(intervals) < 60 / 125


@pytest.mark.parametrize("kind", ["left-bundle-branch-block", "right-bundle-branch-block"])
def test_block_of_a_bundle_branch_is_at_least_120_ms(kind: str) -> None:
    for seed in range(4):
        record = made(kind, 10, seed)
        assert {beat.symbol for beat in record.truth.beats} == {kind[0].upper()}
        widths = [beat.qrs_off - beat.qrs_on for beat in record.truth.beats]
        assert min(widths) / record.settings.fs_hz >= 0.119


def test_right_block_ends_upright_in_v1_and_left_block_downwards() -> None:
    for kind, sign in (("right-bundle-branch-block", 1), ("left-bundle-branch-block", -1)):
        record = made(kind, 10, 2, replace(PURE, leads=("V1",)))
        beat = record.truth.beats[3]
        late = record.samples[(beat.sample + beat.qrs_off) // 2 : beat.qrs_off, 0]
        assert sign * (late.mean() - record.samples[beat.qrs_on, 0]) > 0


# ---- ST segment and T wave ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("point_ms", [60, 80])
def test_the_st_deviation_is_the_one_asked_for(shape: str, point_ms: int) -> None:
    st_mv = -0.2 if shape in DEPRESSION else 0.3
    wanted = replace(PURE, st_mv=st_mv, st_shape=shape, st_point_ms=point_ms, seed=5)
    record = generate(wanted, 60)
    levels = [getattr(beat, f"st_{point_ms}_mv") for beat in record.truth.beats]
    assert np.median(levels) == pytest.approx(st_mv, rel=0.03)
    beat = record.truth.beats[10]
    point = beat.qrs_off + round(point_ms / 1000 * wanted.fs_hz)
    seen = (record.samples[point, 0] - record.samples[beat.qrs_on, 0]) / record.adu_per_mv
    assert seen == pytest.approx(levels[10], abs=0.025)


def test_slopes_of_the_st_segment() -> None:
    slopes = {}
    for shape in DEPRESSION:
        record = generate(replace(PURE, st_mv=-0.25, st_shape=shape, seed=6), 20)
        slopes[shape] = np.median([beat.st_80_mv - beat.st_60_mv for beat in record.truth.beats])
    assert slopes["downsloping"] < slopes["horizontal"] < slopes["upsloping"]


@pytest.mark.parametrize("t_mv", [-0.4, 0.0, 0.3])
def test_the_t_wave_has_the_height_asked_for(t_mv: float) -> None:
    record = generate(replace(PURE, t_mv=t_mv, seed=8), 30)
    beat = record.truth.beats[5]
    seen = (record.samples[beat.t_peak, 0] - record.samples[beat.qrs_on, 0]) / record.adu_per_mv
    assert seen == pytest.approx(t_mv, abs=0.06)
    assert beat.t_mv == pytest.approx(seen, abs=0.02)


def test_the_five_classes_differ_as_their_names_state() -> None:
    for seed in range(6):
        records = {kind: made(kind, 20, seed) for kind in MORPHOLOGY if kind != "arrhythmia"}
        levels = {kind: np.median([beat.st_60_mv for beat in r.truth.beats]) for kind, r in records.items()}
        t_mv = {kind: np.median([beat.t_mv for beat in r.truth.beats]) for kind, r in records.items()}
        assert levels["st-depression"] < -0.09 and levels["st-elevation"] > 0.14
        assert -0.06 < levels["normal"] < 0.095 and t_mv["t-inversion"] < -0.1 < 0 < t_mv["normal"]


# ---- leads, noise, front end --------------------------------------------------------------------------


def test_twelve_leads_obey_einthoven_and_goldberger() -> None:
    record = made("normal", 10, 3, replace(PURE, leads=TWELVE))
    lead = dict(zip(TWELVE, record.samples.T.astype(float), strict=True))
    np.testing.assert_allclose(lead["II"], lead["I"] + lead["III"], atol=2)
    np.testing.assert_allclose(lead["aVR"], -(lead["I"] + lead["II"]) / 2, atol=2)
    first = made("normal", 10, 3, replace(PURE, leads=("I", "V4")))
    np.testing.assert_array_equal(first.samples, record.samples[:, [0, TWELVE.index("V4")]])


def test_noise_has_the_ratio_asked_for() -> None:
    clean, source = generate(PURE, 120), Source(PURE)
    height = np.median([np.ptp(clean.samples[b.qrs_on : b.qrs_off, 0]) for b in clean.truth.beats[2:]])
    for snr_db in (0.0, 20.0):
        noisy = generate(replace(PURE, noise=Noise(), snr_db=snr_db), 120)
        noise = noisy.samples.astype(float) - clean.samples
        assert 10 * np.log10(height**2 / 8 / noise.var()) == pytest.approx(snr_db, abs=2)
    assert source.patient.rr_s == Source(replace(PURE, snr_db=0.0, noise=Noise())).patient.rr_s


def test_mains_is_at_its_frequency() -> None:
    silent = replace(QUIET, mains_mv=0.5, mains_hz=60)
    rates_hz, power = welch(generate(replace(PURE, noise=silent), 20).samples[:, 0], 500, nperseg=2500)
    assert abs(rates_hz[20 * 5 + power[20 * 5 :].argmax()] - 60) < 0.3


def test_the_ad8232_passes_its_band_and_stops_at_its_rails() -> None:
    record = made("normal", 30, 1, replace(PURE, front_end="ad8232", offset_mv=200.0))
    assert record.samples.max() == 2047  # the offset drives it into the rail
    later = record.samples[10 * 500 :, 0] / record.adu_per_mv
    assert abs(later.mean()) < 0.05 and np.abs(later).max() < 2047 / 1365
    loud = replace(PURE, noise=replace(QUIET, muscle_mv=0.2), front_end="ad8232")
    rates_hz, power = welch(generate(loud, 20).samples[:, 0], 500, nperseg=1000)
    assert power[rates_hz > 100].mean() < 0.05 * power[(rates_hz > 20) & (rates_hz < 40)].mean()


# ---- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "stemi"}, "unknown class 'stemi'. Known: normal"),
        ({"st_mv": -0.9}, "ST deviation -0.9 mV: outside -0.5 to 1 mV"),
        ({"st_mv": 0.2, "st_shape": "downsloping"}, "does not go with the shape"),
        ({"st_mv": 0.2, "st_shape": "wavy"}, "unknown ST shape"),
        ({"st_point_ms": 40}, "J . 60 or 80 ms"),
        ({"kind": "st-depression", "st_mv": 0.2}, "wrong sign for the class"),
        ({"t_mv": 3.0}, "height of the T wave 3 mV"),
        ({"leads": ("II", "V9")}, "unknown lead V9"),
        ({"fs_hz": 20}, "sampling rate 20 Hz"),
        ({"front_end": "radio"}, "unknown front end"),
        ({"seed": -1}, "seed -1"),
        ({"offset_mv": 900.0}, "electrode offset"),
    ],
)
def test_settings_outside_their_range(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        replace(PURE, **wrong)


@pytest.mark.parametrize("seconds", [-5, 0, float("nan"), 1e9])
def test_length_outside_its_range(seconds: float) -> None:
    with pytest.raises(SynthesisError, match="length"):
        generate(PURE, seconds)


def test_noise_outside_its_range() -> None:
    with pytest.raises(SynthesisError, match="wander_mv"):
        Noise(wander_mv=-1)
    with pytest.raises(SynthesisError, match="50 or 60"):
        Noise(mains_hz=55)
    with pytest.raises(SynthesisError, match="signal-to-noise"):
        generate(Settings(snr_db=100), 5)
