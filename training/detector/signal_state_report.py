"""Report what the state of the signal does to rhythms, and to signals without a heart.

    python -m ecg_edge.training.detector.signal_state_report --data DIR [--part development]

Three tables: the share of bad signal in each annotated rhythm of vfdb, at four amplitudes; noise alone, where
no beat should be called good; and asystoles that are made from records of mitdb's DS1 and of svdb, each 6 to
20 s long with another disturbance. Takes about a minute.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.header import header_path, read_header
from ecg_edge.ecg.noise import Places, Samples, to_int16
from ecg_edge.ecg.records import Record, load_record
from ecg_edge.ecg.signal_files import read_values
from ecg_edge.ecg.splits import DS1, Part, select_part
from ecg_edge.firmware import FLAG_DOUBTFUL, FLAG_UNCLASSIFIABLE, FS_HZ, Processed, process_signal
from ecg_edge.firmware.binding import rhythm

SCALES: Final = (1.0, 0.5, 0.25, 2.0)
FIRST_S, BETWEEN_S = 30, 30  # of signal before the first asystole, and after each
LENGTH_S: Final = (6.0, 20.0)
ASYSTOLE_S: Final = 3  # as ecg_rhythm_rules.h has it
TOLD_S: Final = 5  # an asystole must be told, or bad signal, within this time

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Line:
    """What is left when the heart stops: noise (mV RMS), slow baseline, 60 Hz hum, P waves (mV)."""

    name: str
    noise: float
    baseline: float = 0
    hum: float = 0
    p_wave: float = 0

    def make(self, count: int, random: np.random.Generator) -> Floats:
        """Make so many samples, in mV."""
        time = np.arange(count) / FS_HZ
        line = random.normal(0, self.noise, count) + self.hum * np.sin(2 * np.pi * 60 * time)
        line += self.baseline * np.sin(2 * np.pi * 0.25 * time + random.uniform(0, 6))
        if self.p_wave:
            for centre in np.arange(60, count, round(60 * FS_HZ / random.uniform(50, 95))):
                line += self.p_wave * np.exp(-0.5 * ((np.arange(count) - centre) / 10) ** 2)
        return line


LINES: Final = (
    *(Line(f"noise {noise} mV", noise) for noise in (0.01, 0.03, 0.05, 0.1)),
    Line("slow baseline 0.3 mV", 0.02, baseline=0.3),
    Line("hum 0.05 mV", 0.01, hum=0.05),
    Line("P waves 0.15 mV", 0.02, p_wave=0.15),
    Line("P waves 0.1 mV, baseline", 0.03, baseline=0.2, p_wave=0.1),
)


@dataclass(frozen=True)
class Asystole:
    """One made asystole: samples of the last beat before and of the first one after it."""

    line: str
    last_beat: int
    next_beat: int


def mask_of(spans: npt.NDArray[np.int64], count: int) -> Mask:
    """Return True for each of `count` samples that lies in one of the spans."""
    mask = np.zeros(count, bool)
    for start, end in spans:
        mask[start:end] = True
    return mask


def rhythm_spans(record: Record) -> Iterator[tuple[str, int, int]]:
    """Yield each annotated rhythm with its first sample and the one after its last."""
    notes = [
        (int(at), note.strip("\0 ("))
        for at, note in zip(record.annotation_samples, record.annotation_notes, strict=True)
        if note.startswith("(")
    ]
    ends = [at for at, _ in notes[1:]] + [len(record.samples)]
    for (start, name), end in zip(notes, ends, strict=True):
        yield name, start, end


def bad_shares(data: Path, names: tuple[str, ...], scale: float) -> dict[str, tuple[float, float]]:
    """Compute the time of each rhythm in seconds, and the share of it that is called bad signal."""
    time: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name in names:
        record = load_record(data, "vfdb", name)
        processed = process_signal(
            to_int16(record.samples.astype(np.float64) * scale), adu_per_mv=record.adu_per_mv
        )
        bad = mask_of(processed.bad_spans, len(record.samples))
        for kind, start, end in rhythm_spans(record):
            time[kind][0] += end - start
            time[kind][1] += int(bad[start:end].sum())
    return {kind: (count / FS_HZ, bad / count) for kind, (count, bad) in sorted(time.items())}


def noises(data: Path) -> Iterator[tuple[str, Samples]]:
    """Yield signals without a heart, 200 ADC units a millivolt."""
    for name in ("em", "ma", "bw"):
        header = read_header(header_path(data / "nstdb", name))
        for channel in (0, 1):
            yield f"{name}, channel {channel + 1}", read_values(header, channel)[0].astype(np.int16)
    random = np.random.default_rng(1)
    for mv in (0.02, 0.05, 0.2, 1.0):
        yield f"white {mv} mV", to_int16(random.normal(0, mv * 200, 300 * FS_HZ))
    time = np.arange(120 * FS_HZ) / FS_HZ
    for hz in (50, 60):
        yield (
            f"hum {hz} Hz 0.3 mV",
            to_int16(60 * np.sin(2 * np.pi * hz * time) + random.normal(0, 1, len(time))),
        )


def with_asystoles(
    samples: Samples, beats: Places, adu_per_mv: int, random: np.random.Generator
) -> tuple[Samples, list[Asystole]]:
    """Replace beats by each of `LINES` in random order, as far as the record reaches."""
    result, made, at = samples.astype(float), [], FIRST_S * FS_HZ
    for number in random.permutation(len(LINES)):
        first = int(np.searchsorted(beats, at))
        after = int(np.searchsorted(beats, at + random.uniform(*LENGTH_S) * FS_HZ))
        if first == 0 or after + 1 >= len(beats):
            break
        last_beat, next_beat = int(beats[first - 1]), int(beats[after])
        start, end = last_beat + min(150, int(0.6 * (beats[first] - last_beat))), next_beat - 100
        ends = np.median(result[start - 5 : start + 5]), np.median(result[end - 5 : end + 5])
        line = LINES[number]
        result[start:end] = np.linspace(*ends, end - start) + adu_per_mv * line.make(end - start, random)
        made.append(Asystole(line.name, last_beat, next_beat))
        at = end + BETWEEN_S * FS_HZ
    return to_int16(np.round(result)), made


def told_spans(processed: Processed, count: int) -> npt.NDArray[np.int64]:
    """Find where the rules tell an asystole, every beat taken as normal; onset and end."""
    beats = processed.beats
    classes = np.full(len(beats), rhythm.NORMAL)
    classes[beats["flags"] & FLAG_UNCLASSIFIABLE != 0] = rhythm.UNCLASSIFIABLE
    classes[beats["flags"] & FLAG_DOUBTFUL != 0] = rhythm.DOUBTFUL
    changes = [(int(change["sample"]), bool(change["bad"])) for change in processed.changes]
    events = rhythm.follow_beats(beats["r_sample"], beats["rr_samples"], classes, count, changes).events
    ends = events[(events["kind"] == rhythm.ASYSTOLE) & (events["phase"] == rhythm.END)]
    return np.stack([ends["onset"], ends["end"]], axis=1).astype(np.int64)


@dataclass
class AsystoleTally:
    """Counts over made asystoles; beats that are called good in them, and their length in samples."""

    made: int = 0
    told: int = 0
    told_or_bad: int = 0
    beats: int = 0
    samples: int = 0

    def row(self, name: str) -> str:
        """Return the line of the table."""
        shares = f"{self.told / self.made:6.3f}   {self.told_or_bad / self.made:6.3f}"
        return f"{name:26} {self.made:4}   {shares}   {self.beats / self.samples * 60 * FS_HZ:6.2f}"

    def add(self, one: Asystole, processed: Processed, told: npt.NDArray[np.int64], bad: Mask) -> None:
        """Count one asystole."""
        limit = one.last_beat + TOLD_S * FS_HZ
        announced = told[:, 0] + ASYSTOLE_S * FS_HZ
        is_told = ((told[:, 0] < one.next_beat) & (told[:, 1] > one.last_beat) & (announced <= limit)).any()
        good = processed.beats["r_sample"][processed.beats["flags"] & FLAG_UNCLASSIFIABLE == 0].astype(
            np.int64
        )
        self.made += 1
        self.told += int(is_told)
        self.told_or_bad += int(is_told or bad[one.last_beat : limit].any())
        self.beats += int(((good > one.last_beat + 108) & (good < one.next_beat - 54)).sum())
        self.samples += one.next_beat - one.last_beat


def names_of(data: Path, database: str, part: Part) -> tuple[str, ...]:
    """List the records of one part of a database that are there."""
    names = sorted(path.stem for path in (data / database).glob("*.hea"))
    return select_part(database, names, part)


def asystoles(data: Path) -> dict[str, AsystoleTally]:
    """Score the made asystoles, by what is left of the signal in them."""
    tallies: dict[str, AsystoleTally] = defaultdict(AsystoleTally)
    svdb = names_of(data, "svdb", "development")[::3]
    for database, name in [*(("mitdb", n) for n in DS1 if n != "207"), *(("svdb", n) for n in svdb)]:
        record = load_record(data, database, name)
        random = np.random.default_rng(int(name))
        samples, made = with_asystoles(record.samples, record.beat_samples, record.adu_per_mv, random)
        processed = process_signal(samples, adu_per_mv=record.adu_per_mv)
        told, bad = told_spans(processed, len(samples)), mask_of(processed.bad_spans, len(samples))
        for one in made:
            tallies[one.line].add(one, processed, told, bad)
    return tallies


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(
        description="Report the state of the signal in rhythms and without a heart."
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with mitdb/, nstdb/, svdb/ and vfdb/"
    )
    parser.add_argument(
        "--part", choices=("development", "test"), default="development", help="records of vfdb"
    )
    arguments = parser.parse_args()
    print("rhythm     seconds   share of bad signal at amplitudes of " + ", ".join(map(str, SCALES)))
    names = names_of(arguments.data, "vfdb", arguments.part)
    shares = [bad_shares(arguments.data, names, scale) for scale in SCALES]
    for kind, (seconds, _) in shares[0].items():
        print(f"{kind:8} {seconds:9.0f}   " + "   ".join(f"{one[kind][1]:5.3f}" for one in shares))
    print("noise alone          bad signal   beats a minute in good signal")
    for name, samples in noises(arguments.data):
        processed = process_signal(samples)
        good = processed.beats["flags"] & FLAG_UNCLASSIFIABLE == 0
        bad = mask_of(processed.bad_spans, len(samples)).mean()
        print(f"{name:20} {bad:9.3f}   {good.sum() / len(samples) * 60 * FS_HZ:9.1f}")
    print("asystole                   made   told     or bad   beats a minute")
    for name, tally in sorted(asystoles(arguments.data).items()):
        print(tally.row(name))


if __name__ == "__main__":
    main()
