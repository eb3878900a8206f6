"""`ecg-edge plot`: times, lists of errors, pictures; on a record with errors made on purpose."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import wfdb
from click.testing import Result
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from typer import BadParameter
from typer.testing import CliRunner

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.errors import OutputError, RecordError
from ecg_edge.host.cli.commands.plot import parse_time, parse_times
from ecg_edge.host.cli.main import app
from ecg_edge.host.evaluation.detector import process_record
from ecg_edge.host.evaluation.inspection import FALSE, MATCHED, MISSED, Inspection, inspect_record
from ecg_edge.host.report.inspection_plot import COLORS, WRONG_LABEL, Segment, draw
from ecg_edge.host.report.strips import clock
from ecg_edge.host.report.window import Stepper
from tests.support.simulated import FS_HZ, make_ecg

SECONDS = 330.0
ABSENT_S = 325.0  # an annotation where nothing is
FLUTTER_S = (310.0, 314.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mitdb/100 with one annotation too many, one too few, and flutter, all after five minutes."""
    folder = tmp_path_factory.mktemp("data") / "mitdb"
    folder.mkdir()
    samples, peaks = make_ecg(SECONDS)
    signal = samples.astype(np.int64).reshape(-1, 1)
    where = {"write_dir": str(folder), "fmt": ["16"], "adc_gain": [200], "baseline": [0]}
    wfdb.wrsamp("100", fs=FS_HZ, units=["mV"], sig_name=["MLII"], d_signal=signal, **where)
    kept = peaks[np.arange(len(peaks)) != unannotated(peaks)]
    nearest = kept[np.argmin(np.abs(kept - ABSENT_S * FS_HZ))]
    marks = [*((at, "N") for at in kept), (nearest + 140, "V")]
    marks += [(round(s * FS_HZ), symbol) for s, symbol in zip(FLUTTER_S, "[]", strict=True)]
    at, symbols = zip(*sorted(marks), strict=True)
    write_annotations(folder, "100", "atr", Annotations.of(at, symbols), FS_HZ)
    return folder.parent


def unannotated(peaks: np.ndarray) -> int:
    return int(np.argmin(np.abs(peaks - 305 * FS_HZ)))


@pytest.fixture(scope="module")
def bare(root: Path) -> Path:
    """The same record without annotations; its header."""
    folder = root.parent / "bare"
    folder.mkdir()
    for suffix in ("hea", "dat"):
        (folder / f"100.{suffix}").write_bytes((root / "mitdb" / f"100.{suffix}").read_bytes())
    return folder / "100.hea"


@pytest.fixture(scope="module")
def found(root: Path) -> Inspection:
    return inspect_record(root, "mitdb", "100")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("75", 75),
        ("5:12", 312),
        ("5:12.5", 312.5),
        ("0:05:12", 312),
        ("1:00:00", 3600),
        ("90:00", 5400),
    ],
)
def test_times_are_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    assert parse_time(text, "--from") == seconds


