"""Stages are repeated when something that they depend on has changed, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ecg_edge.host import sources, stages
from ecg_edge.host.errors import EcgEdgeError

Runner = Callable[..., stages.StageResult]


@pytest.fixture
def copy_stage(tmp_path: Path) -> Runner:
    """Run a stage that copies `in.txt` to `out.txt`; each run is a new process's view of the stamps."""

    def run(fresh: bool = False, **settings: str) -> stages.StageResult:
        source, target = tmp_path / "in.txt", tmp_path / "out" / "out.txt"

        def copy() -> None:
            target.parent.mkdir(exist_ok=True)
            target.write_text(source.read_text())

        inputs = lambda: {**stages.hash_files([source], tmp_path), **settings}  # noqa: E731
        stage = stages.Stage("copy", inputs, (target.parent,), copy)
        return stages.Stages(tmp_path / "stamps", fresh).run(stage)

    (tmp_path / "in.txt").write_text("one")
    return run


def test_first_run_does_and_second_does_not(copy_stage: Runner) -> None:
    assert (copy_stage().status, copy_stage().status) == ("done", "cached")


def test_changed_input_is_named(copy_stage: Runner, tmp_path: Path) -> None:
    copy_stage()
    (tmp_path / "in.txt").write_text("two")
    assert copy_stage().reason == "changed: in.txt"
    assert (tmp_path / "out" / "out.txt").read_text() == "two"


def test_changed_setting_is_named(copy_stage: Runner) -> None:
    copy_stage(epochs="1", seed="1")
    assert copy_stage(epochs="2", seed="2").reason == "changed: epochs and 1 more"


@pytest.mark.parametrize(
    "spoil", [lambda p: p.unlink(), lambda p: p.write_text("x"), lambda p: (p.parent / "n").touch()]
)
def test_spoilt_output_is_made_again(
    spoil: Callable[[Path], object], copy_stage: Runner, tmp_path: Path
) -> None:
    copy_stage()
    spoil(tmp_path / "out" / "out.txt")
    assert copy_stage().reason == "its output was changed or deleted"
    assert (tmp_path / "out" / "out.txt").read_text() == "one"


def test_fresh_does_all_again(copy_stage: Runner) -> None:
    copy_stage()
    assert copy_stage(fresh=True).status == "done"


def test_damaged_stamp_counts_as_not_done(copy_stage: Runner, tmp_path: Path) -> None:
    copy_stage()
    (tmp_path / "stamps" / "copy.json").write_text("{")
    assert copy_stage().reason == "not done before"


def test_failed_stage_is_not_remembered(tmp_path: Path) -> None:
    def fail() -> None:
        (tmp_path / "out.txt").touch()
        raise EcgEdgeError("no")

    stage = stages.Stage("fail", lambda: {"a": "b"}, (tmp_path / "out.txt",), fail)
    for _ in range(2):
        with pytest.raises(EcgEdgeError, match="no"):
            stages.Stages(tmp_path).run(stage)


def test_stage_that_makes_nothing_is_an_error(tmp_path: Path) -> None:
    stage = stages.Stage("idle", dict, (tmp_path / "out.txt",), lambda: None)
    with pytest.raises(EcgEdgeError, match=r"did not make .*out\.txt"):
        stages.Stages(tmp_path).run(stage)


def test_sources_follow_imports_and_reach_the_devices_c() -> None:
    names = {str(path.relative_to(sources.ROOT)) for path in sources.sources_of("ecg_edge.training.train")}
    assert {"training/train.py", "training/beats.py", "firmware/lib/ecg_core/src/detector.c"} <= names
    assert not names & {"host/data.py", "host/cli.py", "host/replay.py", "quantize/prune.py"}
