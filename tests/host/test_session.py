"""Comparison, scores, and what a session folder holds."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_edge.ecg.annotations import read_annotations
from ecg_edge.ecg.records import Record
from ecg_edge.host.conformance.accuracy import (
    MISSED,
    NO_BEAT,
    OTHER_BEAT,
    LabelledRecord,
    confusion,
    score_device,
    score_groups,
    score_record,
)
from ecg_edge.host.conformance.comparison import Comparator, Comparison, count_differing_bytes
from ecg_edge.host.conformance.frame_log import FrameLog
from ecg_edge.host.conformance.session import RecordRun, Session, session_folder
from ecg_edge.host.devices.simulator import simulator_info
from ecg_edge.host.link.client import Progress
from ecg_edge.host.link.frames import Decoder, encode
from ecg_edge.host.link.messages import Beat, Done, RhythmEvent
from ecg_edge.host.reference.expected import Expected, expect
from tests.support.simulated import LABELS, HashEngine, make_bundle, make_ecg

SAMPLES, PEAKS = make_ecg(60.0)
EXPECTED = expect(SAMPLES, 200, 60, HashEngine(), LABELS)
INTERRUPTED = SAMPLES.copy()
INTERRUPTED[7200:9000] = 900  # a flat line: bad signal


def device_beats(expected: Expected = EXPECTED) -> list[Beat]:
    """Make the beats of a device in agreement, with a confidence of its own."""
    return [replace(beat, confidence=7) for beat in expected.beat_messages()]


def compared(beats: list[Beat], events: list[RhythmEvent] | None = None) -> Comparison:
    """Comparison of a device's beats and events with what is expected."""
    comparator = Comparator(EXPECTED)
    comparator.take(beats)
    comparator.take_events(EXPECTED.events if events is None else events)
    comparator.take_changes(EXPECTED.quality_messages())
    return comparator.finish()


def test_an_equal_device_agrees() -> None:
    comparison = compared(device_beats())
    assert comparison.agrees and comparison.agreeing == comparison.beats == len(EXPECTED.beats) > 60
    assert comparison.differences == []


def test_one_bit_of_output_is_one_differing_byte() -> None:
    beats = device_beats()
    output = bytes([beats[5].output[0] ^ 1]) + beats[5].output[1:]
    beats[5] = replace(beats[5], output=output)
    comparison = compared(beats)
    assert not comparison.agrees and comparison.differing_bytes == 1
    assert comparison.agreeing == comparison.beats - 1 and not any(comparison.differing_fields.values())
    (difference,) = comparison.differences
    assert (difference.beat_index, difference.fields) == (5, ("output",))
    assert difference.device == beats[5] and difference.expected == replace(device_beats()[5], confidence=0)


@pytest.mark.parametrize("name", ["r_sample", "rr_samples", "flags", "quality", "input_crc32", "label"])
def test_every_field_is_compared(name: str) -> None:
    beats = device_beats()
    beats[9] = replace(beats[9], **{name: getattr(beats[9], name) + 1})
    comparison = compared(beats)
    assert not comparison.agrees and comparison.differing_bytes == 0
    assert comparison.differing_fields == {**dict.fromkeys(comparison.differing_fields, 0), name: 1}
    assert comparison.differences[0].fields == (name,)


def test_every_change_of_the_signals_quality_is_compared() -> None:
    expected = expect(INTERRUPTED, 200, 60, HashEngine(), LABELS)
    changes = expected.quality_messages()
    assert [change.bad for change in changes] == [1, 0]
    wrong = {
        "lost": changes[1:],
        "extra": [*changes, changes[0]],
        "later": [replace(changes[0], sample=changes[0].sample + 72), changes[1]],
        "why": [replace(changes[0], reasons=0), changes[1]],
    }
    for arrived in wrong.values():
        comparator = Comparator(expected)
        comparator.take(device_beats(expected))
        comparator.take_events(expected.events)
        comparator.take_changes(arrived)
        comparison = comparator.finish()
        assert not comparison.agrees and comparison.differing_changes >= 1
        assert comparison.agreeing == comparison.beats
    comparator = Comparator(expected)
    comparator.take_changes(changes[:1])
    assert comparator.finish(complete=False).differing_changes == 0


