"""Second part of the QRS classifier's training set: first seconds of a signal, and signals without a heart.

- Starts: 15 s from a random place, at another amplitude, some with a transient, noise, high T waves or
  clipping.
- Locked: a signal whose first beats are taken to be its T waves or P waves, so that the classifier learns to
  leave that.
- No heart: white and pink noise, hum, and the second channel of nstdb's noise records, of many amplitudes;
  alone, after an ECG and before one.
- Ventricular rhythms: trains of wide waves after and before an ECG, or nothing.
- Disturbed: large spikes or waves for some seconds, after which the levels are wrong.
- With noise: segments of svdb and qtdb, as those of mitdb in signals.py.
- Low: starts, of other leads too, and ludb's strips, low and with smooth QRS complexes in some noise.
- Whole records of other databases: svdb (even numbers), qtdb (every second), ludb (numbers divisible by 4,
  all leads).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfiltfilt

from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.noise import Samples, to_int16
from ecg_edge.ecg.records import FS_HZ, load_record
from ecg_edge.ecg.splits import DS1
from ecg_edge.training.detector.signals import (
    Variant,
    at_random_levels,
    cut,
    flutter_of,
    training_noise,
    with_high_t_waves,
)

SECONDS = 15
STARTS = {"mitdb": 40, "svdb": 14, "qtdb": 30}
"""Starts drawn from each lead."""
LUDB_LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
NOISY = 2
"""Segments with noise from each lead of svdb and qtdb."""
LOW = 10
"""Low starts from each lead of mitdb, svdb and qtdb."""
LEAST_MV = 0.12
"""Height of the QRS complexes of low signals; less than 0.08 mV is no beat to the detector."""
WITHOUT_HEART = 200
"""Signals of noise alone."""

Signal = npt.NDArray[np.float64]


def even_records(data: Path) -> list[str]:
    """List the records of svdb that train."""
    return [name for name in _names_in(data, "svdb") if int(name) % 2 == 0]


def development_records(data: Path) -> Iterator[Variant]:
    """Yield every whole record of svdb and qtdb that trains, qtdb with both leads."""
    for name in even_records(data):
        yield read(data, "svdb", name, "auto")
    for name in sorted(_names_in(data, "qtdb"))[::2]:
        for lead in ("0", "1"):
            yield read(data, "qtdb", name, lead)


def _names_in(data: Path, database: str) -> tuple[str, ...]:
    names = records_in(data, database)
    if not names:
        raise RecordError(f"{data / database}: no records. Get them with `ecg-edge data get {database}`.")
    return names


def read(data: Path, database: str, name: str, lead: str) -> Variant:
    """Read a lead of a record as a variant whose kind is its database."""
    record = load_record(data, database, name, lead=lead)
    flutter = flutter_of(record.annotation_samples, record.annotation_symbols, len(record.samples))
    waves = record.annotation_samples[record.annotation_symbols == "!"]
    beats = np.sort(np.concatenate([record.beat_samples, waves])).astype(np.int64)
    return Variant(database, record.samples, beats, record.adu_per_mv, flutter)


def strips(data: Path) -> Iterator[Variant]:
    """Yield ludb's strips. Their first and last beats are not annotated: only between them all is known."""
    for number in sorted(int(name.rpartition("/")[2]) for name in _names_in(data, "ludb")):
        for lead in LUDB_LEADS if number % 4 == 0 else ():
            record = load_record(data, "ludb/data", str(number), lead=lead, annotator=lead)
            beats = np.asarray(record.annotation_samples[record.annotation_symbols == "N"], np.int64)
            known = ((int(beats[0]) - 54, int(beats[-1]) + 54),)
            yield Variant("ludb", record.samples, beats, record.adu_per_mv, known=known)


