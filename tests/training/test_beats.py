"""Beats of records: the signal path's, each with its annotation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_edge import firmware
from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.records import load_record
from ecg_edge.training import beats as module
from ecg_edge.training.beats import Beats, concatenate, dequantize, find_beats, keep_beats, load_beats


def test_annotated_peaks_give_one_beat_an_annotation(synthetic_root: Path) -> None:
    record = load_record(synthetic_root, "synth", "s01")
    features, symbols = find_beats(record, "annotated")
    assert symbols.tolist() == record.beat_symbols.tolist()
    assert features.dtype == firmware.BEAT_DTYPE


@pytest.mark.parametrize("peaks", ["annotated", "detected"])
def test_annotations_in_any_order_and_outside_the_signal_give_the_same_beats(
    synthetic_root: Path, peaks: str
) -> None:
    record = load_record(synthetic_root, "synth", "s01")
    end = len(record.samples)
    order = np.random.default_rng(1).permutation(len(record.annotation_samples))
    shuffled = replace(
        record,
        annotation_samples=np.concatenate([record.annotation_samples[order], [end, end + 5000, -1]]),
        annotation_symbols=np.concatenate([record.annotation_symbols[order], ["V", "N", "V"]]),
        annotation_notes=(*(record.annotation_notes[i] for i in order), "", "", ""),
    )
    expected, found = find_beats(record, peaks), find_beats(shuffled, peaks)
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1].tolist() == expected[1].tolist()


@pytest.mark.records
def test_svdb_s_annotation_after_the_last_sample_is_left_out(data_dir: Path) -> None:
    record = load_record(data_dir, "svdb", "860")
    features, symbols = find_beats(record, "annotated")
    in_file = read_annotations(data_dir / "svdb", "860", "atr", 128, 360)
    assert in_file.samples[-1] >= len(record.samples) > record.beat_samples[-1] == in_file.samples[-2]
    assert len(features) == len(record.beat_samples)
    assert symbols.tolist() == record.beat_symbols.tolist()


def test_detected_beats_take_the_symbol_of_the_annotation_within_150_ms(synthetic_root: Path) -> None:
    record = load_record(synthetic_root, "synth", "s01")
    features, symbols = find_beats(record, "detected")
    matched = symbols != ""
    assert matched.sum() >= 0.95 * len(record.beat_samples)
    for r_sample, symbol in zip(features["r_sample"][matched].tolist(), symbols[matched], strict=True):
        nearest = int(np.argmin(np.abs(record.beat_samples - r_sample)))
        assert abs(record.beat_samples[nearest] - r_sample) <= 54
        assert record.beat_symbols[nearest] == symbol


def test_a_record_is_pushed_once_and_again_when_it_changes(
    synthetic_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_beats(synthetic_root, "synth", ["s01"], "annotated", tmp_path)
    monkeypatch.setattr(module, "find_beats", lambda *_: pytest.fail("the cache was not used"))
    again = load_beats(synthetic_root, "synth", ["s01"], "annotated", tmp_path)
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.symbols, again.symbols)
    monkeypatch.undo()
    monkeypatch.setattr(firmware, "fingerprint", lambda: 1)
    monkeypatch.setattr(module, "find_beats", lambda *_: (first.features[:1], first.symbols[:1]))
    assert len(load_beats(synthetic_root, "synth", ["s01"], "annotated", tmp_path)) == 1


def test_a_damaged_cache_is_computed_again(synthetic_root: Path, tmp_path: Path) -> None:
    first = load_beats(synthetic_root, "synth", ["s01"], "annotated", tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    again = load_beats(synthetic_root, "synth", ["s01"], "annotated", tmp_path)
    np.testing.assert_array_equal(first.features, again.features)
    assert len(load_beats(synthetic_root, "synth", ["s01"], "annotated", tmp_path)) == len(first)


def test_labels_are_those_of_the_five_classes_only() -> None:
    symbols = np.array(["N", "L", "R", "A", "V", "F", ""])
    beats = Beats(np.zeros(7, firmware.BEAT_DTYPE), symbols, np.full(7, "100"))
    assert beats.labels.tolist() == [0, 1, 2, 3, 4, -1, -1]
    assert beats.five_classes().symbols.tolist() == list("NLRAV")
    assert len(concatenate([beats, beats])) == 14


def test_dequantize_uses_the_device_s_scales() -> None:
    beat, rhythm = np.full((1, 128, 2), 20, np.int8), np.full((1, 27), -64, np.int8)
    beat_values, rhythm_values = dequantize(beat, rhythm)
    assert beat_values.shape == (1, 1, 128, 2) and rhythm_values.shape == (1, 27)
    assert beat_values.dtype == rhythm_values.dtype == np.float32
    np.testing.assert_allclose(beat_values, 1.0)
    np.testing.assert_allclose(rhythm_values, -1.0)


def test_kept_beats_are_made_again_when_what_they_are_made_from_changes(
    synthetic_root: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"1")
    beats = load_beats(synthetic_root, "synth", ["s01"], "annotated")
    made: list[str] = []

    def make() -> Beats:
        made.append(source.read_text())
        return beats[np.arange(len(made))]

    assert len(keep_beats("kept", (source, "code"), make)) == 1
    again = keep_beats("kept", (source, "code"), make)
    np.testing.assert_array_equal(again.features, beats.features[:1])
    assert again.records.tolist() == ["s01"]
    source.write_bytes(b"2")
    assert len(keep_beats("kept", (source, "code"), make)) == 2
    assert len(keep_beats("kept", (source, "other code"), make)) == 3
    assert made == ["1", "2", "2"]