def test_a_lost_beat_counts_with_all_its_bytes() -> None:
    comparison = compared(device_beats()[:3] + device_beats()[4:])
    assert (comparison.lost_beats, comparison.differing_bytes) == (1, len(LABELS))
    assert (comparison.differences[0].beat_index, comparison.differences[0].device) == (3, None)


def test_after_an_interruption_only_beats_before_the_last_are_lost() -> None:
    comparator = Comparator(EXPECTED)
    comparator.take([beat for beat in device_beats() if beat.beat_index in (0, 1, 3)])
    comparison = comparator.finish(complete=False)
    assert (comparison.lost_beats, comparison.agreeing) == (1, 3)
    assert comparison.differences[0].beat_index == 2
    assert Comparator(EXPECTED).finish(complete=False).lost_beats == 0


def test_an_extra_beat_counts_with_all_its_bytes() -> None:
    beats = device_beats()
    twice = compared([*beats, beats[0]])
    beyond = compared([*beats, replace(beats[0], beat_index=len(beats))])
    for comparison in (twice, beyond):
        assert not comparison.agrees and comparison.agreeing == len(beats)
        assert (comparison.extra_beats, comparison.differing_bytes) == (1, len(LABELS))


def test_an_output_of_another_length_differs_in_each_byte_too_many() -> None:
    assert count_differing_bytes(b"abc", b"abcde") == 2
    assert count_differing_bytes(b"abc", b"") == 3
    assert count_differing_bytes(b"abc", b"aXc") == 1


def test_only_the_first_differences_are_kept() -> None:
    comparison = compared([replace(beat, flags=beat.flags ^ 1) for beat in reversed(device_beats())])
    assert [difference.beat_index for difference in comparison.differences] == [0, 1, 2, 3, 4]
    assert comparison.differing_fields["flags"] == comparison.beats


def test_every_event_is_compared() -> None:
    events = EXPECTED.events
    assert len(events) >= 5 and compared(device_beats()).agreeing_events == len(events)
    for name in RhythmEvent.__slots__[1:]:
        other = replace(events[2], **{name: getattr(events[2], name) ^ 1})
        comparison = compared(device_beats(), [*events[:2], other, *events[3:]])
        assert not comparison.agrees and comparison.differing_events == 1
        (difference,) = comparison.event_differences
        assert (difference.event_index, difference.expected, difference.device) == (2, events[2], other)


def test_lost_and_extra_events_differ() -> None:
    events = EXPECTED.events
    lost = compared(device_beats(), events[:-1])
    assert (lost.agrees, lost.lost_events, lost.agreeing_events) == (False, 1, len(events) - 1)
    assert lost.event_differences[0].device is None
    for extra in (events[0], replace(events[0], event_index=len(events))):
        twice = compared(device_beats(), [*events, extra])
        assert (twice.agrees, twice.extra_events, twice.agreeing_events) == (False, 1, len(events))
        assert twice.event_differences[0].expected is None


def test_after_an_interruption_only_events_before_the_last_are_lost() -> None:
    comparator = Comparator(EXPECTED)
    comparator.take_events([EXPECTED.events[0], EXPECTED.events[2]])
    assert comparator.finish(complete=False).lost_events == 1


# ---- scores -----------------------------------------------------------------------------------------


def labelled(symbols: str, device: str, name: str = "100") -> LabelledRecord:
    """Beats a second apart: `symbols` by the annotator, `device` by the device; "." is no beat there."""
    at = 360 * (1 + np.arange(len(symbols)))
    annotated = np.array([symbol != "." for symbol in symbols])
    record = Record(
        name, "mitdb", 360, 200, "MLII", np.zeros(360 * (len(symbols) + 2), np.int16),
        at[annotated], np.array(list(symbols.replace(".", ""))), ("",) * int(annotated.sum()),
    )  # fmt: skip
    beats = [
        Beat(k, int(sample) + 5, 360, 0, 100, 0, LABELS.index(symbol), 0, 0, bytes(5))
        for k, (sample, symbol) in enumerate(zip(at, device, strict=True))
        if symbol != "."
    ]
    return LabelledRecord(record, beats, len(record.samples))