def start_of(whole: Variant, random: np.random.Generator, noise: Sequence[Samples]) -> Variant:
    """Cut 15 s from a random place, and change what a start may bring."""
    count = SECONDS * FS_HZ
    part = cut(whole, "start", int(random.integers(0, len(whole.samples) - count)), count)
    samples = part.samples
    if random.uniform() < 0.2 and len(part.beats) > 3 and not part.flutter:
        samples = with_high_t_waves(samples, part.beats, random.uniform(1.5, 3.5))
    millivolts = (samples - np.median(samples)) / whole.adu_per_mv * 2 ** random.uniform(-3.3, 2.5)
    chance = random.uniform()
    if chance < 0.2:
        millivolts = millivolts + transient(count, random)
    elif chance < 0.3:
        first = int(random.integers(FS_HZ // 2, 3 * FS_HZ))
        millivolts[:first] += random.uniform(0.2, 1) * excerpt(noise, first, random)
    elif chance < 0.5:
        limit = random.uniform(0.5, 0.95) * np.percentile(np.abs(millivolts), 99.5)
        millivolts = np.clip(millivolts, -limit, limit)
    elif chance < 0.65:
        millivolts = millivolts + random.normal(0, random.uniform(0.005, 0.03), count)
    elif chance < 0.8:
        millivolts = millivolts + np.ptp(millivolts) * random.uniform(0.02, 0.15) * normalized(
            excerpt(noise, count, random)
        )
    return replace(part, samples=in_adu(millivolts), adu_per_mv=1000)


def lowered(part: Variant, noise: Sequence[Samples], random: np.random.Generator) -> Variant:
    """Smooth most signals, then make them low, with noise of up to an eighth of their height."""
    values, count = (part.samples - np.median(part.samples)) / part.adu_per_mv, len(part.samples)
    if random.uniform() < 0.3 and len(part.beats) > 3 and not part.flutter:
        values = with_high_t_waves(part.samples, part.beats, random.uniform(1.5, 4)) / part.adu_per_mv
        values = values - np.median(values)
    if random.uniform() < 0.7:
        cutoff = np.exp(random.uniform(np.log(7), np.log(25)))
        values = sosfiltfilt(butter(2, cutoff, fs=FS_HZ, output="sos"), values)
    height = height_of(values, part.beats)
    least = min(LEAST_MV, height)
    values = values * np.exp(random.uniform(np.log(least), np.log(max(least, min(height, 1))))) / height
    height = height_of(values, part.beats)
    values = values + random.normal(0, height * random.uniform(0, 0.03), count)
    if random.uniform() < 0.5:
        size = height * random.uniform(0.01, 0.12)
        values = values + size * normalized(
            pink(count, random) if random.uniform() < 0.5 else excerpt(noise, count, random)
        )
    return replace(part, kind="low", samples=in_adu(values), adu_per_mv=1000)


def height_of(values: Signal, beats: npt.NDArray[np.int64]) -> float:
    """Median of the peak to peak values within 78 ms of each beat; of the whole where there is no beat."""
    heights = [np.ptp(values[max(0, beat - 28) : beat + 29]) for beat in beats]
    return float(np.median(heights) if heights else np.ptp(values)) + 1e-3


def transient(count: int, random: np.random.Generator) -> Signal:
    """Generate a step of 0.5 to 5 mV that decays, as when an electrode is attached."""
    t = np.arange(count) / FS_HZ - random.uniform(0, 2)
    height = random.choice([-1, 1]) * np.exp(random.uniform(np.log(0.5), np.log(5)))
    return np.asarray(np.where(t >= 0, height * np.exp(-np.maximum(t, 0) / random.uniform(0.05, 1)), 0))


def excerpt(noise: Sequence[Samples], count: int, random: np.random.Generator) -> Signal:
    """Cut a random part of a random noise record; mV around its mean."""
    whole = noise[int(random.integers(0, len(noise)))]
    at = int(random.integers(0, len(whole) - count))
    part = whole[at : at + count] / 200.0
    return np.asarray(part - part.mean())


def normalized(values: Signal) -> Signal:
    """Scale to a standard deviation of 1."""
    return np.asarray(values / (values.std() + 1e-9))


def pink(count: int, random: np.random.Generator) -> Signal:
    """Generate noise whose power is inverse to its frequency, of standard deviation 1."""
    spectrum = np.fft.rfft(random.normal(size=count))
    values = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), count)
    return np.asarray(values / values.std())


def background(count: int, noise: Sequence[Samples], random: np.random.Generator) -> Signal:
    """Generate what an amplifier gives without a heart: one or two kinds of noise, 0.003 to 1 mV; mV."""
    t = np.arange(count) / FS_HZ
    kinds = random.choice(["white", "pink", "hum", "record", "slow"], int(random.integers(1, 3)))
    total = random.normal(0, 0.002, count)
    for kind in kinds:
        size = np.exp(random.uniform(np.log(0.003), np.log(1)))
        if kind == "white":
            total = total + random.normal(0, size, count)
        elif kind == "pink":
            total = total + size * pink(count, random)
        elif kind == "hum":
            total = total + size * np.sin(2 * np.pi * random.choice([50, 60]) * t)
        elif kind == "slow":
            total = total + size * np.sin(2 * np.pi * random.uniform(0.1, 0.6) * t)
        else:
            total = total + 2.5 * np.sqrt(size) * excerpt(noise, count, random)
    return total


