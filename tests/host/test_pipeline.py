"""The pipeline: source of the records, cached stages, and the result for a device that differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ecg_edge.ecg import mirror
from ecg_edge.ecg.errors import (
    BundleError,
    ComparisonError,
    EcgEdgeError,
    LinkError,
    OutputError,
    RecordError,
    ToolError,
)
from ecg_edge.ecg.files import locked_folder, write_json
from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.ecg.synthetic.textbook import PATIENTS
from ecg_edge.host.pipeline import dependencies as sources
from ecg_edge.host.pipeline import doctor, stages, steps
from ecg_edge.host.pipeline import job as pipeline
from ecg_edge.host.pipeline import records as acquire
from ecg_edge.host.pipeline.records import Records
from ecg_edge.quantize.verify import VerifyReport
from ecg_edge.training.progress import SILENT
from ecg_edge.training.recipes import find_recipe, load_recipe
from ecg_edge.training.runs import Run, RunFolder
from tests.support.simulated import make_bundle

Runner = Callable[..., stages.StageResult]


@pytest.fixture
def copy_stage(tmp_path: Path) -> Runner:
    """Run a stage that copies `in.txt` to `out.txt`; each run is a new process's view of the stamps."""

    def run(force: bool = False, **settings: str) -> stages.StageResult:
        source, target = tmp_path / "in.txt", tmp_path / "out" / "out.txt"

        def copy() -> None:
            target.parent.mkdir(exist_ok=True)
            target.write_text(source.read_text())

        inputs = lambda: {**stages.hash_files([source], tmp_path), **settings}  # noqa: E731
        stage = stages.Stage("copy", inputs, (target.parent,), copy)
        return stages.Stages(tmp_path / "stamps", force).run(stage)

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


def test_force_runs_all_again(copy_stage: Runner) -> None:
    copy_stage()
    assert copy_stage(force=True).status == "done"


def test_damaged_stamp_counts_as_not_done(copy_stage: Runner, tmp_path: Path) -> None:
    copy_stage()
    (tmp_path / "stamps" / "copy.json").write_text("{")
    assert copy_stage().reason == "not run before"


def test_failed_stage_is_not_remembered(tmp_path: Path) -> None:
    def fail() -> None:
        (tmp_path / "out.txt").touch()
        raise EcgEdgeError("no")

    stage = stages.Stage("fail", lambda: {"a": "b"}, (tmp_path / "out.txt",), fail)
    for _ in range(2):
        runner = stages.Stages(tmp_path)
        with pytest.raises(EcgEdgeError, match="no"):
            runner.run(stage)
        assert [result.status for result in runner.results] == ["failed"]


def test_stage_that_makes_nothing_is_an_error(tmp_path: Path) -> None:
    stage = stages.Stage("idle", dict, (tmp_path / "out.txt",), lambda: None)
    with pytest.raises(EcgEdgeError, match=r"did not make .*out\.txt"):
        stages.Stages(tmp_path).run(stage)


def test_sources_follow_imports_and_reach_the_devices_c() -> None:
    names = {
        str(path.relative_to(sources.PROJECT_ROOT)) for path in sources.sources_of("ecg_edge.training.train")
    }
    assert {"training/train.py", "training/beats.py", "firmware/lib/ecg_core/src/detector.c"} <= names
    assert not names & {"ecg/databases.py", "host/cli/main.py", "quantize/prune.py"}


# ---- a recipe's stages


def inputs_of(step: steps.Step, root: Path, **changes: Any) -> dict[str, str]:
    recipe = dataclasses.replace(load_recipe(find_recipe("nlrav")), **changes)
    return dict(steps.stage_of(step, Run(recipe, root, RunFolder(root / "run")), SILENT).inputs())


@pytest.mark.parametrize(("step", "repeated"), [(0, False), (1, True)])
def test_changed_pruning_repeats_pruning_but_not_training(step: int, repeated: bool, tmp_path: Path) -> None:
    trained = RunFolder(tmp_path / "run").trained
    trained.parent.mkdir(parents=True)
    trained.touch()
    prune = dataclasses.replace(load_recipe(find_recipe("nlrav")).prune, sparsity=0.25)
    before = inputs_of(steps.TRAIN_STEPS[step], tmp_path)
    assert (inputs_of(steps.TRAIN_STEPS[step], tmp_path, prune=prune) != before) == repeated


