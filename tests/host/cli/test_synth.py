"""`ecg-edge synth`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.synthetic.classes import CLASSES
from ecg_edge.host.cli.main import main


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["synth", *words])
    assert isinstance(stop.value.code, int)
    return stop.value.code


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list") == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in CLASSES)


def test_records_of_several_patients(tmp_path: Path) -> None:
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    words = ("--class", "bigeminy", "--minutes", "0.2", "--patients", "2", "--seed", "5", "--leads", "all")
    assert run(*words, str(out), "--json", str(figures)) == 0
    rows = json.loads(figures.read_text())["records"]
    assert [Path(row["record"]).name for row in rows] == ["bigeminy_005.hea", "bigeminy_006.hea"]
    assert rows[0]["rhythms"] == ["B"] and rows[0]["beats"] > 8
    assert load_record(tmp_path, "out", "bigeminy_005").lead == "II"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--class", "stemi", "out"), "unknown class 'stemi'"),
        (("--minutes", "-5", "out"), "length -300 s"),
        (("--st", "2", "out"), "ST deviation 2 mV"),
        (("--st-shape", "convex", "out"), "class normal has no ST deviation"),
        (
            ("--class", "st-elevation", "--st-shape", "horizontal", "out"),
            "does not go with the shape horizontal",
        ),
        (("--snr", "99", "out"), "signal-to-noise ratio 99 dB"),
        (("--leads", "II,V1,II", "out"), "name each once"),
        (("--patients", "0", "out"), "0 patients"),
        (("--format", "mp3", "out"), "mp3; it is wfdb or edf"),
        ((), "name a folder"),
    ],
)
def test_bad_input_is_one_error_and_no_file(
    words: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    shown = capsys.readouterr()
    assert message in " ".join(shown.err.split()) and not shown.out
    assert not list(tmp_path.iterdir())
