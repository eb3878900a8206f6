"""Training set of the QRS classifier: each DS1 record of mitdb as it is, and

- with noise: the second channel of the noise records `em` and `ma`. nstdb's test signals carry noise from the
  same recordings; what is scored there is made with the first channel, on records 118 and 119, which for that
  reason get no noise here. It comes and goes as in nstdb, in a quarter of the signals it stays. In most of
  them it is played at other speeds, backwards or added to other noise, some of which is synthetic;
- with higher T waves; with beats taken out, so that pauses are known; and played slower and faster.

The waves of ventricular flutter that are annotated (record 207) count as beats: a detector that is silent in
flutter has no interval there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.noise import Places, Samples, Spans, gates, read_noise, to_int16, with_noise
from ecg_edge.ecg.records import FS_HZ, load_record
from ecg_edge.ecg.splits import DS1

NOISES = (
    *(("em", level) for level in (24, 18, 12, 6, 6, 0, 0, -6, -6, -10)),
    *(("ma", level) for level in (6, 0)),
)
NOISE_SAMPLES = 180_000
RANDOM_LEVELS = (24, 18, 15, 12, 9, 6, 6, 3, 0, 0, -3, -6, -6, -10)
MORE_NOISY = 8
"""Segments of each record with noise at one of `RANDOM_LEVELS`."""


@dataclass(frozen=True)
class Variant:
    """One signal of the training set.

    Attributes
    ----------
    flutter, noise : spans
        Ventricular flutter; added noise.
    known : spans
        Where all beats are annotated; empty: everywhere.
    lock : str
        The wave that is taken for the first `locked` beats: "t", "p", or "" for none.
    """

    kind: str
    samples: Samples
    beats: Places
    adu_per_mv: int
    flutter: Spans = ()
    noise: Spans = ()
    known: Spans = ()
    lock: str = ""
    locked: int = 0


def with_high_t_waves(samples: Samples, beats: Places, factor: float) -> Samples:
    """Multiply the wave 100 to 470 ms after each R peak, above the line between its ends, by `factor`."""
    result = samples.astype(float)
    for beat, following in pairwise(beats):
        start, end = int(beat) + 36, int(beat + min(170, 0.62 * (following - beat)))
        if end - start < 40 or end >= len(samples):
            continue
        line = np.linspace(result[start], result[end], end - start)
        ramp = np.minimum(np.arange(end - start), np.arange(end - start)[::-1])
        weight = 1 + (factor - 1) * np.minimum(1, ramp / 24)
        result[start:end] = line + (result[start:end] - line) * weight
    return to_int16(result)


def without_some_beats(samples: Samples, beats: Places, seed: int) -> tuple[Samples, Places]:
    """Replace runs of one to eight beats by a line with the noise of the segment before them."""
    random = np.random.default_rng(seed)
    result, keep, i = samples.astype(float), np.ones(len(beats), bool), 5
    while i < len(beats) - 12:
        run = int(random.choice([1, 1, 2, 3, 5, 8]))
        start, end = int(beats[i]) - 80, int(beats[i + run - 1]) + 130
        if end < min(len(samples), beats[i + run] - 60) and start > beats[i - 1] + 130:
            quiet = samples[start - 25 : start].astype(float)
            quiet -= np.linspace(quiet[0], quiet[-1], len(quiet))
            line = np.linspace(result[start - 10 : start].mean(), result[end : end + 10].mean(), end - start)
            noise = np.resize(np.concatenate([quiet, quiet[::-1]]), end - start)
            result[start:end] = line + noise * random.uniform(0.5, 1)
            keep[i : i + run] = False
        i += run + int(random.integers(4, 25))
    return result.astype(np.int16), beats[keep]


def at_speed(variant: Variant, speed: float) -> Variant:
    """Resample the signal: other heart rates, and narrower or wider waves."""
    samples = variant.samples.astype(float)
    places = np.arange(0, len(samples) - 1, speed)
    played = np.interp(places, np.arange(len(samples)), samples)
    beats = np.round(variant.beats / speed).astype(np.int64)
    return Variant(variant.kind, to_int16(np.round(played)), beats[beats < len(played)], variant.adu_per_mv)


def flutter_of(samples: Places, symbols: npt.NDArray[np.str_], count: int) -> Spans:
    """Return the spans between the annotations [ and ]."""
    starts, ends = samples[symbols == "["], samples[symbols == "]"]
    return tuple((int(s), int(min(ends[ends > s], default=count))) for s in starts)


def inside(at: Places, spans: Spans) -> npt.NDArray[np.bool_]:
    """Return True for each sample that lies in one of the spans, ends included."""
    result = np.zeros(len(at), bool)
    for start, end in spans:
        result |= (at >= start) & (at <= end)
    return result


def cut(variant: Variant, kind: str, start: int, count: int) -> Variant:
    """Return a segment of a signal."""
    kept = (variant.beats >= start) & (variant.beats < start + count)
    flutter = tuple((s - start, e - start) for s, e in variant.flutter)
    return Variant(
        kind,
        variant.samples[start : start + count],
        variant.beats[kept] - start,
        variant.adu_per_mv,
        flutter,
    )


def altered(name: str, clean: Variant) -> Iterator[Variant]:
    """Yield variants with high T waves, other speeds, missing beats; none of 207, which has flutter."""
    random = np.random.default_rng(int(name))
    if clean.flutter:
        return
    for factor in (1.6, 2.6):
        part = cut(clean, "high T", int(random.integers(0, len(clean.samples) - 216_000)), 216_000)
        samples = with_high_t_waves(part.samples, part.beats, factor * random.uniform(0.8, 1.2))
        yield Variant(part.kind, samples, part.beats, part.adu_per_mv)
    for speed in (0.8, 1.25):
        yield at_speed(cut(clean, "speed", int(random.integers(0, 380_000)), 216_000), speed)
    part = cut(clean, "pauses", 0, 400_000)
    samples, beats = without_some_beats(part.samples, part.beats, int(name))
    yield Variant(part.kind, samples, beats, part.adu_per_mv)


def noisy(name: str, clean: Variant, noise: dict[str, Samples]) -> Iterator[Variant]:
    """Yield a segment of the record at each noise level."""
    random = np.random.default_rng(int(name) + 1)
    for number, (kind, snr_db) in enumerate(NOISES):
        start = int(random.integers(0, len(clean.samples) - NOISE_SAMPLES))
        part = cut(clean, f"{kind}{snr_db}", start, NOISE_SAMPLES)
        spans = gates(NOISE_SAMPLES) if number % 4 else ((0, NOISE_SAMPLES),)
        added = disguised(noise, kind, random) if number % 2 else noise[kind]
        samples = with_noise(part.samples, part.beats, added, snr_db, int(name) * 20 + number, spans)
        yield Variant(part.kind, samples, part.beats, part.adu_per_mv, part.flutter, spans)


def training_noise(data: Path, kind: str) -> Samples:
    """Read the first 20 min of a noise record; the last ten are left to choose on."""
    return read_noise(data, kind)[: 1200 * FS_HZ]


def disguised(noise: dict[str, Samples], kind: str, random: np.random.Generator) -> Samples:
    """Return noise of a kind at another speed, some of it reversed, with some of any kind added."""
    other = noise[str(random.choice(["em", *noise]))]
    shift, size = int(random.integers(1 << 20)), random.uniform(0.2, 1)
    result = at_other_speed(noise[kind], random) + size * np.roll(at_other_speed(other, random), shift)
    return to_int16(result[:: int(random.choice([-1, 1]))] * random.choice([-1, 1]))


def at_other_speed(noise: Samples, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Play noise slower or faster; as many samples as before."""
    places = np.arange(len(noise)) * np.exp(random.uniform(-0.4, 0.4)) % (len(noise) - 1)
    return np.asarray(np.interp(places, np.arange(len(noise)), noise - np.median(noise)))