def test_changed_record_repeats_training(tmp_path: Path) -> None:
    (tmp_path / "mitdb").mkdir()
    before = inputs_of(steps.TRAIN_STEPS[0], tmp_path)
    (tmp_path / "mitdb" / "100.dat").write_bytes(b"samples")
    assert inputs_of(steps.TRAIN_STEPS[0], tmp_path)["records"] != before["records"]


# ---- where the records come from


@pytest.fixture
def no_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without records; gives the folder of their cache."""
    monkeypatch.delenv("ECG_EDGE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("ecg_edge.ecg.download.RETRY_WAITS_S", ())
    return tmp_path / "cache" / "ecg-edge" / "data"


def find(explicit: Path | None = None) -> tuple[Records, list[str]]:
    warnings: list[str] = []
    found = acquire.find_records(explicit, warnings.append, lambda text: None, "http://127.0.0.1:1")
    return found, warnings


def test_without_records_and_network_the_ecg_is_synthetic_and_the_user_told(no_records: Path) -> None:
    found, warnings = find()
    assert found.synthetic and found.root.parent == no_records.parent
    assert len(list((found.root / "synth").glob("*.dat"))) == PATIENTS
    classes = {path.name.rpartition("_")[0] for path in (found.root / "classes").glob("*.dat")}
    assert classes == {name.replace("-", "_") for name in MORPHOLOGY}  # for the second network
    assert len(warnings) == 1
    assert "SYNTHETIC" in warnings[0]
    assert "cannot be fetched" in warnings[0]


def test_complete_cache_needs_no_network(no_records: Path) -> None:
    (no_records / "mitdb").mkdir(parents=True)
    (no_records / "mitdb" / "100.hea").touch()
    (no_records / "mitdb" / mirror.SUMS_NAME).write_text(f"{'0' * 64} 100.hea\n")
    assert find() == (Records(no_records, "mitdb"), [])


def test_named_folder_without_mitdb_is_an_error_not_synthetic(no_records: Path, tmp_path: Path) -> None:
    (tmp_path / "mine" / "nstdb").mkdir(parents=True)
    (tmp_path / "mine" / "nstdb" / "bw.hea").touch()
    with pytest.raises(RecordError, match=r"mine/mitdb: no records"):
        find(tmp_path / "mine")


@pytest.mark.records
def test_named_folder_with_mitdb_is_taken(data_dir: Path) -> None:
    assert find(data_dir) == (Records(data_dir, "mitdb"), [])


# ---- before and after the training


def test_missing_tools_are_listed_before_anything_is_done() -> None:
    checks = [
        doctor.Check("emulator", "fail", "qemu-system-arm is missing", "apt-get install qemu-system-arm"),
        doctor.Check("TensorFlow", "warn", "missing", "pip install -e '.[train]'"),
        doctor.Check("records", "warn", "none", "get them"),
    ]
    with pytest.raises(ToolError) as error:
        pipeline.require_tools(checks)
    assert "apt-get install qemu-system-arm" in str(error.value)
    assert "pip install -e '.[train]'" in str(error.value)
    assert "get them" not in str(error.value)


class RecordingDisplay:
    """Keeps the start line and the result of each stage."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int, int]] = []
        self.ended: dict[str, str] = {}

    def warn(self, text: str) -> None:
        raise AssertionError(text)

    def start(self, stage: str, number: int, total: int, detail: str) -> None:
        self.started.append((stage, number, total))

    def progress(self, text: str) -> None:
        pass

    def end(self, result: stages.StageResult) -> None:
        self.ended[result.name] = result.status


@dataclasses.dataclass
class FakeDevice:
    """A device that gives these results; records and trained networks lie in `folder`."""

    folder: Path
    results: dict[str, Any]
    error: EcgEdgeError | None = None

    def actions(self) -> pipeline.Actions:
        """The pipeline without training, compiler, emulator and pictures."""
        return pipeline.Actions(
            checks=lambda data: [],
            find_records=lambda *_: Records(self.folder, "mitdb"),
            train_steps=(),
            release_steps=(),
            build=self.build,
            replay=self.replay,
            report=lambda session, data, show: (session / "report.html").touch(),
        )

    def build(self, board: str, bundle: Path, folder: Path, morphology: Path | None) -> None:
        (folder / board).mkdir(parents=True, exist_ok=True)
        (folder / board / "firmware.elf").touch()

    def replay(
        self,
        names: Sequence[str],
        elf: Path,
        bundle: Path,
        morphology: Path | None,
        data: Path,
        out: Path,
        on_update: Any,
    ) -> Any:
        assert elf.is_file()
        second = morphology and str(morphology)
        write_json(out / "results.json", {**self.results, "names": names, "second": second})
        session, passed = SimpleNamespace(folder=out), self.results["verdict"] == "pass"
        return SimpleNamespace(passed=passed, results=self.results, error=self.error, session=session)