def test_the_confusion_matrix_holds_every_beat_once() -> None:
    item = labelled("NNLRAVVF.N", "NVLRAVNVN.")
    matrix = confusion(item, LABELS)
    names, columns = [*LABELS, OTHER_BEAT, NO_BEAT], [*LABELS, "not labelled", MISSED]
    cells = {(names[i], columns[j]): int(matrix[i, j]) for i, j in zip(*matrix.nonzero(), strict=True)}
    assert cells == {
        ("N", "N"): 1, ("N", "V"): 1, ("L", "L"): 1, ("R", "R"): 1, ("A", "A"): 1, ("V", "V"): 1,
        ("V", "N"): 1, (OTHER_BEAT, "V"): 1, (NO_BEAT, "N"): 1, ("N", MISSED): 1,
    }  # fmt: skip


def test_scores_by_hand() -> None:
    figures = score_device([labelled("NNLRAVVF.N", "NVLRAVNVN.")], LABELS)
    assert figures is not None and figures["records"] == 1
    classes = figures["classes"]
    assert classes["accuracy"] == pytest.approx(5 / 8, abs=1e-6)  # F is no label; the missed N is an error
    assert classes["labels"]["V"] == {"annotated": 2, "device": 3, "se": 0.5, "ppv": 0.333333, "f1": 0.4}
    assert figures["ec57"][0]["counts"]["qrs_se"] == [8, 9] and figures["ec57"][0]["counts"]["qrs_ppv"] == [
        8,
        9,
    ]
    assert figures["ec57"][0]["counts"]["sveb_se"] == [1, 1]
    assert "from 0 s" in figures["ec57"][0]["protocol"]


def test_groups_are_de_chazal_s() -> None:
    items = [labelled("NNNN", "NNNN", "100"), labelled("NVNN", "NNNN", "101")]
    groups = score_groups([one for item in items if (one := score_record(item, LABELS))], LABELS)
    assert {name: group["records"] for name, group in groups.items()} == {"all": 2, "DS1": 1, "DS2": 1}
    assert groups["DS2"]["classes"]["accuracy"] == 1.0 and groups["DS1"]["classes"]["accuracy"] == 0.75


def test_a_record_without_beat_annotations_is_not_scored() -> None:
    assert score_device([labelled("....", "NNNN")], LABELS) is None


# ---- the folder -------------------------------------------------------------------------------------


def make_session(folder: Path, beats: list[Beat], done: bool = True, taken: int = len(SAMPLES)) -> Session:
    """A session of one record."""
    bundle = make_bundle(folder / "bundle")
    info = simulator_info(bundle.manifest.model_sha256, bundle.manifest.core_fingerprint, LABELS, "hash")
    session = Session(folder / "session", "socket://x:1", bundle, info, "hash", 60)
    symbols = np.array(["N"] * len(PEAKS))
    record = Record("100", "mitdb", 360, 200, "MLII", SAMPLES, PEAKS, symbols, ("",) * len(PEAKS))
    totals = Done(taken, len(beats), 1, 1_000_000, 216_000, 76_000, 1500) if done else None
    progress = Progress(len(SAMPLES), taken, beats, naks=1, retransmitted_frames=4, seconds=0.5, done=totals)
    session.runs.append(RecordRun(record, progress, compared(beats), LABELS))
    return session


def test_results_of_a_session_that_passes(tmp_path: Path) -> None:
    session = make_session(tmp_path, device_beats())
    results = session.write()
    assert json.loads((session.folder / "results.json").read_text()) == json.loads(json.dumps(results))
    assert (results["verdict"], results["interrupted"], results["differing_bytes"]) == ("pass", False, 0)
    assert (results["lost_samples"], results["realtime_factor"]) == (0, 120.0)
    assert results["beats"] == results["agreeing_beats"] == len(EXPECTED.beats)
    sha256 = session.bundle.manifest.model_sha256
    assert results["model_sha256"] == results["device"]["model_sha256"] == sha256
    assert results["device"]["board"].startswith("simulator") and results["device"]["labels"] == LABELS
    assert results["ticks"]["core_us_per_sample"] == 10.0 and results["ticks"]["engine_ticks_max"] == 1500
    (record,) = results["records"]
    assert (record["record"], record["verdict"], record["realtime_factor"]) == ("100", "pass", 120.0)
    link = {"naks": 1, "retransmitted_frames": 4, "rejected_by_device": 1}
    none = ("resends", "bad_frames", "sequence_gaps", "repeated_frames", "passes")
    assert record["link"] == results["link"] == {**dict.fromkeys(none, 0), **link}
    assert record["scores"]["ec57"][0]["qrs_se"] > 0.98


