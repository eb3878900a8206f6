"""--lead and --mains of each verb that processes a signal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from ecg_edge.host.cli.main import app
from tests.support.command_lines import leaf_commands

VERBS = {
    "evaluate detector": ("evaluate", "detector", "100"),
    "evaluate rhythm": ("evaluate", "rhythm", "100"),
    "replay": ("replay", "100", "--port", "simulator", "--seconds", "20", "--no-report"),
    "plot": ("plot", "100", "--errors"),
}
LIVE_VERBS = ("record", "monitor", "bridge", "analyze")  # other signals than those of records
DEVICE_VERBS = ("device settings",)  # the device itself keeps the frequency


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_verbs_that_process_a_signal_have_both_options() -> None:
    names = {
        verb: {name for option in command.params for name in option.opts} for verb, command in leaf_commands()
    }
    assert {verb for verb, options in names.items() if "--mains" in options} == {
        *VERBS,
        *LIVE_VERBS,
        *DEVICE_VERBS,
    }
    assert {verb for verb, options in names.items() if "--lead" in options} == {*VERBS, *LIVE_VERBS[1:]}


@pytest.mark.parametrize("verb", VERBS)
def test_another_mains_frequency_is_refused(verb: str, records: Path) -> None:
    done = run(*VERBS[verb], "--data", records, "--mains", "55")
    assert done.exit_code == 2 and "50 or 60" in done.output


@pytest.mark.parametrize("verb", VERBS)
def test_a_lead_that_is_not_there_is_refused(verb: str, records: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "s") if verb == "replay" else ()
    done = run(*VERBS[verb], *out, "--data", records, "--lead", "V9")
    assert done.exit_code != 0 and "V9" in str(done.exception)


def test_replay_tells_the_device_the_mains_frequency(records: Path, tmp_path: Path) -> None:
    words = (
        "--data",
        records,
        "--out",
        tmp_path / "s",
        "--mains",
        "50",
        "--lead",
        "MLII",
        "--json",
        "-",
        "-q",
    )
    results = json.loads(run(*VERBS["replay"], *words).stdout)
    assert (results["mains_hz"], results["records"][0]["lead"], results["verdict"]) == (50, "MLII", "pass")
