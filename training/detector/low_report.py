"""Report how the detector finds the beats of low and smooth signals from the first second.

    python -m ecg_edge.training.detector.low_report --data DIR

Strips of ludb (numbers divisible by 4, all leads) and starts of qtdb (every second record, both leads, a
fresh stream each 30 s), as they are, lower, and after a low-pass filter. A classifier may be right in
every strip as it is recorded, and lose strips whose leads are a little lower or smoother. All these
records train the classifier, so the report does not replace records of other patients. Takes half a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfiltfilt

from ecg_edge.ecg.noise import to_int16
from ecg_edge.ecg.scoring import match_beats
from ecg_edge.ecg.scoring.protocol import MATCH_WINDOW_S
from ecg_edge.firmware import FS_HZ, process
from ecg_edge.training.detector.signals import Variant, cut
from ecg_edge.training.detector.starts import development_records, strips

WINDOW = round(MATCH_WINDOW_S * FS_HZ)
STRIPS = ((1.0, 0), (0.5, 0), (0.25, 0), (1.0, 20), (1.0, 12), (0.5, 12))
STARTS = ((1.0, 0), (1.0, 12), (0.5, 8))
"""Factor of the amplitude; cutoff of the low-pass filter in Hz, 0: none."""
LEAST_MV = 0.11  # strips with lower QRS complexes are left out: below 0.08 mV nothing is a beat
START_S, SCORED_S, STEP_S = 20, 10, 30
TOO_MANY = 1.3


@dataclass
class Tally:
    """Counts over signals; `lost`: those with a third of the beats missed; `crowded`: a third too many."""

    signals: int = 0
    beats: int = 0
    missed: int = 0
    false: int = 0
    lost: int = 0
    crowded: int = 0

    def add(self, beats: npt.NDArray[np.int64], found: npt.NDArray[np.int64], first: int, last: int) -> None:
        """Count what lies from sample `first` to before `last`."""
        pairs = match_beats(beats, found, WINDOW)
        annotated, detected = inside(beats, first, last), inside(found, first, last)
        count, hits = int(annotated.sum()), int(annotated[pairs[:, 0]].sum())
        right = int(detected[pairs[:, 1]].sum())
        self.signals += 1
        self.beats += count
        self.missed += count - hits
        self.false += int(detected.sum()) - right
        self.lost += count > 0 and 3 * (count - hits) >= count
        self.crowded += count > 4 and int(detected.sum()) > TOO_MANY * count

    def row(self, kind: str) -> str:
        """Return Se / +P, and in how many signals something is badly wrong."""
        hits = self.beats - self.missed
        rates = f"{100 * hits / max(1, self.beats):6.2f} / {100 * hits / max(1, hits + self.false):6.2f}"
        return f"{kind:26} {rates}   lost {self.lost}, too many {self.crowded} of {self.signals}"


def inside(at: npt.NDArray[np.int64], first: int, last: int) -> npt.NDArray[np.bool_]:
    """Return True for each sample number from `first` to before `last`."""
    return (at >= first) & (at < last)


def changed(variant: Variant, factor: float, cutoff_hz: float) -> npt.NDArray[np.int16]:
    """Return the signal low-pass filtered and scaled, 1000 ADC units a millivolt, shape (n,)."""
    values = (variant.samples - np.median(variant.samples)) / variant.adu_per_mv
    if cutoff_hz:
        values = sosfiltfilt(butter(2, cutoff_hz, fs=FS_HZ, output="sos"), values)
    return to_int16(np.rint(1000 * factor * values))


def height_mv(samples: npt.NDArray[np.int16], beats: npt.NDArray[np.int64]) -> float:
    """Median of the peak to peak values within 78 ms of each beat, of 1000 ADC units a millivolt."""
    return float(np.median([np.ptp(samples[max(0, at - 28) : at + 29]) for at in beats])) / 1000


def found_in(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
    """Return the R peaks that the signal path finds."""
    return np.asarray(process(samples, adu_per_mv=1000)["r_sample"], np.int64)


def tally_strips(signals: list[Variant], factor: float, cutoff_hz: float) -> Tally:
    """Count strips of which `known` holds the annotated part."""
    tally = Tally()
    for strip in signals:
        samples = changed(strip, factor, cutoff_hz)
        if height_mv(samples, strip.beats) >= LEAST_MV:
            ((first, last),) = strip.known
            tally.add(strip.beats, found_in(samples), first, last + 1)
    return tally


def tally_starts(signals: list[Variant], factor: float, cutoff_hz: float) -> Tally:
    """Count the first 10 s of fresh streams."""
    tally = Tally()
    for part in (start for whole in signals for start in starts_of(whole)):
        tally.add(part.beats, found_in(changed(part, factor, cutoff_hz)), 0, SCORED_S * FS_HZ)
    return tally


def starts_of(whole: Variant) -> Iterator[Variant]:
    """Cut 20 s from each 30 s."""
    count = START_S * FS_HZ
    for first in range(0, len(whole.samples) - count, STEP_S * FS_HZ):
        yield cut(whole, "start", first, count)


def name_of(database: str, factor: float, cutoff_hz: float) -> str:
    """Name a row of the table."""
    return f"{database}, x {factor}" + (f", {cutoff_hz} Hz" if cutoff_hz else "")


def main() -> None:
    """Print a row for each change."""
    parser = argparse.ArgumentParser(description="Report detection in low and smooth signals.")
    parser.add_argument("--data", type=Path, required=True, help="folder with ludb/, qtdb/ and svdb/")
    data = parser.parse_args().data
    leads = list(strips(data))
    for change in STRIPS:
        print(tally_strips(leads, *change).row(name_of("ludb", *change)), flush=True)
    records = [whole for whole in development_records(data) if whole.kind == "qtdb"]
    for change in STARTS:
        print(tally_starts(records, *change).row(name_of("qtdb", *change)), flush=True)


if __name__ == "__main__":
    main()
