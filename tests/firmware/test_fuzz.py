"""A few seconds of each fuzzer: `make fuzz` is the long run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.firmware import fuzz

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The fuzzers; without clang and its runtime the tests fail, and are not skipped."""
    if not fuzz.can_fuzz():
        pytest.fail(fuzz.ADVICE, pytrace=False)
    folder = tmp_path_factory.mktemp("fuzz")
    return {target: fuzz.build(target, folder) for target in fuzz.TARGETS}


@pytest.mark.slow
def test_a_short_run_of_each_finds_nothing(programs: dict[str, Path], tmp_path: Path) -> None:
    running = {name: fuzz.start(program, tmp_path / name, 5) for name, program in programs.items()}
    runs = {name: fuzz.finish(process) for name, process in running.items()}
    for name, run in runs.items():
        assert run.finding == "", f"{name}: {run.finding}"
        assert run.executions > 20
        assert run.covered > 0.2 * run.counters > 0  # 29 % of the link's on a busy computer


@pytest.mark.slow
@pytest.mark.usefixtures("programs")
def test_a_broken_check_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a longer refractory period in the fuzzer's check than in the signal path, the check fails."""
    text = (fuzz.HERE / "fuzz_core.c").read_text()
    (tmp_path / "fuzz_core.c").write_text(text.replace("#define REFRACTORY 72", "#define REFRACTORY 400"))
    (tmp_path / "fuzz_input.h").write_text((fuzz.HERE / "fuzz_input.h").read_text())
    monkeypatch.setattr(fuzz, "HERE", tmp_path)
    run = fuzz.finish(fuzz.start(fuzz.build("core", tmp_path), tmp_path / "corpus", 20))
    assert "deadly signal" in run.finding
