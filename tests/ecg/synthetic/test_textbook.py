"""The synthetic database."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from ecg_edge.ecg.databases import records_in
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.splits import synthetic as split_of
from ecg_edge.ecg.synthetic import textbook as synthetic


def test_both_sides_of_its_split_have_all_five_classes(synthetic_root: Path) -> None:
    split = split_of(records_in(synthetic_root, "synth"))
    for side in (split.train, split.test):
        records = [load_record(synthetic_root, "synth", name) for name in side]
        symbols = Counter(symbol for record in records for symbol in record.beat_symbols.tolist())
        assert set(symbols) == set("NLRAV")
        assert min(symbols.values()) >= 10


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        synthetic.make_database(tmp_path / folder, patients=1, minutes=0.5, seed=9)
    synthetic.make_database(tmp_path / "c", patients=1, minutes=0.5, seed=10)
    signals = [(tmp_path / folder / "synth" / "s01.dat").read_bytes() for folder in "abc"]
    assert signals[0] == signals[1] != signals[2]


def test_premature_beats_come_early_and_v_is_followed_by_a_compensatory_pause(synthetic_root: Path) -> None:
    for name in records_in(synthetic_root, "synth"):
        record = load_record(synthetic_root, "synth", name)
        rr, symbols = np.diff(record.beat_samples), record.beat_symbols[1:]
        regular = np.median(rr)
        assert rr[np.isin(symbols, ["A", "V"])].max() < 0.85 * regular
        after_v = rr[1:][symbols[:-1] == "V"]
        assert after_v.min() > 1.15 * regular


def test_progress_names_each_record(tmp_path: Path) -> None:
    seen: list[str] = []
    names = synthetic.make_database(tmp_path, patients=2, minutes=0.2, on_record=seen.append)
    assert tuple(seen) == names == ("s01", "s02")
