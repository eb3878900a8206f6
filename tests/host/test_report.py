"""The report: one file, nothing from outside, every kind of beat, and the truth about a failed session."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.records import load_record
from ecg_edge.firmware.binding.rhythm import END, RUN_V
from ecg_edge.host.cli.commands.report import morphology_training, run_scores
from ecg_edge.host.cli.commands.report import report as report_command
from ecg_edge.host.conformance.accuracy import LabelledRecord, class_figures
from ecg_edge.host.conformance.comparison import Comparator
from ecg_edge.host.conformance.session import RecordRun, Session
from ecg_edge.host.devices.simulator import simulator_info
from ecg_edge.host.link.client import Progress
from ecg_edge.host.link.messages import Beat, Done
from ecg_edge.host.reference.expected import expect
from ecg_edge.host.report.examples import BeatExamples, Replayed, beat_examples, rhythm_examples
from ecg_edge.host.report.html import (
    by_accuracy,
    counted_of,
    most_varied,
    no_progress,
    read_items,
    read_results,
    write_report,
)
from ecg_edge.host.report.strips import Strip, beat_kinds, replay_picture
from tests.support.messages import made_event
from tests.support.simulated import LABELS, HashEngine, make_bundle, make_database

VOID = {"meta", "br", "path", "use", "rect", "circle"}


class Page(HTMLParser):
    """What a page holds: its text, its tags, and whatever it would fetch."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset") and not (value or "").startswith("#"):
                self.fetched.append(f"{tag} {name}={value}")
            if name == "id":
                self.ids.append(value or "")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """All text, with single spaces."""
        return " ".join(" ".join(self.words).split())


