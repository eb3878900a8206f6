"""The main job: from the records to a device compared byte for byte, repeating only what has changed.

records -> for each recipe (train -> prune -> quantize -> evaluate) -> export -> verify -> build -> boot and
replay -> report
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ecg_edge.ecg.errors import ComparisonError, EcgEdgeError, RecordError, ToolError
from ecg_edge.ecg.files import PROJECT_ROOT, write_json
from ecg_edge.host.conformance.results import summary_of
from ecg_edge.host.pipeline import doctor
from ecg_edge.host.pipeline.dependencies import sources_of
from ecg_edge.host.pipeline.records import Records, find_records
from ecg_edge.host.pipeline.stages import DONE, Stage, StageResult, Stages, hash_files, hash_value
from ecg_edge.host.pipeline.steps import (
    BUNDLE_NAME,
    DELIVER,
    EVALUATION_NAME,
    LEARN,
    VERIFY_NAME,
    Learning,
    Step,
    stage_of,
)

if TYPE_CHECKING:
    from ecg_edge.host.conformance.replay import ReplayResult, Update

BOARD = "stm32f405"
RECIPES = ("nlrav", "nlrav-random")  # the first one's network goes to the device
SYNTHETIC_RECIPES = ("synthetic",)
REPLAYED = ("100", "213", "214", "231", "232", "233")  # of DS2; all five classes are among them
FIRMWARE_SOURCES = ("lib", "src", "platforms", "scripts", "platformio.ini")
SESSION_NAME, RESULTS_NAME, REPORT_NAME = "session", "results.json", "report.html"


@dataclass(frozen=True)
class Job:
    """What was asked for.

    Attributes
    ----------
    data : Path or None
        Folder of records named on the command line.
    records : tuple of str
        Records to replay, such as "100" or "nstdb/118e06"; empty for the default ones.
    runs : Path
        Folder of the runs.
    fresh : bool
        Whether to repeat every stage.
    """

    data: Path | None = None
    records: tuple[str, ...] = ()
    runs: Path = Path("runs")
    fresh: bool = False


class Display(Protocol):
    """Who shows how the job goes."""

    def warn(self, text: str) -> None:
        """Show what must not be overlooked."""

    def start(self, stage: str) -> None:
        """A stage begins."""

    def progress(self, text: str) -> None:
        """Where it is."""

    def end(self, result: StageResult) -> None:
        """It is over."""


@dataclass(frozen=True)
class Summary:
    """What the job came to.

    Attributes
    ----------
    verdict : str
        "pass": the engines agree, and the device agreed with the reference on every byte. Else "fail".
    records : Records
    stages : list of StageResult
    evaluation : list of dict
        Rows of every recipe's evaluation.json.
    verify : dict
        What verify.json holds.
    results : dict
        What the session's results.json holds.
    session, report : Path
        The session's folder and its report.
    error : EcgEdgeError or None
        Why the verdict is not "pass".
    """

    verdict: str
    records: Records
    stages: list[StageResult]
    evaluation: list[dict[str, Any]]
    verify: dict[str, Any]
    results: dict[str, Any]
    session: Path
    report: Path
    error: EcgEdgeError | None


def run(job: Job, display: Display) -> Summary:
    """Do the main job.

    Raises
    ------
    ToolError
        Before anything is done, when a tool is missing.
    ComparisonError
        When the generated C and TFLM differ. A device that differs is in the summary instead.
    """
    require_tools(doctor.run_checks(job.data))
    display.start("records")
    start = time.monotonic()
    records = find_records(job.data, display.warn, display.progress)
    where = f"{records.database} in {records.root}"
    display.end(StageResult("records", DONE, time.monotonic() - start, where))
    return _Pipeline(job, records, display).run()


def require_tools(checks: Iterable[doctor.Check]) -> None:
    """Raise a ToolError that lists what the main job lacks: better now than after the training."""
    lacking = [check for check in checks if check.status == doctor.FAIL or _is_missing(check)]
    if lacking:
        lines = "".join(f"\n  {check.name}: {check.found}\n      -> {check.mend}" for check in lacking)
        raise ToolError(f"this computer is not ready for the main job:{lines}")


def _is_missing(check: doctor.Check) -> bool:
    """Whether the doctor only warns of something without which there is no training."""
    return check.name in doctor.FOR_TRAINING and check.status != doctor.OK


class _NotPassed(Exception):  # noqa: N818 (no error: an outcome that must not be remembered as done)
    """The replay came to its end, or to an end, without a pass."""


class _Pipeline:
    """The stages of one job."""

    def __init__(self, job: Job, records: Records, display: Display) -> None:
        from ecg_edge.training.recipes import find_recipe, load_recipe

        names = SYNTHETIC_RECIPES if records.synthetic else RECIPES
        recipes = [load_recipe(find_recipe(name)) for name in names]
        self._records, self._display = records, display
        self._learned = [Learning(r, records, job.runs / r.name, display.progress) for r in recipes]
        self._stages = Stages(job.runs / ".stages", job.fresh, display.end)
        self._folder = job.runs / recipes[0].name
        self._session = self._folder / SESSION_NAME
        self._names = self._names_to_replay(job.records or self._default_names())

    def run(self) -> Summary:
        for run in self._learned:
            for step in LEARN:
                self._learn(step, run)
        for step in DELIVER:
            self._learn(step, self._learned[0])
        self._do(Stage(f"build {BOARD}", self._build_inputs, (self._elf,), self._build))
        error = self._replay_and_report()
        return self._summary(error)

    def _default_names(self) -> Sequence[str]:
        if not self._records.synthetic:
            return REPLAYED
        from ecg_edge.training.datasets import split_of

        return split_of(self._learned[0].recipe, self._records.root).test

    def _names_to_replay(self, names: Sequence[str]) -> list[str]:
        """The names with their database, checked to be there: better now than after the training."""
        from ecg_edge.ecg.records import record_files

        full = [name if "/" in name else f"{self._records.database}/{name}" for name in names]
        for name in full:
            for path in record_files(self._records.root, *name.split("/", 1)):
                if not path.is_file():
                    raise RecordError(
                        f"{path}: not found. `ecg-edge data list` shows the records that are here."
                    )
        return full

    def _learn(self, step: Step, run: Learning) -> None:
        self._do(stage_of(step, run))

    def _do(self, stage: Stage) -> None:
        self._display.start(stage.name)
        self._stages.run(stage)

    # The firmware with the bundle in it.

    @property
    def _elf(self) -> Path:
        from ecg_edge.host.devices.platformio import program_path

        return program_path(BOARD, self._build_folder)

    @property
    def _build_folder(self) -> Path:
        return (self._folder / "firmware").resolve()  # PlatformIO runs in another folder

    def _build_inputs(self) -> dict[str, str]:
        firmware = (PROJECT_ROOT / "firmware" / name for name in FIRMWARE_SOURCES)
        return {
            **hash_files([*firmware, PROJECT_ROOT / "pyproject.toml"], PROJECT_ROOT),
            **hash_files([self._folder / BUNDLE_NAME], PROJECT_ROOT),
            "compiler": hash_value(doctor.check_arm_compiler().found),
        }

    def _build(self) -> None:
        from ecg_edge.host.devices.platformio import build

        build(BOARD, self._folder / BUNDLE_NAME, self._build_folder)

    # The device: the same ELF that would be flashed, in QEMU.

    def _replay_and_report(self) -> EcgEdgeError | None:
        outputs = (self._session / RESULTS_NAME,)
        error: EcgEdgeError | None = None
        try:
            self._do(Stage("boot and replay", self._replay_inputs, outputs, self._replay))
        except _NotPassed as failure:
            error = failure.args[0]
        self._do(Stage("report", self._report_inputs, (self._session / REPORT_NAME,), self._report))
        return error

    def _replay_inputs(self) -> dict[str, str]:
        databases = sorted({name.split("/")[0] for name in self._names})
        return {
            **hash_files(
                sources_of("ecg_edge.host.conformance.replay", "ecg_edge.host.devices.emulator"), PROJECT_ROOT
            ),
            **hash_files([self._elf, self._folder / BUNDLE_NAME], PROJECT_ROOT),
            "records to replay": hash_value(self._names),
            "records": hash_value([Records(self._records.root, name).fingerprint for name in databases]),
            "emulator": hash_value(doctor.check_emulator().found),
        }

    def _replay(self) -> None:
        from ecg_edge.host.conformance.replay import replay

        shutil.rmtree(self._session, ignore_errors=True)
        outcome = replay(
            self._names,
            port=f"emulator:{self._elf}",
            bundle_path=self._folder / BUNDLE_NAME,
            data=self._records.root,
            out=self._session,
            on_update=self._on_update,
        )
        if outcome.results["interrupted"] and outcome.error is None:
            raise KeyboardInterrupt
        if not outcome.passed:
            raise _NotPassed(_reason(outcome))

    def _on_update(self, now: Update) -> None:
        speed = now.taken / now.fs_hz / max(now.seconds, 1e-9)
        agreement = 100 * now.agreeing / now.beats if now.beats else 100.0
        self._display.progress(
            f"{now.database}/{now.record}: {100 * now.taken / now.samples:.0f} %, {now.beats} beats, "
            f"{agreement:.2f} % agree, {speed:.0f} times real time"
        )

    # Everything in one folder: the session, the figures of all recipes, the engines' table, the report.

    def _report_inputs(self) -> dict[str, str]:
        figures = [run.folder / EVALUATION_NAME for run in self._learned]
        templates = PROJECT_ROOT / "host" / "report" / "templates"
        return {
            **hash_files([*sources_of("ecg_edge.host.report.html"), templates], PROJECT_ROOT),
            **hash_files([*figures, self._folder / VERIFY_NAME, self._session / RESULTS_NAME], PROJECT_ROOT),
        }

    def _report(self) -> None:
        from ecg_edge.host.report.html import write_report

        write_json(self._session / EVALUATION_NAME, self._evaluation())
        shutil.copyfile(self._folder / VERIFY_NAME, self._session / VERIFY_NAME)
        write_report(self._session, data=self._records.root, run_folder=self._session)

    def _evaluation(self) -> list[dict[str, Any]]:
        return [row for run in self._learned for row in _read(run.folder / EVALUATION_NAME)]

    def _summary(self, error: EcgEdgeError | None) -> Summary:
        results = _read(self._session / RESULTS_NAME)
        return Summary(
            verdict=results["verdict"],
            records=self._records,
            stages=self._stages.results,
            evaluation=self._evaluation(),
            verify=_read(self._folder / VERIFY_NAME),
            results=results,
            session=self._session,
            report=self._session / REPORT_NAME,
            error=error,
        )


def _reason(outcome: ReplayResult) -> EcgEdgeError:
    results = outcome.results
    if results["verdict"] == "inconclusive":
        return ComparisonError(f"{summary_of(results)} See {outcome.session.folder / REPORT_NAME}.")
    return outcome.error or ComparisonError(
        f"the device and the reference differ in {results['differing_bytes']} bytes; "
        f"{results['lost_samples']} samples and {results['lost_beats']} beats were lost. "
        f"See {outcome.session.folder / REPORT_NAME}."
    )


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