@pytest.mark.parametrize("text", ["", "x", "-1", "1:60", "1:2:3:4", "1.5:00", "nan", "inf", "5:"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="mm:ss"):
        parse_time(text, "--from")


def test_ten_seconds_are_shown_when_nothing_else_is_said() -> None:
    assert parse_times(None, None) == (0, 10)
    assert parse_times("5:00", None) == (300, 310)
    with pytest.raises(BadParameter, match="does not lie after"):
        parse_times("10", "5")


CLOCKS = [(0, "0:00"), (312.34, "5:12.3"), (59.98, "1:00"), (-0.5, "-0:00.5")]


@pytest.mark.parametrize(("time_s", "text"), CLOCKS)
def test_clock(time_s: float, text: str) -> None:
    assert clock(time_s) == text


def test_the_errors_are_those_that_were_made(found: Inspection) -> None:
    missed, false = found.errors((MISSED,)), found.errors((FALSE,))
    assert [error.outcome.symbol for error in missed] == ["V"]
    assert abs(missed[0].outcome.time_s - ABSENT_S) < 1
    assert len(false) == 1 and abs(false[0].outcome.time_s - 305) < 0.5
    assert false[0].score is not None and false[0].score > 0
    assert false[0].offset_ms == 0 and "accepted as a beat" in false[0].reason
    assert missed[0].score is None or missed[0].score < 0


def test_detections_in_flutter_and_early_ones_do_not_count(found: Inspection) -> None:
    inside = [o for o in found.outcomes if found.in_flutter(o.time_s)]
    assert len(inside) >= 4 and not any(o.counted for o in inside)
    early = [o for o in found.outcomes if o.time_s < 299]
    assert len(early) > 350 and not any(o.counted for o in early)
    assert {o.kind for o in early[2:]} == {"matched"}


def test_every_detection_has_its_outcome(found: Inspection, root: Path) -> None:
    beats = [o.beat for o in found.outcomes if o.beat is not None]
    assert sorted(beats) == list(range(len(process_record(root, "mitdb", "100").beats)))


def test_the_list_names_time_and_reason(root: Path, tmp_path: Path) -> None:
    result = run("plot", "100", "--errors", "--data", root, "--json", tmp_path / "e.json")
    assert result.exit_code == 0, result.output
    assert "1 missed, 1 false" in result.stdout and "accepted as a beat" in result.stdout
    errors = json.loads((tmp_path / "e.json").read_text())
    assert [(error["kind"], error["annotation"]) for error in errors] == [("false", None), ("missed", "V")]
    only = run("plot", "mitdb", "--false-positives", "--data", root, "--json", "-")
    assert [error["kind"] for error in json.loads(only.stdout)] == ["false"]


def test_each_error_is_drawn_into_a_folder_or_a_pdf(root: Path, tmp_path: Path) -> None:
    assert run("plot", "100", "--errors", "--data", root, "--plot", tmp_path / "e").exit_code == 0
    names = sorted(path.name.rsplit("-", 1)[1] for path in (tmp_path / "e").glob("mitdb-100-05*.png"))
    assert names == ["false.png", "missed.png"]
    assert run("plot", "100", "--missed", "--data", root, "--plot", tmp_path / "e.pdf").exit_code == 0
    assert (tmp_path / "e.pdf").read_bytes().count(b"/Count 1") == 1


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_stretch_is_drawn(root: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "deep" / f"s.{suffix}"
    result = run("plot", "mitdb/100", "--from", "5:02", "--to", "5:15", "--data", root, "--out", out)
    assert result.exit_code == 0, result.output
    assert out.stat().st_size > 20_000


def test_the_picture_says_what_it_shows(found: Inspection) -> None:
    figure = Figure(figsize=(12, 7.5))
    draw(found, Segment(302, 308), figure)
    texts = [text.get_text() for text in figure.texts]
    assert texts[0] == "mitdb/100, MLII, 5:02 to 5:08" and "0 missed, 1 false" in texts[1]
    rows = {text.get_text() for text in figure.axes[0].texts}
    assert {"detected", "annotated", "N"} <= rows


def drawn(found: Inspection, segment: Segment, size: tuple[float, float] = (12, 7.5)) -> Figure:
    """A figure whose texts have their places."""
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    draw(found, segment, figure)
    figure.canvas.draw()
    return figure


@pytest.mark.parametrize(
    "title", ["", "missed V at 5:25.4: no candidate of enough energy in the window " * 2]
)
@pytest.mark.parametrize("size", [(12, 7.5), (8, 5), (6.4, 4.8), (20, 10)])
@pytest.mark.parametrize("start_s", [0.0, 299.0])
def test_head_legend_and_panels_do_not_overlap(
    found: Inspection, start_s: float, size: tuple[float, float], title: str
) -> None:
    figure = drawn(found, Segment(start_s, start_s + 10, title=title), size)
    parts = [*figure.texts, figure.legends[0]]
    boxes = [part.get_window_extent() for part in parts]
    for upper, lower in zip(boxes, [*boxes[1:], figure.axes[0].get_window_extent()], strict=True):
        assert upper.y0 >= lower.y1
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    assert ("are not scored" in " ".join(figure.texts[1].get_text().split())) is (not title)


@pytest.mark.parametrize("size", [(12, 7.5), (8, 5), (6.4, 4.8)])
def test_names_of_panels_do_not_overlap(found: Inspection, size: tuple[float, float]) -> None:
    figure = drawn(found, Segment(300, 310), size)
    boxes = [axes.yaxis.label.get_window_extent() for axes in figure.axes]
    for upper, lower in pairwise(boxes):
        assert upper.y0 >= lower.y1
    rows = [text for text in figure.axes[0].texts if text.get_text() in ("detected", "annotated")]
    assert max(text.get_window_extent().x1 for text in rows) <= figure.bbox.x1
    assert min(box.x0 for box in boxes) >= 0


def test_a_legend_without_space_is_left_out(found: Inspection) -> None:
    assert not drawn(found, Segment(300, 310), (4, 2.5)).legends


def test_a_long_segment_has_strokes_for_letters_and_no_scores(found: Inspection) -> None:
    figure = drawn(found, Segment(0, SECONDS))
    assert {text.get_text() for text in figure.axes[0].texts} == {"detected", "annotated"}
    assert not figure.axes[2].texts
    counts = [len(strokes.get_segments()) for strokes in figure.axes[0].collections[-2:]]
    assert counts == [len(found.beats), len(found.record.annotation_samples)]
    assert [text.get_text() for text in figure.axes[3].get_xticklabels()][1:3] == ["0:00", "1:00"]


def test_a_dark_style_changes_nothing(found: Inspection) -> None:
    with style.context("dark_background"):
        figure = drawn(found, Segment(300, 310))
    assert {axes.get_facecolor() for axes in figure.axes} == {figure.get_facecolor()} == {(1, 1, 1, 1)}


@pytest.mark.parametrize("length_s", [2.0, 10.0, 13.0])
def test_labels_at_the_edges_are_whole(found: Inspection, length_s: float) -> None:
    first, last = (int(found.beats["r_sample"][k]) / FS_HZ for k in (100, 100 + round(length_s)))
    figure = drawn(found, Segment(first - 0.002, last + 0.003))
    for axes in (figure.axes[0], figure.axes[2]):
        panel = axes.get_window_extent()
        texts = [text for text in axes.texts if text.get_text() not in ("detected", "annotated")]
        assert len(texts) > length_s / 2
        for text in texts:
            box = text.get_window_extent()
            assert panel.x0 - 1 <= box.x0 and box.x1 <= panel.x1 + 1, text.get_text()


def test_no_score_lies_on_the_mean_of_the_last_beats(found: Inspection) -> None:
    axes = drawn(found, Segment(310, 320)).axes[2]
    level = next(line for line in axes.lines if line.get_drawstyle() == "steps-post")
    for text in axes.texts:
        box = text.get_window_extent()
        x, _ = axes.transData.inverted().transform(((box.x0 + box.x1) / 2, box.y0))
        before = np.searchsorted(level.get_xdata(), x, side="right") - 1
        at = axes.transData.transform((x, level.get_ydata()[before]))[1]
        assert not box.y0 < at < box.y1, text.get_text()


def test_without_a_screen_the_place_of_the_picture_is_named(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("plot", "100", "--data", root)
    assert (tmp_path / "mitdb-100-0000.0.png").exists()
    assert "mitdb-100-0000.0.png" in result.stdout and "No screen here" in result.stderr


def test_a_record_without_annotations_is_plotted(bare: Path, tmp_path: Path) -> None:
    result = run("plot", bare, "--out", tmp_path / "b.png")
    assert result.exit_code == 0 and (tmp_path / "b.png").stat().st_size > 20_000, result.output
    plain = inspect_record(bare.parent.parent, "bare", "100")
    assert plain.outcomes == () and len(plain.beats) > 350
    figure = Figure()
    draw(plain, Segment(302, 308), figure)
    assert "no reference annotations" in [text.get_text() for text in figure.texts]
    assert "detected" in {text.get_text() for text in figure.axes[0].texts}
    with pytest.raises(RecordError, match=r"bare/100: has no reference annotations \(100\.atr\)"):
        plain.errors()


def test_no_line_is_drawn_where_there_are_no_samples(root: Path) -> None:
    folder = root.parent / "gap"
    folder.mkdir()
    content = np.frombuffer((root / "mitdb" / "100.dat").read_bytes(), "<i2").copy()
    content[200 * FS_HZ : 204 * FS_HZ] = -32768  # WFDB's invalid value
    (folder / "100.dat").write_bytes(content.tobytes())
    header = (root / "mitdb" / "100.hea").read_text().split()
    (folder / "100.hea").write_text(f"{' '.join(header[:4])}\n100.dat 16 200 16 0 0 0 0 MLII\n")
    gap = inspect_record(folder.parent, "gap", "100")
    assert not ((gap.beats["r_sample"] > 200 * FS_HZ) & (gap.beats["r_sample"] < 204 * FS_HZ)).any()
    for start_s, end_s, gaps in [(198.0, 208.0, 1), (201.0, 203.0, 1), (205.0, 210.0, 0)]:
        figure = drawn(gap, Segment(start_s, end_s))
        texts = [text.get_text() for text in figure.axes[0].texts]
        assert texts.count("no samples") == gaps
        x, y = figure.axes[0].lines[0].get_data()
        np.testing.assert_array_equal(np.isnan(y), (x >= 200) & (x < 204))


def test_one_sample_is_drawn(root: Path, tmp_path: Path) -> None:
    times = ("--from", "10", "--to", "10.003")
    assert run("plot", "100", *times, "--data", root, "--out", tmp_path / "one.png").exit_code == 0


def test_a_full_disk_is_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "e.pdf").symlink_to("/dev/full")
    result = run("plot", "100", "--errors", "--data", root, "--plot", tmp_path / "e.pdf")
    assert isinstance(result.exception, OutputError)
    assert "e.pdf: cannot be written (No space left on device)" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["100", "--from", "9:00"], "ends at 5:30"),
        (["100", "--from", "0", "--to", "0.001"], "the segment has no sample"),
        (["100", "--from", "5:29.999", "--to", "6:00"], "the segment has no sample"),
        (["100", "--plot", "x.pdf"], "are for errors"),
        (["100", "--show"], "are for errors"),
        (["100", "--model", "nope"], "nope/manifest.json: not found"),
        (["/"], "/: this folder holds no records"),
        (["."], ".: this folder holds no records"),
        (["100", "--out", "x.jpg"], ".png, .svg, .pdf"),
        (["100", "--errors", "--from", "1:00"], "for one segment"),
        (["999"], "999: not found"),
    ],
)
def test_what_cannot_be_drawn_is_refused(root: Path, options: list[str], said: str) -> None:
    result = run("plot", *options, "--data", root)
    assert result.exit_code != 0
    assert said in result.output + str(result.exception)


