"""Every command line that help or a message gives parses, and every verb has an example."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import wfdb
from typer.testing import CliRunner

from ecg_edge.ecg.annotations import Annotations, write_annotations
from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.host.cli.main import app
from tests.support.command_lines import PLACEHOLDER, advised, leaf_commands, messages, parse
from tests.support.simulated import FS_HZ, make_ecg

PACKAGES = ("ecg", "training", "quantize", "firmware", "host")
VERBS = dict(leaf_commands())
EXAMPLES = {verb: re.findall(r"ecg-edge [^\n]+", command.epilog or "") for verb, command in VERBS.items()}
REPORTING = [verb for verb in VERBS if verb != "emulate"]  # runs until Ctrl-C and has no figures


def advice() -> list[tuple[str, str]]:
    """File and command line of every backticked command in a string of the sources or in help."""
    files = [path for package in PACKAGES for path in (PROJECT_ROOT / package).rglob("*.py")]
    return [
        (str(path.relative_to(PROJECT_ROOT)), line)
        for path in sorted(files)
        for text in messages(path)
        for line in advised(text)
        if line != f"ecg-edge {PLACEHOLDER}"  # the verb itself is filled in
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_an_example_that_parses(verb: str) -> None:
    assert EXAMPLES[verb]
    for line in EXAMPLES[verb]:
        assert line.startswith(f"ecg-edge {verb}")
        parse(line)


@pytest.mark.parametrize(("file", "line"), sorted(set(advice())))
def test_advice_in_messages_parses(file: str, line: str) -> None:
    verb = line.removeprefix("ecg-edge ").strip()
    if verb not in VERBS and verb not in {name.split()[0] for name in VERBS}:  # a verb alone is its name
        parse(line.replace("...", ""))


def test_advice_is_found() -> None:
    assert len(advice()) > 15


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_quiet(verb: str) -> None:
    assert "--quiet" in {name for option in VERBS[verb].params for name in option.opts}


@pytest.mark.parametrize("verb", REPORTING)
def test_each_verb_that_reports_has_json(verb: str) -> None:
    assert "--json" in {name for option in VERBS[verb].params for name in option.opts}


@pytest.mark.parametrize("verb", VERBS)
def test_help_texts_are_sentences(verb: str) -> None:
    shown = [option for option in VERBS[verb].params if not getattr(option, "hidden", False)]
    texts = [VERBS[verb].help, *(option.help for option in shown)]
    assert all(text and text[0].isupper() and text.rstrip()[-1] in ".)" for text in texts), texts


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with mitdb/100, 330 s of synthetic ECG with annotated beats."""
    folder = tmp_path_factory.mktemp("records") / "mitdb"
    folder.mkdir()
    samples, peaks = make_ecg(330.0)
    where = {"write_dir": str(folder), "fmt": ["16"], "adc_gain": [200], "baseline": [0]}
    signal = samples.astype(np.int64).reshape(-1, 1)
    wfdb.wrsamp("100", fs=FS_HZ, units=["mV"], sig_name=["MLII"], d_signal=signal, **where)
    write_annotations(folder, "100", "atr", Annotations.of(peaks, ["N"] * len(peaks)), FS_HZ)
    return folder.parent


@pytest.mark.parametrize("verb", ["data list", "evaluate detector", "verify"])
def test_cheap_examples_run(
    verb: str, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT_ROOT)
    monkeypatch.setenv("ECG_EDGE_DATA", str(records))
    result = CliRunner().invoke(app, EXAMPLES[verb][0].split()[1:], catch_exceptions=False)
    assert result.exit_code == 0 and result.stdout