def examples(items: list[LabelledRecord]) -> BeatExamples:
    """Strips of every kind of beat."""
    return beat_examples([Replayed(item, LABELS) for item in items], LABELS, no_progress)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two records of a minute."""
    return make_database(tmp_path_factory.mktemp("data"))


@pytest.fixture
def session(tmp_path: Path, database: Path) -> Session:
    """A session of both records in which the device agreed, written to its folder."""
    bundle = make_bundle(tmp_path / "bundle")
    info = simulator_info(bundle.manifest.model_sha256, bundle.manifest.core_fingerprint, LABELS, "hash")
    session = Session(tmp_path / "session", "simulator", bundle, info, "hash", 60)
    for name in ("100", "101"):
        session.runs.append(run_of(database, name))
    session.write()
    return session


def run_of(database: Path, name: str) -> RecordRun:
    """A record whose beats all came back as expected."""
    record = load_record(database, "mitdb", name)
    expected = expect(record.samples, 200, 60, HashEngine(), LABELS)
    comparator = Comparator(expected)
    beats = [replace(beat, confidence=9) for beat in expected.beat_messages()]
    comparator.take(beats)
    comparator.take_events(expected.events)
    done = Done(len(record.samples), len(beats), 0, 0, 0, 0, 0)
    progress = Progress(
        *(len(record.samples), len(record.samples), beats),
        events=expected.events,
        seconds=0.4,
        done=done,
    )
    progress.changes = expected.quality_messages()
    comparator.take_changes(progress.changes)
    return RecordRun(record, progress, comparator.finish(), LABELS)


def test_the_page_stands_alone(session: Session) -> None:
    html = write_report(session.folder, items=[run.labelled for run in session.runs]).read_text()
    page = Page(html)
    assert page.open == [] and page.fetched == []
    assert not re.search(r"url\((?!#)|@import|<script", html)
    assert len(html) < 5_000_000


def test_the_page_says_what_results_json_says(session: Session) -> None:
    results = read_results(session.folder)
    text = Page(write_report(session.folder, items=[run.labelled for run in session.runs]).read_text()).text
    assert f"PASS On each of {results['beats']} beats the simulated device" in text
    assert results["model_sha256"] in text and results["device"]["board"] in text
    assert "mitdb/100" in text and "mitdb/101" in text
    assert "a device simulated in Python" in text and "Not a medical device" in text
    assert "EC57 beat by beat" in text and "detector in the loop" in text
    figures = results["scores"]["DS2"]["ec57"][0]
    assert f"{100 * figures['qrs_se']:.2f}" in text and f"{100 * figures['veb_se']:.2f}" in text


def test_the_headline_names_the_beats_on_which_it_rests(session: Session) -> None:
    path = session.folder / "results.json"
    results = json.loads(path.read_text())
    for group in results["scores"].values():
        matrix = np.array(group["classes"]["confusion"]["counts"])
        matrix[len(LABELS), 0] += 1365  # fusion beats that got the first label
        group["classes"] |= class_figures(matrix, LABELS)
    path.write_text(json.dumps(results))
    counted = counted_of(results["scores"]["all"]["classes"])
    assert counted.beats > 100 and counted.others >= 1365
    text = Page(write_report(session.folder, items=[]).read_text()).text
    share = f"% of the {counted.beats:,} beats annotated {', '.join(LABELS[:-1])} or {LABELS[-1]} have"
    assert share in text
    assert text.count(f"{counted.others:,} annotated beats of other kinds are not in this share") == 2
    assert "% of the annotated beats" not in text


def test_the_table_of_all_starts_names_no_single_one(session: Session) -> None:
    text = Page(write_report(session.folder, items=[]).read_text()).text
    assert "150 ms window, from each of the times below" in text and "from 300 s" not in text


def test_a_failed_session_shows_both_outputs(session: Session) -> None:
    run = session.runs[0]
    beats = [replace(run.progress.beats[0], output=b"\x01\x02\x03\x04\x80"), *run.progress.beats[1:]]
    expected = expect(run.record.samples, 200, 60, HashEngine(), LABELS)
    comparator = Comparator(expected)
    comparator.take(beats)
    comparator.take_events(expected.events)
    session.runs[0] = RecordRun(run.record, replace(run.progress, beats=beats), comparator.finish(), LABELS)
    session.write()
    text = Page(write_report(session.folder, items=[]).read_text()).text
    assert "FAIL The simulated device and the reference differ" in text
    assert "1 2 3 4 -128" in text and " ".join(map(str, expected.outputs[0])) in text


def test_an_interrupted_session_says_why(session: Session) -> None:
    session.interrupted = "the link <was> lost"
    session.runs[1] = replace(session.runs[1], progress=replace(session.runs[1].progress, done=None))
    session.write()
    text = Page(write_report(session.folder, items=[]).read_text()).text
    assert "INTERRUPTED The session was interrupted: the link <was> lost" in text
    assert "session: interrupted" in text and "FAIL" not in text
    assert "mitdb/101 interrupted" in text and "mitdb/100 pass" in text


def test_an_interrupted_session_with_a_difference_failed(session: Session) -> None:
    session.interrupted = "the link was lost"
    run = session.runs[0]
    session.runs[0] = replace(run, comparison=replace(run.comparison, extra_beats=1))
    session.write()
    text = Page(write_report(session.folder, items=[]).read_text()).text
    assert "FAIL The session was interrupted: the link was lost" in text and "session: fail" in text


def test_every_kind_of_beat_has_a_strip(session: Session) -> None:
    items = [run.labelled for run in session.runs]
    kinds = {(row, column) for item in items for row, column, _ in beat_kinds(item, LABELS)}
    wrong, outside, right = examples(items)
    assert len(right) + len(wrong) == len(kinds) and outside == []
    assert len(right) == sum(row == column for row, column in kinds)
    counts = [int(re.search(r"(\d+) of this kind", e.caption)[1]) for e in [*right, *wrong]]  # type: ignore[index]
    assert sum(counts) == sum(len(beat_kinds(item, LABELS)) for item in items)


def test_missed_and_false_beats_are_kinds(database: Path) -> None:
    record = load_record(database, "mitdb", "100")
    at = record.beat_samples
    beats = [Beat(k, int(sample), 0, 0, 100, 0, 0, 0, 0, bytes(5)) for k, sample in enumerate(at[1:])]
    false = Beat(len(beats), int(at[3] + 150), 0, 0, 100, 0, 4, 0, 0, bytes(5))
    item = LabelledRecord(
        record, sorted([*beats, false], key=lambda beat: beat.r_sample), len(record.samples)
    )
    kinds = beat_kinds(item, LABELS)
    assert kinds[0] == ("N", "missed", at[0])
    assert ("no beat", "V", at[3] + 150) in kinds
    titles = [example.title for example in examples([item]).wrong]
    assert "annotated N, missed by the device" in titles and "no beat annotated, device label V" in titles


def test_beats_are_read_back_as_they_were(session: Session, database: Path) -> None:
    items = read_items(session.folder, read_results(session.folder), database)
    assert [item.beats for item in items] == [run.labelled.beats for run in session.runs]
    assert [item.samples for item in items] == [21600, 21600]


def test_without_records_there_are_no_strips(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ECG_EDGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "no-home"))
    text = Page(write_report(session.folder).read_text()).text
    assert "The records are not on this computer" in text and "PASS" in text


def test_figures_of_the_run_go_in(session: Session, tmp_path: Path) -> None:
    pair = {"n": 10, "se": 0.9375, "ppv": None, "f1": 0.5}
    row = {
        "protocol": "random split",
        "engine": "int8",
        "n_beats": 1234,
        "accuracy": 0.98765,
        "macro_f1": 0.9,
    }
    (tmp_path / "evaluation.json").write_text(json.dumps([{**row, "per_class": {"N": pair}}]))
    engine = {"engine": "generated C", "label_agreement": 1.0, "differing_bytes": 0, "accuracy": None}
    verify = {
        "beats": 77,
        "source": "golden vectors",
        "skipped": {"float Keras": "no TensorFlow"},
    }
    engines = [{**engine, "largest_difference_lsb": 0.0}]
    (tmp_path / "verify.json").write_text(json.dumps({**verify, "engines": engines}))
    files = {name: tmp_path / f"{name}.json" for name in ("evaluation", "verify")}
    text = Page(write_report(session.folder, items=[], **files).read_text()).text
    assert "random split int8 1 234 98.77 0.900 93.75 / -" in text
    assert "77 beats (golden vectors)" in text and "float Keras did not run: no TensorFlow" in text


def test_the_command_makes_it_again(session: Session, database: Path, tmp_path: Path) -> None:
    report_command(session.folder, data=database, json=tmp_path / "out.json")
    assert "annotated N, device label" in (session.folder / "report.html").read_text()
    assert json.loads((tmp_path / "out.json").read_text())["verdict"] == "pass"


def test_every_part_of_the_work_reports_its_progress(session: Session, database: Path) -> None:
    reported: list[tuple[str, int, int]] = []
    write_report(session.folder, data=database, on_progress=lambda *step: reported.append(step))
    ends = {part: (done, total) for part, done, total in reported}
    assert all(done == total for done, total in ends.values())
    assert ends["reading records"] == ends["matching beats"] == (2, 2) and ends["drawing strips"][1] > 3
    assert reported[0] == ("reading records", 0, 2)


def test_strips_are_at_scale_and_rounded(session: Session, database: Path) -> None:
    page = write_report(session.folder, data=database).read_text()
    strips = re.findall(r'<svg class="ecg".*?</svg>', page, re.S)
    assert strips and all('width="150mm"' in strip and 'viewBox="0 0 1500 ' in strip for strip in strips)
    assert not re.search(r' (?:d|x|y|cx|cy|width|height)="[^"]*\d\.\d{2,}', "".join(strips))
    svgs = re.findall(r"<svg class.*?</svg>", page, re.S)
    assert all('role="img"' in svg and re.search("<title>.+?</title>", svg) for svg in svgs)
    assert len(page) < 100_000 * 2


def test_equality_and_accuracy_are_two_verdicts(session: Session) -> None:
    html = write_report(session.folder, items=[one.labelled for one in session.runs]).read_text()
    assert '<section class="banner pass"><h2>Device equals reference' in html
    assert '<section class="banner warn"><h2>Accuracy against annotations' in html
    scored = by_accuracy(read_results(session.folder))
    accuracies = [entry["scores"]["classes"]["accuracy"] for entry in scored]
    assert accuracies[0] < accuracies[1]
    text = Page(html).text
    assert "no real board took part" in text
    assert f"Lowest: {100 * accuracies[0]:.1f}\u00a0% in mitdb/{scored[0]['record']}" in text.replace(
        " %", "\u00a0%"
    )
    table = html[html.index('aria-label="Accuracy by record"') :]
    assert table.index(f"mitdb/{scored[0]['record']}") < table.index(f"mitdb/{scored[1]['record']}")


def test_the_verdict_is_the_second_column_and_tables_have_scopes(session: Session) -> None:
    html = write_report(session.folder, items=[]).read_text()
    table = html[html.index('aria-label="Device and reference by record"') :]
    first_row = table[table.index("<tbody>") :].split("</tr>")[0]
    assert re.search(r'<th scope="row">mitdb/100</th><td class="text pass">pass</td>', first_row)
    assert [head for head in re.findall(r"<th[ >][^>]*", html) if "scope=" not in head] == []
    targets = re.findall(r'href="#([^"]+)"', html)
    assert targets and [target for target in targets if f'id="{target}"' not in html] == []


def test_the_training_list_is_folded(session: Session) -> None:
    manifest = replace(session.bundle.manifest, training={"database": "mitdb", "records": ["101", "106"]})
    session.bundle = replace(session.bundle, manifest=manifest)
    session.write()
    html = write_report(session.folder, items=[]).read_text()
    assert "<details><summary>mitdb: 2 records</summary>101, 106</details>" in html


def test_events_without_annotated_beats_of_their_kind_are_false(session: Session) -> None:
    run = session.runs[0]
    run_v = made_event(RUN_V, END, 3600, 5000, beats=4, rate_x10=1500)
    items = Replayed(run.labelled, LABELS, [run_v])
    assert items.false_episodes == {("V run", 3600)}
    symbols = np.full(len(run.record.annotation_symbols), "V")
    annotated = replace(run.labelled, record=replace(run.record, annotation_symbols=symbols))
    assert Replayed(annotated, LABELS, [run_v]).false_episodes == frozenset()
    none = replace(run.record, annotation_samples=np.zeros(0, np.int64), annotation_symbols=np.zeros(0, "U1"))
    unknown = replace(run.labelled, record=replace(none, annotation_notes=()))
    assert Replayed(unknown, LABELS, [run_v]).false_episodes == frozenset()
    (example, *_) = rhythm_examples([items], no_progress)
    assert example.title == "False: V run (1 of 1)" and "do not confirm it" in example.caption


@pytest.mark.parametrize(
    ("port", "subject"),
    [
        ("emulator:x.elf", "the emulated board"),
        ("native", "the firmware as a program on this computer"),
        ("/dev/ttyUSB0", "the device"),
        ("unix:/tmp/x", "the device behind the socket"),
    ],
)
def test_the_thing_under_test_has_its_name(session: Session, port: str, subject: str) -> None:
    session.port = port
    session.write()
    text = Page(write_report(session.folder, items=[]).read_text()).text
    assert re.search(rf"PASS On each of \d+ beats {subject} gave", text)


def test_the_report_states_what_is_independent(session: Session) -> None:
    session.engine = "tflm"
    session.write()
    text = Page(write_report(session.folder, items=[]).read_text()).text
    assert "the same C on this computer" in text
    assert "Only the network has an independent reference, TensorFlow Lite Micro." in text
    session.engine = "generated"
    session.write()
    assert "nothing here is independent" in Page(write_report(session.folder, items=[]).read_text()).text


def test_a_session_with_nothing_to_compare_says_so(session: Session) -> None:
    run = session.runs[1]
    silent = replace(run.record, samples=np.zeros(3600, np.int16))
    comparison = Comparator(expect(silent.samples, 200, 60, HashEngine(), LABELS)).finish(complete=False)
    done = Done(3600, 0, 0, 0, 0, 0, 0)
    session.runs[1] = RecordRun(silent, Progress(3600, 3600, done=done), comparison, LABELS)
    session.write()
    page = write_report(session.folder, items=[]).read_text()
    assert "INCONCLUSIVE Nothing to compare in mitdb/101" in Page(page).text
    assert 'class="banner inconclusive"' in page


def test_a_folder_that_is_no_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EcgEdgeError, match=r"results\.json: not found\. Name a folder"):
        write_report(tmp_path)


def test_a_session_of_another_version_is_refused(session: Session) -> None:
    path = session.folder / "results.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 7}))
    with pytest.raises(EcgEdgeError, match="schema version is 7, this program reads 5"):
        write_report(session.folder)


@pytest.mark.parametrize("path", [["bundle"], ["device", "board"], ["records", 0, "taken_samples"]])
def test_a_session_without_a_key_is_refused(session: Session, path: list[Any]) -> None:
    file = session.folder / "results.json"
    results = place = json.loads(file.read_text())
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    file.write_text(json.dumps(results))
    with pytest.raises(EcgEdgeError, match=rf"results\.json: damaged: {'.'.join(map(str, path))} is missing"):
        write_report(session.folder)


def test_damaged_files_are_named(session: Session, database: Path) -> None:
    (session.folder / "beats.csv").write_text("database,record\nmitdb,100\n")
    with pytest.raises(EcgEdgeError, match=r"beats\.csv: missing or damaged"):
        write_report(session.folder, data=database)
    for content in ("{", "[" * 100_000):
        (session.folder / "results.json").write_text(content)
        with pytest.raises(EcgEdgeError, match=r"results\.json: damaged"):
            write_report(session.folder)


def test_the_picture_of_a_replay(session: Session, tmp_path: Path) -> None:
    import matplotlib.image

    strips = [Strip(run.labelled, 10.0, 8.0) for run in session.runs]
    path = tmp_path / "images" / "replay.png"
    replay_picture(strips, LABELS, path, "A replay")
    pixels = matplotlib.image.imread(path)
    assert pixels.shape[1] == 1650 and np.all(pixels[0, 0, :3] == 1.0) and pixels.min() < 0.5


def test_the_command_draws_the_most_varied_stretch(session: Session, database: Path, tmp_path: Path) -> None:
    report_command(session.folder, data=database, picture=tmp_path / "replay.png")
    assert (tmp_path / "replay.png").stat().st_size > 10_000
    item = session.runs[0].labelled
    variety, strip = most_varied(item, LABELS)
    shown = {k[0] for k in beat_kinds(item, LABELS) if 0 <= k[2] / 360 - strip.start_s < strip.seconds}
    assert len(shown) == variety > 1


def test_a_strip_at_either_end_of_a_record_is_drawn(session: Session) -> None:
    item = session.runs[0].labelled
    first, last = item.beats[0].r_sample, item.beats[-1].r_sample
    ends = replace(item, beats=[item.beats[0], item.beats[-1]])
    wrong, _, right = examples([ends])
    assert first < 360 * 5 and last > len(item.record.samples) - 360 * 5
    assert all("<svg" in example.svg for example in [*right, *wrong])


def test_a_morphology_networks_run_shows_its_training(session: Session, tmp_path: Path) -> None:
    labels = ["normal", "arrhythmia"]
    row = {
        "protocol": "held-out virtual patients, mit-bih, 20 dB",
        "engine": "int8",
        "n_strips": 40,
        "accuracy": 0.975,
        "per_class": {label: {"n": 20, "se": 0.95, "ppv": 0.9, "f1": 0.925} for label in labels},
        "confusion": [[19, 1], [0, 20]],
    }
    epochs = {name: [0.5, 0.25] for name in ("loss", "val_loss", "accuracy", "val_accuracy", "lr")}
    run = tmp_path / "run"
    (run / "train").mkdir(parents=True)
    history, evaluation = run / "train" / "history.json", run / "evaluation.json"
    history.write_text(json.dumps({"kind": "morphology", "epochs": epochs}))
    evaluation.write_text(json.dumps([row]))
    assert morphology_training(run) == (history, evaluation)
    assert run_scores(run) == (None, None)
    page = write_report(session.folder, items=[], morphology_training=(history, evaluation)).read_text()
    text = Page(page).text
    assert "Training of the morphology network" in text
    assert "97.50" in text and "92.50" in text
    assert "95.00" in text and "5.00" in text  # of the normalized matrix
    evaluation.write_text("{")
    with pytest.raises(EcgEdgeError, match="ecg-edge quantize"):
        write_report(session.folder, items=[], morphology_training=(history, evaluation))
