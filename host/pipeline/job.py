"""The pipeline: from the records to a device compared byte for byte, running only what has changed.

records -> for each recipe (train -> prune -> quantize -> evaluate) -> export -> verify -> build -> boot and
replay -> report
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from ecg_edge.ecg.errors import ComparisonError, EcgEdgeError, RecordError, ToolError
from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.files import PROJECT_ROOT, locked_folder, read_json, write_json
from ecg_edge.ecg.records import record_files
from ecg_edge.ecg.selection import select_records
from ecg_edge.host.conformance.results import SessionResults, summary_of
from ecg_edge.host.pipeline import doctor
from ecg_edge.host.pipeline.dependencies import sources_of
from ecg_edge.host.pipeline.records import Records, Report, find_records
from ecg_edge.host.pipeline.stages import DONE, Stage, StageResult, Stages, hash_files, hash_value
from ecg_edge.host.pipeline.steps import RELEASE_STEPS, TRAIN_STEPS, Step, stage_of
from ecg_edge.training.progress import text_progress
from ecg_edge.training.recipes import find_recipe, load_recipe
from ecg_edge.training.runs import Run, RunFolder

if TYPE_CHECKING:
    from ecg_edge.host.conformance.replay import ReplayResult, Update
    from ecg_edge.quantize.verify import VerifyReport
    from ecg_edge.training.metrics import EvaluationRow

BOARD = "stm32f405"
RECIPES = ("nlrav", "nlrav-random")  # the network of the first one runs on the device
SYNTHETIC_RECIPES = ("synthetic",)
REPLAYED = ("100", "213", "214", "231", "232", "233")  # of DS2; all five classes are among them
RESULTS_NAME, REPORT_NAME = "results.json", "report.html"


@dataclass(frozen=True)
class Job:
    """Options of the pipeline.

    Attributes
    ----------
    data : Path or None
        Folder of records named on the command line.
    records : tuple of str
        Records to replay, such as "100" or "nstdb/118e06"; empty for the default ones.
    runs : Path
        Folder of the runs.
    force : bool
        Run every stage, also those that have not changed.
    morphology : Path or None
        Bundle of the second network in the image; None: without one.
    """

    data: Path | None = None
    records: tuple[str, ...] = ()
    runs: Path = Path("runs")
    force: bool = False
    morphology: Path | None = None


class Display(Protocol):
    """Shows the progress of the pipeline."""

    def warn(self, text: str) -> None:
        """Show a conspicuous warning."""

    def start(self, stage: str, number: int, total: int, detail: str) -> None:
        """Show that a stage starts: its number from 1, the number of stages, the reason and expected time."""

    def progress(self, text: str) -> None:
        """Show the progress within the stage."""

    def end(self, result: StageResult) -> None:
        """Show the result of a stage, also of a cached one."""


@dataclass(frozen=True)
class Summary:
    """Result of the pipeline.

    Attributes
    ----------
    verdict : str
        "pass": the engines agree, and the device agrees with the reference on every byte. Else "fail".
    records : Records
    stages : list of StageResult
    evaluation : list of EvaluationRow
        Rows of every recipe's evaluation.json.
    verify : VerifyReport
        Contents of verify.json.
    results : SessionResults
        Contents of the session's results.json.
    session, report : Path
        The session's folder and its report.
    error : EcgEdgeError or None
        Reason of a verdict other than "pass".
    """

    verdict: str
    records: Records
    stages: list[StageResult]
    evaluation: list[EvaluationRow]
    verify: VerifyReport
    results: SessionResults
    session: Path
    report: Path
    error: EcgEdgeError | None


def _build(board: str, bundle: Path, folder: Path, morphology: Path | None) -> None:
    from ecg_edge.host.devices.platformio import build  # late: needed only where the stage is not cached

    build(board, bundle, folder, [morphology] if morphology else ())


def _replay(
    names: Sequence[str],
    elf: Path,
    bundle: Path,
    morphology: Path | None,
    data: Path,
    out: Path,
    on_update: Callable[[Update], None],
) -> ReplayResult:
    from ecg_edge.host.conformance.replay import replay  # late: needed only where the stage is not cached

    return replay(
        names,
        port=f"emulator:{elf}",
        bundle_path=bundle,
        morphology_path=morphology,
        data=data,
        out=out,
        on_update=on_update,
    )


def _report(session: Path, data: Path, show: Report) -> None:
    from ecg_edge.host.report.html import write_report  # late: imports matplotlib

    scores = RunFolder(session)
    write_report(
        session,
        data=data,
        evaluation=scores.evaluation,
        verify=scores.verify,
        on_progress=lambda part, done, total: show(f"{part}, {done} of {total}"),
    )


@dataclass(frozen=True)
class Actions:
    """Functions that the pipeline calls, in the order of their calls.

    Attributes
    ----------
    checks : callable
        Check the prerequisites: (folder of records or None).
    find_records : callable
        Find, download or make records: (folder of records or None, warn, progress).
    train_steps : tuple of Step
        Steps of every recipe.
    release_steps : tuple of Step
        Steps of the recipe whose network runs on the device.
    build : callable
        Build the firmware: (board, bundle, folder of objects and program, second bundle or None).
    replay : callable
        Replay records on the emulated board: (names, ELF, both bundles, databases, session, on_update).
    report : callable
        Write the report into a session: (session, databases, progress).
    """

    checks: Callable[[Path | None], list[doctor.Check]] = doctor.run_checks
    find_records: Callable[[Path | None, Report, Report], Records] = find_records
    train_steps: tuple[Step, ...] = TRAIN_STEPS
    release_steps: tuple[Step, ...] = RELEASE_STEPS
    build: Callable[[str, Path, Path, Path | None], None] = _build
    replay: Callable[
        [Sequence[str], Path, Path, Path | None, Path, Path, Callable[[Update], None]], ReplayResult
    ] = _replay
    report: Callable[[Path, Path, Report], None] = _report


ACTIONS: Final = Actions()


def run(job: Job, display: Display, actions: Actions = ACTIONS) -> Summary:
    """Run the pipeline.

    Parameters
    ----------
    job : Job
    display : Display
    actions : Actions, optional
        Replacements of training, build, device and report.

    Raises
    ------
    ToolError
        Before anything is done, when a tool is missing.
    EcgEdgeError
        Before anything is done, when the folder of the runs cannot be written or is in use.
    ComparisonError
        When the generated C and TFLM differ. A device that differs is in the summary instead.
    """
    with locked_folder(job.runs):
        require_tools(actions.checks(job.data))
        start = time.monotonic()
        records = actions.find_records(job.data, display.warn, display.progress)
        where = f"{records.database} in {records.root}"
        display.end(StageResult("records", DONE, time.monotonic() - start, where))
        return _Pipeline(job, records, display, actions).run()


def require_tools(checks: Iterable[doctor.Check]) -> None:
    """Check for the pipeline's tools before the training instead of after it.

    Raises
    ------
    ToolError
        Lists the missing tools and how to install each.
    """
    lacking = [check for check in checks if check.status == doctor.FAIL or _is_missing(check)]
    if lacking:
        lines = "".join(f"\n  {check.name}: {check.found}\n      -> {check.fix}" for check in lacking)
        raise ToolError(f"this computer is not ready for the pipeline:{lines}")


def _is_missing(check: doctor.Check) -> bool:
    """Return True for a warning about a package without which there is no training."""
    return check.name in doctor.FOR_TRAINING and check.status != doctor.OK


class _NotPassed(Exception):  # noqa: N818 (no error: a result that must not be cached)
    """The replay ended without a pass."""


class _Pipeline:
    """Stages of one job."""

    def __init__(self, job: Job, records: Records, display: Display, actions: Actions) -> None:
        names = SYNTHETIC_RECIPES if records.synthetic else RECIPES
        recipes = [load_recipe(find_recipe(name)) for name in names]
        self._records, self._display, self._actions = records, display, actions
        self._runs = [Run(r, records.root, RunFolder(job.runs / r.name)) for r in recipes]
        self._progress = text_progress(display.progress)
        self._stages = Stages(job.runs / ".stages", job.force, self._on_start, display.end)
        self._folder = self._runs[0].folder
        self._morphology = job.morphology and _checked_morphology(job.morphology)
        self._names = self._names_to_replay(job.records or self._default_names())

    def run(self) -> Summary:
        for run in self._runs:
            for step in self._actions.train_steps:
                self._step(step, run)
        for step in self._actions.release_steps:
            self._step(step, self._runs[0])
        self._stages.run(Stage(f"build {BOARD}", self._build_inputs, (self._elf,), self._build))
        error = self._replay_and_report()
        return self._summary(error)

    def _on_start(self, stage: str, reason: str, last_seconds: float | None) -> None:
        steps = len(self._runs) * len(self._actions.train_steps) + len(self._actions.release_steps)
        total = steps + 3  # build, replay, report
        expected = "" if last_seconds is None else f", {last_seconds:.0f} s the last time"
        self._display.start(stage, len(self._stages.results) + 1, total, reason + expected)

    def _default_names(self) -> Sequence[str]:
        if not self._records.synthetic:
            return REPLAYED
        from ecg_edge.ecg.databases import records_in
        from ecg_edge.ecg.synthetic.population import CLASSES_DATABASE  # late: imports scipy
        from ecg_edge.training.datasets import split_of  # late: imports the extension and scipy

        root = self._records.root
        of_classes = records_in(root, CLASSES_DATABASE) if self._morphology else ()
        beats = split_of(self._runs[0].recipe, root).test
        return [*beats, *(f"{CLASSES_DATABASE}/{name}" for name in of_classes)]

    def _names_to_replay(self, names: Sequence[str]) -> list[str]:
        """Add the database to the names, and check before the training that the records exist."""
        records = select_records(names, self._records.root)
        for record in records:
            for path in record_files(*record):
                if not path.is_file():
                    raise RecordError(f"{path}: not found. `ecg-edge data list` shows the installed records.")
        return [str(record) for record in records]

    def _step(self, step: Step, run: Run) -> None:
        self._stages.run(stage_of(step, run, self._progress))

    # The firmware with the bundle in it.

    @property
    def _elf(self) -> Path:
        from ecg_edge.host.devices.platformio import program_path

        return program_path(BOARD, self._build_folder)

    @property
    def _build_folder(self) -> Path:
        return self._folder.firmware.resolve()  # PlatformIO runs in another folder

    @property
    def _bundles(self) -> list[Path]:
        return [self._folder.bundle, *([self._morphology] if self._morphology else [])]

    def _build_inputs(self) -> dict[str, str]:
        from ecg_edge.host.devices.platformio import SOURCES

        firmware = (PROJECT_ROOT / "firmware" / name for name in SOURCES)
        return {
            **hash_files([*firmware, PROJECT_ROOT / "pyproject.toml"], PROJECT_ROOT),
            **hash_files(self._bundles, PROJECT_ROOT),
            "compiler": hash_value(doctor.check_arm_compiler().found),
        }

    def _build(self) -> None:
        self._actions.build(BOARD, self._folder.bundle, self._build_folder, self._morphology)

    # The device: the same ELF that would be flashed, in QEMU.

    def _replay_and_report(self) -> EcgEdgeError | None:
        outputs = (self._folder.session / RESULTS_NAME,)
        error: EcgEdgeError | None = None
        try:
            self._stages.run(Stage("boot and replay", self._replay_inputs, outputs, self._replay))
        except _NotPassed as failure:
            error = failure.args[0]
        self._stages.run(
            Stage("report", self._report_inputs, (self._folder.session / REPORT_NAME,), self._report)
        )
        return error

    def _replay_inputs(self) -> dict[str, str]:
        databases = sorted({name.split("/")[0] for name in self._names})
        return {
            **hash_files(
                sources_of("ecg_edge.host.conformance.replay", "ecg_edge.host.devices.emulator"), PROJECT_ROOT
            ),
            **hash_files([self._elf, *self._bundles], PROJECT_ROOT),
            "records to replay": hash_value(self._names),
            "records": hash_value([Records(self._records.root, name).fingerprint for name in databases]),
            "emulator": hash_value(doctor.check_emulator().found),
        }

    def _replay(self) -> None:
        folder = self._folder
        shutil.rmtree(folder.session, ignore_errors=True)
        models, root = (folder.bundle, self._morphology), self._records.root
        outcome = self._actions.replay(self._names, self._elf, *models, root, folder.session, self._on_update)
        if outcome.results["interrupted"] and outcome.error is None:
            raise KeyboardInterrupt
        if not outcome.passed:
            raise _NotPassed(_reason(outcome))

    def _on_update(self, now: Update) -> None:
        speed = now.taken / now.fs_hz / max(now.seconds, 1e-9)
        agreement = 100 * now.agreeing / now.beats if now.beats else 100.0
        name, done = f"{now.database}/{now.record}", 100 * now.taken / now.samples
        self._display.progress(
            f"{name}, {self._names.index(name) + 1} of {len(self._names)}: {done:.0f} %, {now.beats} beats, "
            f"{agreement:.2f} % agree, {speed:.0f} times real time"
        )

    # One folder for all: the session, the scores of all recipes, the comparison of the engines, the report.

    def _report_inputs(self) -> dict[str, str]:
        figures = [run.folder.evaluation for run in self._runs]
        templates = PROJECT_ROOT / "host" / "report" / "templates"
        return {
            **hash_files([*sources_of("ecg_edge.host.report.html"), templates], PROJECT_ROOT),
            **hash_files([*figures, self._folder.verify, self._folder.session / RESULTS_NAME], PROJECT_ROOT),
        }

    def _report(self) -> None:
        gathered = RunFolder(self._folder.session)
        write_json(gathered.evaluation, self._evaluation())
        shutil.copyfile(self._folder.verify, gathered.verify)
        self._actions.report(self._folder.session, self._records.root, self._display.progress)

    def _evaluation(self) -> list[EvaluationRow]:
        return [row for run in self._runs for row in _read(run.folder.evaluation)]

    def _summary(self, error: EcgEdgeError | None) -> Summary:
        from ecg_edge.quantize.verify import read_report  # late: imports scipy

        results: SessionResults = _read(self._folder.session / RESULTS_NAME)
        return Summary(
            verdict=results["verdict"],
            records=self._records,
            stages=self._stages.results,
            evaluation=self._evaluation(),
            verify=read_report(self._folder.verify),
            results=results,
            session=self._folder.session,
            report=self._folder.session / REPORT_NAME,
            error=error,
        )


def _checked_morphology(path: Path) -> Path:
    """Check before the training that this computer makes the strips of a second network."""
    from ecg_edge.host.conformance.identity import load_morphology  # late: imports the C extension
    from ecg_edge.host.reference.labels import check_signal_path

    check_signal_path(load_morphology(path))
    return path


def _reason(outcome: ReplayResult) -> EcgEdgeError:
    results = outcome.results
    if results["verdict"] == "inconclusive":
        return ComparisonError(f"{summary_of(results)} See {outcome.session.folder / REPORT_NAME}.")
    differing = results["differing_bytes"] + results["differing_strip_bytes"]
    return outcome.error or ComparisonError(
        f"the device and the reference differ in {counted(differing, 'byte')}; "
        f"lost: {counted(results['lost_samples'], 'sample')}, {counted(results['lost_beats'], 'beat')}. "
        f"See {outcome.session.folder / REPORT_NAME}."
    )


def _read(path: Path) -> Any:
    return read_json(path)
