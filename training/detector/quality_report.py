"""Report detection with and without the beats in bad signal, and errors by signal quality, on DS1 of mitdb.

    python -m ecg_edge.training.detector.quality_report --data DIR

The noise is the second channel of nstdb's `em`, `ma` and `bw`, over the whole of 250 s of each record but 118
and 119, at a signal-to-noise ratio as PhysioNet's `nst` defines it. The thresholds of `sqi.c` were
chosen on these signals. Takes about a minute.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.noise import read_noise, with_noise
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.scoring import match_beats
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.ecg.splits import DS1
from ecg_edge.firmware import FS_HZ, process_signal
from ecg_edge.training.detector.signals import Variant, cut, flutter_of

NOISES = (
    *(("em", level) for level in (24, 18, 12, 6, 0, -6)),
    *(("ma", level) for level in (12, 6, 0, -6)),
    *(("bw", level) for level in (0, -6)),
)
SECONDS = 250
WINDOW = round(MATCH_WINDOW_S * FS_HZ)
NEAR = FS_HZ  # samples between a beat and a wrong decision that counts against its quality
STEP = 10  # of the quality, in the second table

Places = npt.NDArray[np.int64]


@dataclass
class Tally:
    """Counts of one kind of signal: beats, missed and false detections, also in bad signal, and samples."""

    beats: int = 0
    missed: int = 0
    false: int = 0
    beats_bad: int = 0
    missed_bad: int = 0
    false_bad: int = 0
    samples: int = 0
    samples_bad: int = 0
    right: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    quality: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def row(self, kind: str) -> str:
        """Return the share of bad signal, and Se / +P with and without the beats in it."""
        found = self.beats - self.missed
        kept = found - (self.beats_bad - self.missed_bad)
        every = (found / self.beats, found / (found + self.false))
        silent = (kept / self.beats, kept / max(1, kept + self.false - self.false_bad))
        cells = [f"{100 * se:6.2f} / {100 * ppv:6.2f}" for se, ppv in (every, silent)]
        return f"{kind:6} {100 * self.samples_bad / self.samples:6.2f} %   {cells[0]}   {cells[1]}"


def signals(data: Path) -> Iterator[Variant]:
    """Yield DS1 clean, and with each noise."""
    noise = {kind: read_noise(data, kind) for kind, _ in NOISES}
    for name in DS1:
        record = load_record(data, "mitdb", name)
        flutter = flutter_of(record.annotation_samples, record.annotation_symbols, len(record.samples))
        beats = np.asarray(record.beat_samples, np.int64)
        clean = Variant("clean", record.samples, beats, int(record.adu_per_mv), flutter)
        yield clean
        random = np.random.default_rng(int(name) + 5)
        for number, (kind, snr_db) in enumerate(NOISES if name not in ("118", "119") else ()):
            start = int(random.integers(0, len(clean.samples) - SECONDS * FS_HZ))
            part = cut(clean, f"{kind} {snr_db}", start, SECONDS * FS_HZ)
            whole = ((0, len(part.samples)),)
            seed = int(name) * 10 + number + 77
            noisy = with_noise(part.samples, part.beats, noise[kind], snr_db, seed, whole)
            yield Variant(part.kind, noisy, part.beats, part.adu_per_mv, part.flutter)


def add(tally: Tally, variant: Variant) -> None:
    """Process one signal and add its counts."""
    processed = process_signal(variant.samples, adu_per_mv=variant.adu_per_mv)
    detected = processed.beats["r_sample"].astype(np.int64)
    pairs = match_beats(variant.beats, detected, WINDOW)
    missed, false = np.delete(variant.beats, pairs[:, 0]), np.delete(detected, pairs[:, 1])
    spans = processed.bad_spans
    tally.beats += len(variant.beats)
    tally.missed += len(missed)
    tally.false += len(false)
    tally.beats_bad += int(inside(variant.beats, spans).sum())
    tally.missed_bad += int(inside(missed, spans).sum())
    tally.false_bad += int(inside(false, spans).sum())
    tally.samples += len(variant.samples)
    tally.samples_bad += int((spans[:, 1] - spans[:, 0]).sum())
    errors = np.sort(np.concatenate([missed, false]))
    tally.right.append(
        np.searchsorted(errors, detected - NEAR) == np.searchsorted(errors, detected + NEAR + 1)
    )
    tally.quality.append(processed.beats["quality"])


def inside(places: Places, spans: Places) -> npt.NDArray[np.bool_]:
    """Return True for each sample that lies in one of the sorted spans."""
    within: npt.NDArray[np.bool_] = np.searchsorted(spans[:, 0], places, "right") > np.searchsorted(
        spans[:, 1], places, "right"
    )
    return within


def error_free_shares(tallies: dict[str, Tally]) -> Iterator[str]:
    """Yield the share of beats without a wrong decision within a second, per decade of quality."""
    quality = np.concatenate([q for tally in tallies.values() for q in tally.quality])
    right = np.concatenate([r for tally in tallies.values() for r in tally.right])
    for lowest in range(0, 101, STEP):
        here = (quality >= lowest) & (quality < lowest + STEP)
        if here.any():
            name = f"{lowest} to {lowest + STEP - 1}" if lowest < 100 else "100"
            yield f"{name:9} {here.sum():7} beats   {100 * right[here].mean():5.1f} %"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Report detection in bad signal on DS1 with noise.")
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb/ and nstdb/")
    tallies: dict[str, Tally] = defaultdict(Tally)
    for variant in signals(parser.parse_args().data):
        add(tallies[variant.kind], variant)
    print("signal  bad signal   all beats         without bad signal")
    for kind, tally in tallies.items():
        print(tally.row(kind))
    print("quality             no wrong decision within a second")
    for line in error_free_shares(tallies):
        print(line)


if __name__ == "__main__":
    main()