@pytest.fixture
def device(tmp_path: Path) -> FakeDevice:
    """A device that agrees, and run folders whose networks are trained and verified."""
    (tmp_path / "mitdb").mkdir()
    for name in pipeline.REPLAYED:
        header = f"{name} 1 360 10\n{name}.dat 16 200 11 0 0 0 0 MLII\n"
        (tmp_path / "mitdb" / f"{name}.hea").write_text(header)
        for suffix in ("dat", "atr"):
            (tmp_path / "mitdb" / f"{name}.{suffix}").touch()
    for recipe in pipeline.RECIPES:
        write_json(RunFolder(tmp_path / recipe).evaluation, [])
    released = RunFolder(tmp_path / "nlrav")
    write_json(released.verify, VerifyReport("0", "none", 0, (), {}))
    released.bundle.mkdir()
    counts = {"differing_bytes": 0, "differing_strip_bytes": 0, "lost_samples": 0, "lost_beats": 0}
    return FakeDevice(tmp_path, {"verdict": "pass", "interrupted": False, **counts})


def job(
    device: FakeDevice, *records: str, morphology: Path | None = None
) -> tuple[pipeline.Summary, RecordingDisplay]:
    display = RecordingDisplay()
    options = pipeline.Job(runs=device.folder, records=records, morphology=morphology)
    return pipeline.run(options, display, device.actions()), display


def test_device_that_agrees_passes_and_is_not_asked_again(device: FakeDevice) -> None:
    (summary, first), (_, second) = job(device), job(device)
    assert (summary.verdict, summary.error) == ("pass", None)
    assert set(first.ended.values()) == {"done"}
    assert {status for name, status in second.ended.items() if name != "records"} == {"cached"}


def test_every_stage_that_runs_is_announced_with_its_number_and_the_total(device: FakeDevice) -> None:
    assert job(device)[1].started == [
        ("build stm32f405", 1, 3),
        ("boot and replay", 2, 3),
        ("report", 3, 3),
    ]
    assert job(device)[1].started == []


def test_two_pipelines_in_one_folder_are_refused(device: FakeDevice) -> None:
    with locked_folder(device.folder), pytest.raises(OutputError, match="in use"):
        job(device)


def test_other_records_are_replayed(device: FakeDevice) -> None:
    job(device)
    summary, display = job(device, "100", "mitdb/213")
    assert (display.ended["build stm32f405"], display.ended["boot and replay"]) == ("cached", "done")
    assert summary.results["names"] == ["mitdb/100", "mitdb/213"]


def test_a_second_network_is_built_in_and_compared(device: FakeDevice, tmp_path: Path) -> None:
    second = make_bundle(tmp_path / "shape", strips=True)
    job(device)
    summary, display = job(device, morphology=second.path)
    assert (display.ended["build stm32f405"], display.ended["boot and replay"]) == ("done", "done")
    assert summary.results["second"] == str(second.path)


def test_a_second_network_of_another_kind_is_refused_before_anything_is_done(
    device: FakeDevice, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="one input strip"):
        job(device, morphology=make_bundle(tmp_path / "beats").path)


def test_record_that_is_missing_is_named_before_anything_is_done(device: FakeDevice) -> None:
    with pytest.raises(RecordError, match="999"):
        job(device, "999")
    assert not RunFolder(device.folder / "nlrav").session.exists()


def test_device_that_differs_fails_with_a_report_and_is_asked_again(device: FakeDevice) -> None:
    device.results.update(verdict="fail", differing_bytes=7)
    for _ in range(2):
        summary, display = job(device)
        assert isinstance(summary.error, ComparisonError)
        assert "differ in 7 bytes" in str(summary.error)
        assert summary.report.is_file()
        assert (display.ended["boot and replay"], display.ended["report"]) == ("failed", "done")


def test_lost_link_is_the_pipelines_error(device: FakeDevice) -> None:
    device.results.update(verdict="fail", interrupted=True)
    device.error = LinkError("gone")
    assert job(device)[0].error is device.error


def test_ctrl_c_during_the_replay_ends_the_pipeline(device: FakeDevice) -> None:
    device.results.update(verdict="fail", interrupted=True)
    with pytest.raises(KeyboardInterrupt):
        job(device)
    assert (device.folder / "nlrav" / "session" / "results.json").is_file()
