"""Standard output that is closed, full or left by its reader; --json and --quiet; completion."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from ecg_edge.ecg.errors import RecordError
from ecg_edge.host.cli import console

PROGRAM = (sys.executable, "-m", "ecg_edge.host.cli.main")
FULL = Path("/dev/full")


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which $E is the program; the exit code is that of the program in a pipe."""
    program = " ".join(PROGRAM)
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; E='{program}'; {line}"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
    )


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["--help", "doctor --json -", "data list", "--version"])
def test_full_output_is_an_error_without_traceback(words: str) -> None:
    done = shell(f"$E {words} > /dev/full")
    assert done.returncode == 1
    assert "space" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["data list", "doctor --json -", "--help"])
def test_closed_output_discards_the_results(words: str) -> None:
    done = shell(f"$E {words} >&-")
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    assert done.returncode in (0, 1)


@pytest.mark.parametrize("words", ["data list", "doctor --json -"])
def test_a_reader_that_leaves_ends_the_command_silently(words: str) -> None:
    done = shell(f"$E {words} | true")
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("is_error", [True, False])
def test_progress_leaves_no_line_above_an_error(is_error: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=written))
    with suppress(RecordError), console.progress_bar() as bar:
        bar.add_task("own", total=100, note="")
        if is_error:
            raise RecordError("damaged")
    assert ("own" in written.getvalue()) is not is_error
    assert bool(written.getvalue()) is not is_error


def test_json_on_standard_output_is_alone_there(tmp_path: Path) -> None:
    done = shell("$E data list --json -", ECG_EDGE_DATA="", XDG_CACHE_HOME=str(tmp_path))
    assert set(json.loads(done.stdout)) == {"root", "records"}
    assert "mitdb" in done.stderr


def test_json_goes_to_a_pipe_of_the_shell(tmp_path: Path) -> None:
    where = {"ECG_EDGE_DATA": "", "XDG_CACHE_HOME": str(tmp_path)}
    done = shell(f"$E data list -q --json >(cat > {tmp_path}/x.json) && sleep 0.5", **where)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(json.loads((tmp_path / "x.json").read_text())) == {"root", "records"}


def test_a_terminal_that_lacks_characters_gets_escapes(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff \xc3\xa4")
    (folder / "mitdb").mkdir(parents=True)
    (folder / "mitdb" / "100.hea").touch()
    for encoding, name in (("ascii", r"\udcff \xe4"), ("utf-8", r"\udcff ä")):
        where = {"ECG_EDGE_DATA": str(folder), "PYTHONIOENCODING": encoding}
        done = shell("$E data list", **where)
        assert done.returncode == 0 and name in done.stdout, done.stderr
        written = json.loads(shell("$E data list --json -", **where).stdout)
        assert written["root"] == str(folder)


def test_no_control_character_of_a_name_reaches_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b]0;x\x07\x9b31mb"
    (folder / "mitdb").mkdir(parents=True)
    (folder / "mitdb" / "100.hea").touch()
    done = shell("$E data list", ECG_EDGE_DATA=str(folder))
    assert "a]0;x31mb" in done.stdout and not {"\x1b", "\x07", "\x9b"} & {*done.stdout, *done.stderr}
    coloured = shell("$E data list", ECG_EDGE_DATA=str(folder), FORCE_COLOR="1", TERM="xterm", NO_COLOR="")
    assert "\x1b[1m" in coloured.stdout and "\x1b]" not in coloured.stdout
    refused = shell("$E data check", ECG_EDGE_DATA=str(folder))
    assert refused.returncode == 2 and "a]0;x31mb" in refused.stderr and "\x1b" not in refused.stderr


def test_a_file_that_cannot_be_written_is_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for words in ("verify nowhere --json", "replay 100 --port nowhere --junit", "report nowhere --picture"):
        done = shell(f"$E {words} {tmp_path}/file/x")
        assert done.returncode == 2 and "is a file, not a folder" in done.stderr


def test_quiet_leaves_results_and_errors(tmp_path: Path) -> None:
    where = {"ECG_EDGE_DATA": "", "XDG_CACHE_HOME": str(tmp_path)}
    loud, quiet = shell("$E data list", **where), shell("$E data list -q", **where)
    assert loud.stderr and not quiet.stderr
    assert quiet.stdout == loud.stdout
    assert not shell("$E data list -q --json -", **where).stderr
    assert "no records" in shell("$E data check -q", **where).stderr


def complete(words: str, **environment: str) -> set[str]:
    done = shell(
        "$E",
        **environment,
        _ECG_EDGE_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(words.count(" ")),
    )
    return set(done.stdout.split())


def test_completion_of_verbs_and_options() -> None:
    assert complete("ecg-edge re") == {"record", "replay", "report"}
    assert complete("ecg-edge evaluate ") == {"annotations", "classifier", "detector", "morphology", "rhythm"}
    assert complete("ecg-edge evaluate detector --per") == {"--per-record"}
    assert complete("ecg-edge data c") == {"check"}


def test_completion_of_values(records: Path) -> None:
    assert complete("ecg-edge build --env stm32f405") == {"stm32f405", "stm32f405_tflm"}
    assert complete("ecg-edge replay mitdb", ECG_EDGE_DATA=str(records)) == {"mitdb", "mitdb/100"}
    assert complete("ecg-edge replay ", ECG_EDGE_DATA=str(records / "none")) == {"all"}


def test_completion_is_installed_for_the_shell(tmp_path: Path) -> None:
    done = shell("$E --install-completion bash", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    scripts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert any("_ECG_EDGE_COMPLETE=complete_bash" in text for text in scripts)