def in_adu(millivolts: Signal) -> Samples:
    """Convert to 1000 ADC units per millivolt."""
    return to_int16(np.rint(millivolts * 1000))


def without_heart(noise: Sequence[Samples], random: np.random.Generator) -> Iterator[Variant]:
    """Yield signals of noise alone, 60 s each."""
    for _ in range(WITHOUT_HEART):
        values = background(60 * FS_HZ, noise, random)
        yield Variant("silence", in_adu(values), np.zeros(0, np.int64), 1000)


def stops_and_begins(whole: Variant, noise: Sequence[Samples], random: np.random.Generator) -> Variant:
    """Replace all but 20 to 40 s of an ECG of 80 s by a low background."""
    part = cut(whole, "stops", int(random.integers(0, len(whole.samples) - 80 * FS_HZ)), 80 * FS_HZ)
    values = (part.samples - np.median(part.samples)) / part.adu_per_mv * 2 ** random.uniform(-2, 1)
    quiet = background(len(values), noise, random)
    quiet *= min(1.0, 0.5 * values.std() / quiet.std())
    first, last = (
        (0, int(random.integers(20, 40))) if random.uniform() < 0.7 else (int(random.integers(3, 40)), 80)
    )
    on = (part.beats >= first * FS_HZ + 36) & (part.beats < last * FS_HZ - 72)
    kept = part.beats[on]
    if not len(kept):
        return replace(part, samples=in_adu(quiet), beats=kept)
    gate = np.zeros(len(values))
    gate[(0 if first == 0 else int(kept[0]) - 80) : (len(values) if last == 80 else int(kept[-1]) + 100)] = 1
    gate = np.convolve(gate, np.ones(25) / 25, "same")
    beats = part.beats[gate[part.beats] > 0.5]
    return replace(part, samples=in_adu(values * gate + quiet), beats=beats, adu_per_mv=1000)