def at_random_levels(
    whole: Variant, noise: dict[str, Samples], count: int, random: np.random.Generator
) -> Iterator[Variant]:
    """Yield `count` segments, each with noise of a random kind, level and polarity."""
    length = min(NOISE_SAMPLES, len(whole.samples))
    for _ in range(count):
        kind = str(random.choice(["em", "ma", "motion"], p=[0.65, 0.1, 0.25]))
        snr_db = int(random.choice(RANDOM_LEVELS))
        start = int(random.integers(0, len(whole.samples) - length + 1))
        part = cut(whole, f"{kind[:2]}{snr_db}", start, length)
        added = disguised(noise, kind, random)
        spans = gates(length) if random.uniform() < 0.75 else ((0, length),)
        samples = with_noise(part.samples, part.beats, added, snr_db, int(random.integers(1 << 30)), spans)
        yield replace(part, samples=samples, noise=spans)


def all_variants(data: Path, motion: Samples) -> Iterator[Variant]:
    """Yield this part of the training set; `motion`: synthetic noise."""
    noise = {kind: training_noise(data, kind) for kind in ("em", "ma", "bw")} | {"motion": motion}
    for name in DS1:
        record = load_record(data, "mitdb", name)
        flutter = flutter_of(record.annotation_samples, record.annotation_symbols, len(record.samples))
        waves = record.annotation_samples[record.annotation_symbols == "!"]
        beats = np.sort(np.concatenate([record.beat_samples, waves])).astype(np.int64)
        clean = Variant("clean", record.samples, beats, int(record.adu_per_mv), flutter)
        yield clean
        yield from altered(name, clean)
        if name not in ("118", "119"):
            yield from noisy(name, clean, noise)
            yield from at_random_levels(clean, noise, MORE_NOISY, np.random.default_rng(int(name) + 2))