def test_every_beat_is_in_the_csv_and_in_the_annotation_file(tmp_path: Path) -> None:
    session = make_session(tmp_path, device_beats())
    session.write()
    with (session.folder / "beats.csv").open() as file:
        rows = list(csv.DictReader(file))
    annotations = read_annotations(session.folder / "annotations" / "mitdb", "100", "dev")
    assert [int(row["r_sample"]) for row in rows] == annotations.samples.tolist()
    symbols = [row["label"].replace("unclassifiable", "Q") for row in rows]
    assert symbols == annotations.symbols.tolist()
    outputs = np.array([row["output"].split() for row in rows], np.int64)
    assert np.array_equal(outputs, EXPECTED.outputs)
    assert rows[0]["input_crc32"] == f"{EXPECTED.beats['crc32'][0]:08x}"


def test_a_difference_is_written_with_both_outputs(tmp_path: Path) -> None:
    beats = device_beats()
    beats[2] = replace(beats[2], output=bytes([beats[2].output[0] ^ 128]) + beats[2].output[1:])
    results = make_session(tmp_path, beats).write()
    assert (results["verdict"], results["differing_bytes"]) == ("fail", 1)
    (difference,) = results["records"][0]["first_differences"]
    assert difference["beat_index"] == 2 and difference["fields"] == ["output"]
    pair = difference["expected"]["output"], difference["device"]["output"]
    assert abs(pair[0][0] - pair[1][0]) == 128 and pair[0][1:] == pair[1][1:]


def test_lost_samples_fail_the_verdict(tmp_path: Path) -> None:
    results = make_session(tmp_path, device_beats(), taken=len(SAMPLES) - 240).write()
    assert (results["verdict"], results["lost_samples"]) == ("fail", 240)


def test_an_interrupted_session_says_so(tmp_path: Path) -> None:
    session = make_session(tmp_path, device_beats()[:10], done=False, taken=3000)
    session.interrupted = "Ctrl-C"
    results = session.write()
    assert (results["verdict"], results["interrupted"], results["reason"]) == ("fail", True, "Ctrl-C")
    assert results["records"][0]["interrupted"] and results["ticks"] is None
    assert results["lost_samples"] == len(SAMPLES) - 3000


def test_a_session_without_records_is_no_pass(tmp_path: Path) -> None:
    session = make_session(tmp_path, [])
    session.runs.clear()
    assert session.write()["verdict"] == "inconclusive"


def test_the_frame_log_can_be_read_back(tmp_path: Path) -> None:
    frames = [encode(beat, k) for k, beat in enumerate(device_beats()[:3])]
    with FrameLog(tmp_path / "frames.log.gz") as log:
        for frame in frames:
            log("<", frame)
    with gzip.open(tmp_path / "frames.log.gz", "rt") as file:
        lines = [line.split() for line in file]
    read = b"".join(bytes.fromhex(line[2]) + b"\0" for line in lines)
    assert Decoder().feed(read) == device_beats()[:3]
    assert all(line[1] == "<" and float(line[0]) >= 0 for line in lines)


@pytest.mark.parametrize("port", ["/dev/ttyUSB0", "emulator", "socket://host:1/../x", "unix:/tmp/a b"])
def test_a_folder_s_name_is_safe(port: str) -> None:
    folder = session_folder(Path("sessions"), port)
    assert folder.parent == Path("sessions") and folder.name.replace("-", "").isalnum()


def test_a_folder_of_an_emulated_board_is_named_so() -> None:
    assert session_folder(Path("sessions"), "emulator:/some/where/firmware.elf").name.endswith("Z-emulator")
