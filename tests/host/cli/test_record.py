"""`ecg-edge record`: the words of its command line, and conversions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from click.testing import Result
from typer.testing import CliRunner

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.host.cli.main import app
from ecg_edge.host.conformance.replay import replay
from tests.support.simulated import make_bundle


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["record", *(str(word) for word in words)])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("/dev/ttyNONE",), "name the port and the record"),
        (("--from", "night", "a", "b"), "name the new record alone"),
    ],
)
def test_words_that_do_not_fit(words: tuple[str, ...], text: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert text in done.output


@pytest.mark.parametrize(
    ("words", "text", "code"),
    [
        (("/dev/ttyNONE", "night"), "No such file.*ecg-edge ports", 3),
        (("/dev/ttyNONE", "night", "--rate", "250"), "--rate is for --text", 2),
        (("/dev/ttyNONE", "night", "--text"), "--text needs --rate", 2),
        (("--from", "/no/such", "night"), "neither a recording nor", 2),
    ],
)
def test_errors_say_what_to_do(words: tuple[str, ...], text: str, code: int) -> None:
    error = run(*words).exception
    assert isinstance(error, EcgEdgeError)
    assert error.exit_code == code
    with pytest.raises(EcgEdgeError, match=text):
        raise error


def test_a_replay_session_becomes_a_record(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECG_EDGE_DATA", str(records))
    bundle = make_bundle(tmp_path / "bundle")
    monkeypatch.setattr("ecg_edge.host.devices.ports.reference_engine", engine)
    monkeypatch.setattr("ecg_edge.host.conformance.replay.reference_engine", engine)
    outcome = replay(["100"], port="simulator", bundle_path=bundle.path, data=records, out=tmp_path / "s")
    assert outcome.passed
    assert run("--from", tmp_path / "s", tmp_path / "strip").exit_code == 0
    (session,) = outcome.session.runs
    record = wfdb.rdrecord(str(tmp_path / "strip"), physical=False)
    assert np.array_equal(record.d_signal[:, 0], session.record.samples)
    beats = wfdb.rdann(str(tmp_path / "strip"), "dev")
    assert beats.sample.tolist() == [beat.r_sample for beat in session.progress.beats]
    assert run("--from", tmp_path / "strip", tmp_path / "copy").exit_code == 0
    assert (tmp_path / "copy.dat").read_bytes() == (tmp_path / "strip.dat").read_bytes()


def engine(bundle: object) -> object:
    from tests.support.simulated import HashEngine

    return HashEngine()
