"""Every command line that help or a message gives parses, and every verb has an example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecg_edge.ecg.files import PROJECT_ROOT
from ecg_edge.host.cli.main import app
from tests.support.command_lines import PLACEHOLDER, advised, leaf_commands, messages, parse

PACKAGES = ("ecg", "training", "quantize", "firmware", "host")
VERBS = dict(leaf_commands())
EXAMPLES = {verb: re.findall(r"ecg-edge [^\n]+", command.epilog or "") for verb, command in VERBS.items()}
REPORTING = [verb for verb in VERBS if verb not in ("emulate", "monitor")]  # they run until Ctrl-C


def advice() -> list[tuple[str, str]]:
    """File and command line of every backticked command in a string of the sources or in help."""
    files = [path for package in PACKAGES for path in (PROJECT_ROOT / package).rglob("*.py")]
    return [
        (str(path.relative_to(PROJECT_ROOT)), line)
        for path in sorted(files)
        for text in messages(path)
        for line in advised(text)
        if not line.startswith(f"ecg-edge {PLACEHOLDER}")  # the verb itself is filled in
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


@pytest.mark.parametrize("verb", ["data list", "evaluate detector", "verify"])
def test_cheap_examples_run(
    verb: str, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT_ROOT)
    monkeypatch.setenv("ECG_EDGE_DATA", str(records))
    result = CliRunner().invoke(app, EXAMPLES[verb][0].split()[1:], catch_exceptions=False)
    assert result.exit_code == 0 and result.stdout
