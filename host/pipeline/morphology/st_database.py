"""Score the morphology network on a database with annotated ST episodes, by EC57.

    python -m ecg_edge.host.pipeline.morphology.st_database --data DIR --database edb

For databases that users have, in the format of the European ST-T Database. The network gives no deviation in
millivolts, so only episodes and durations are compared. Its answer counts for the middle 5 s of a strip;
episodes of one direction shorter than 30 s are left out, as in the annotations.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Final

from ecg_edge.ecg.annotations import Annotations
from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.scoring.protocol import LEARNING_S
from ecg_edge.ecg.scoring.st_episodes import (
    SHORTEST_S,
    StComparison,
    StEpisode,
    compare_st_episodes,
    st_annotations,
)
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.firmware import STRIP_EVERY_SECONDS, STRIP_SECONDS, strips
from ecg_edge.firmware.binding.signal_path import Samples
from ecg_edge.quantize.bundle.engines import Engine, GeneratedEngine
from ecg_edge.quantize.bundle.manifest import SHIPPED_MORPHOLOGY, STRIP_INPUT, load_bundle

SIGNS: Final = {"st-depression": "-", "st-elevation": "+"}


def detect(
    engine: Engine, samples: Samples, adu_per_mv: int, fs_hz: int = 360, signal: int = 0
) -> Annotations:
    """Find ST episodes of a record, and write them as annotations of `signal`."""
    found = strips(samples, adu_per_mv=adu_per_mv, fs_hz=fs_hz)
    labels = [MORPHOLOGY[i] for i in engine.run({STRIP_INPUT: found["points"]}).argmax(1)]
    episodes = episodes_of(labels, found["sample"].astype(int).tolist(), fs_hz)
    return st_annotations([one for one, _ in episodes], signal, [sign for _, sign in episodes])


def episodes_of(labels: Sequence[str], ends: Sequence[int], fs_hz: int) -> list[tuple[StEpisode, str]]:
    """Join the answers for strips that end at samples `ends` to episodes with their direction."""
    late = (STRIP_SECONDS - STRIP_EVERY_SECONDS) * fs_hz // 2
    every = STRIP_EVERY_SECONDS * fs_hz
    found: list[tuple[StEpisode, str]] = []
    for label, end in zip(labels, ends, strict=True):
        sign = SIGNS.get(label)
        if sign is None:
            continue
        here = StEpisode(end - late - every, end - late)
        # One other answer between two does not end an episode.
        if found and found[-1][1] == sign and here.onset - found[-1][0].end <= every:
            found[-1] = (found[-1][0]._replace(end=here.end), sign)
        else:
            found.append((here, sign))
    return [one for one in found if one[0].end - one[0].onset >= SHORTEST_S * fs_hz]


def score(
    root: Path, database: str, engine: Engine, signal: int = 0, start_s: float = LEARNING_S
) -> dict[str, StComparison]:
    """Compare each record of a database that has annotations."""
    compared = {}
    for name in records_in(root, database):
        record = load_record(root, database, name, lead=str(signal), annotations_required=True)
        reference = Annotations.of(
            record.annotation_samples, record.annotation_symbols, aux=record.annotation_notes
        )
        test = detect(engine, record.samples, record.adu_per_mv, record.fs_hz, signal)
        compared[name] = compare_st_episodes(
            *(reference, test),
            fs_hz=record.fs_hz,
            start_s=start_s,
            end_s=record.duration_s,
            signal=signal,
        )
    return compared


def main() -> None:
    """Print a line a record, and all together."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="folder of the databases")
    options.add_argument("--database", default="edb", help="folder of the records in it")
    options.add_argument("--signal", type=int, default=0)
    options.add_argument("--model", type=Path, default=SHIPPED_MORPHOLOGY)
    chosen = options.parse_args()
    engine = GeneratedEngine(load_bundle(chosen.model).c_path)
    compared = score(chosen.data, chosen.database, engine, chosen.signal)
    for name, one in compared.items():
        print(name, _line(one))
    if compared:
        print("gross", _line(reduce(StComparison.__add__, compared.values())))


def _line(one: StComparison) -> str:
    ratios = one.episodes.ratios.items()
    return ", ".join(f"{name} {ratio.hits}/{ratio.total}" for name, ratio in ratios)


if __name__ == "__main__":
    main()