def test_pages_are_turned_with_keys() -> None:
    drawn: list[str] = []
    figure = Figure()
    pages = [lambda figure, name=name: drawn.append(name) for name in "abc"]
    stepper = Stepper(figure, pages)
    for key in ("right", "n", "right", "left", "x"):
        stepper.on_key(SimpleNamespace(key=key))
    assert "".join(drawn) == "abcb"
    assert figure.texts[0].get_text() == "2 of 3"
    stepper.on_resize(SimpleNamespace())
    assert "".join(drawn) == "abcbb" and len(figure.texts) == 1


def test_a_matched_beat_with_a_wrong_label_has_its_own_colour(found: Inspection) -> None:
    matched = [outcome for outcome in found.outcomes if outcome.kind == MATCHED and outcome.beat is not None]
    labels = {outcome.beat: outcome.symbol for outcome in matched}
    right = replace(found, labels=tuple(labels.get(k, "N") for k in range(len(found.beats))))
    assert not any(map(right.has_wrong_label, matched))
    wrong = replace(right, labels=("L", *(right.labels or ())[1:]))
    assert [outcome.beat for outcome in matched if wrong.has_wrong_label(outcome)] == [0]
    assert not any(map(replace(found, labels=None).has_wrong_label, matched))
    paced = replace(matched[0], symbol="/")
    assert right.has_wrong_label(paced) and not right.has_wrong_label(replace(matched[0], symbol="B"))
    assert len(set(COLORS.values())) == len(COLORS)
    figure = Figure()
    draw(wrong, Segment(0.0, 10.0), figure)
    colors = {line.get_color() for axes in figure.axes for line in axes.lines}
    assert COLORS[WRONG_LABEL] in colors and COLORS[MATCHED] in colors
    assert any("(1 with a wrong label)" in text.get_text() for text in figure.texts)