def disturbed(whole: Variant, random: np.random.Generator) -> Variant:
    """Add 5 to 20 s of large spikes, or of a large slow wave, to 50 s; beats in there are not known."""
    count = 50 * FS_HZ
    part = cut(whole, "disturb", int(random.integers(0, len(whole.samples) - count)), count)
    first, length = 15 * FS_HZ, int(random.integers(5, 20)) * FS_HZ
    values = (part.samples - np.median(part.samples)) / part.adu_per_mv
    height = np.exp(random.uniform(np.log(2), np.log(10)))
    if random.uniform() < 0.5:
        artefact = np.zeros(length)
        artefact[random.integers(0, length, length // FS_HZ)] = height * random.choice([-1, 1])
        artefact = np.convolve(artefact, np.hanning(int(random.integers(7, 40))), "same")
    else:
        artefact = height * np.sin(2 * np.pi * random.uniform(0.5, 4) * np.arange(length) / FS_HZ)
    values[first : first + length] += artefact
    known = ((0, first - 36), (first + length + 36, count))
    return replace(part, samples=in_adu(values), adu_per_mv=1000, known=known)


def wave_train(
    count: int, regular: bool, random: np.random.Generator
) -> tuple[Signal, npt.NDArray[np.int64]]:
    """Generate the wide waves of a ventricular rhythm, of height 1, and their places.

    Regular ones are a tachycardia of 100 to 270 a minute; others vary in time, height and width.
    """
    interval, spread = random.uniform(80, 216), 0.03 if regular else 0.25
    steps = interval * (1 + random.normal(0, spread, count // 40))
    places = np.cumsum(np.maximum(steps, 50)).astype(np.int64)
    places = places[places < count]
    width = random.uniform(0.08, 0.24) * min(interval, 180)
    waves = [
        (0.0, width, 1.0),
        (random.uniform(1.2, 2.2), width * random.uniform(0.8, 1.6), random.uniform(-1, 0.3)),
    ]
    t, signal = np.arange(-300, 301), np.zeros(count + 600)
    for place in places:
        height = 1 + random.normal(0, 0.05 if regular else 0.4)
        beat = sum(h * np.exp(-0.5 * ((t - offset * width) / w) ** 2) for offset, w, h in waves)
        signal[place : place + 601] += height * beat
    return signal[300 : 300 + count] * random.choice([-1, 1]), places


def ventricular(whole: Variant, noise: Sequence[Samples], random: np.random.Generator) -> Variant:
    """Put a ventricular rhythm between 15 s of an ECG, or of nothing, and another 15 s of either.

    The waves of a tachycardia are beats; those of a fibrillation are not known.
    """
    count, first, last = 60 * FS_HZ, 15 * FS_HZ, 45 * FS_HZ
    part = cut(whole, "vt", int(random.integers(0, len(whole.samples) - count)), count)
    ecg = (part.samples - np.median(part.samples)) / part.adu_per_mv * 2 ** random.uniform(-1.5, 1.5)
    regular = random.uniform() < 0.7
    train, places = wave_train(last - first, regular, random)
    quiet = background(count, noise, random)
    quiet *= random.uniform(0.05, 0.4) * ecg.std() / quiet.std()
    shown = random.uniform(size=2) < (0.8, 0.5)
    gate = np.repeat([float(shown[0]), 0.0, float(shown[1])], 15 * FS_HZ * np.array([1, 2, 1]))
    height = np.exp(random.uniform(np.log(0.4), np.log(4))) * 4 * ecg.std()
    values = ecg * gate + quiet
    values[first:last] += height * train
    beats = part.beats[gate[part.beats] > 0]
    if regular:
        beats = np.sort(np.concatenate([beats, places + first]))
    known = ((0, first - 90), (first + 90, last - 90), (last + 90, count))
    return replace(
        part, samples=in_adu(values), beats=beats, adu_per_mv=1000, known=known if regular else known[::2]
    )


def altered_amplitude(whole: Variant, random: np.random.Generator) -> Iterator[Variant]:
    """Yield 4 min of the signal clipped, small and large."""
    for kind, factor in (
        ("clipped", 1.0),
        ("small", random.uniform(0.1, 0.4)),
        ("large", random.uniform(2, 5)),
    ):
        part = cut(whole, kind, int(random.integers(0, len(whole.samples) - 240 * FS_HZ)), 240 * FS_HZ)
        millivolts = (part.samples - np.median(part.samples)) / part.adu_per_mv * factor
        if kind == "clipped":
            limit = random.uniform(0.5, 0.95) * np.percentile(np.abs(millivolts), 99.5)
            millivolts = np.clip(millivolts, -limit, limit)
        yield replace(part, samples=in_adu(millivolts), adu_per_mv=1000)


def locked_signals(whole: Variant, random: np.random.Generator) -> Iterator[Variant]:
    """Yield 30 s whose first beats the levels take from T waves, and from P waves."""
    for lock in ("t", "p"):
        start = int(random.integers(0, len(whole.samples) - 30 * FS_HZ))
        yield replace(cut(whole, "locked", start, 30 * FS_HZ), lock=lock, locked=int(random.integers(2, 14)))


def start_variants(data: Path, motion: Samples) -> Iterator[Variant]:
    """Yield this part of the training set; `motion`: synthetic noise."""
    kinds = {kind: training_noise(data, kind) for kind in ("bw", "em", "ma")} | {"motion": motion}
    noise = list(kinds.values())
    random = np.random.default_rng(2)
    sources = [read(data, "mitdb", name, "auto") for name in DS1]
    others = list(development_records(data))
    yield from others
    yield from strips(data)
    yield from without_heart(noise, random)
    for whole in sources:
        yield from altered_amplitude(whole, random)
    for whole in (*sources, *others):
        for _ in range(STARTS[whole.kind]):
            yield start_of(whole, random, noise)
        for _ in range(2):
            yield stops_and_begins(whole, noise, random)
            yield from locked_signals(whole, random)
            yield disturbed(whole, random)
            yield ventricular(whole, noise, random)
    for whole in others:
        yield from at_random_levels(whole, kinds, NOISY, random)
    yield from low_signals(data, others, noise)


def low_signals(data: Path, others: Sequence[Variant], noise: Sequence[Samples]) -> Iterator[Variant]:
    """Yield low starts of both leads of the three databases, and each of ludb's strips twice."""
    random = np.random.default_rng(5)
    leads = [
        read(data, database, name, lead)
        for database, names in (("mitdb", DS1), ("svdb", even_records(data)))
        for name in names
        for lead in ("0", "1")
    ]
    count = SECONDS * FS_HZ
    for whole in (*leads, *(other for other in others if other.kind == "qtdb")):
        for _ in range(LOW):
            start = int(random.integers(0, len(whole.samples) - count))
            yield lowered(cut(whole, "low", start, count), noise, random)
    for strip in strips(data):
        for _ in range(2):
            yield lowered(strip, noise, random)
