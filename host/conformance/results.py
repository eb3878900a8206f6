"""The public result of a replay, `results.json`; docs/reference/results.schema.json is its JSON schema."""

from __future__ import annotations

from typing import Any, Final, Literal, TypedDict

from ecg_edge.quantize.bundle.manifest import Metrics, Training

SCHEMA_VERSION: Final = 3

Verdict = Literal["pass", "fail", "inconclusive"]
PASS: Final = "pass"
FAIL: Final = "fail"
INCONCLUSIVE: Final = "inconclusive"  # nothing differs, but there was no beat to compare


class LinkTotals(TypedDict):
    """Faults of the serial line; all were repaired by sending again."""

    naks: int
    resends: int
    retransmitted_frames: int
    bad_frames: int
    sequence_gaps: int
    rejected_by_device: int


class Ticks(TypedDict):
    """The device's own timing: counts of its clock, and microseconds."""

    tick_hz: int
    core_ticks: int
    engine_ticks: int
    engine_ticks_max: int
    core_us_per_sample: float | None
    engine_us_per_beat: float | None


class Totals(TypedDict):
    """Figures of one record or of all records together."""

    beats: int
    agreeing_beats: int
    differing_bytes: int
    lost_beats: int
    extra_beats: int
    differing_fields: dict[str, int]
    unclassifiable_beats: int
    quality_changes: int
    differing_changes: int
    bad_signal_s: float
    events: int
    agreeing_events: int
    lost_events: int
    extra_events: int
    differing_events: int
    samples: int
    taken_samples: int
    lost_samples: int
    seconds: float
    realtime_factor: float | None
    link: LinkTotals
    ticks: Ticks | None


class ClassFigures(TypedDict):
    """Counts and figures (0 to 1) of one label."""

    annotated: int
    device: int
    se: float | None
    ppv: float | None
    f1: float | None


class Confusion(TypedDict):
    """Confusion matrix: annotated beats in rows, the device's labels in columns."""

    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


class ClassScores(TypedDict):
    """Classification against the annotations, with the detector in the loop."""

    protocol: str
    accuracy: float | None
    macro_f1: float | None
    labels: dict[str, ClassFigures]
    confusion: Confusion


class Ec57Scores(TypedDict):
    """Detection and ectopic beats by EC57, gross; figures from 0 to 1."""

    protocol: str
    qrs_se: float | None
    qrs_ppv: float | None
    veb_se: float | None
    veb_ppv: float | None
    veb_fpr: float | None
    sveb_se: float | None
    sveb_ppv: float | None
    counts: dict[str, list[int]]


class DeviceScores(TypedDict):
    """Accuracy of a device's beats on some records together."""

    records: int
    ec57: Ec57Scores
    classes: ClassScores


class BeatDifferenceResult(TypedDict):
    """A beat on which device and reference differ."""

    beat_index: int
    fields: list[str]
    expected: dict[str, Any] | None
    device: dict[str, Any] | None


class EventDifferenceResult(TypedDict):
    """A rhythm event on which device and reference differ."""

    event_index: int
    expected: dict[str, int] | None
    device: dict[str, int] | None


class RecordResults(Totals):
    """Result of one record."""

    database: str
    record: str
    lead: str
    fs_hz: int
    seen_in_training: bool
    verdict: Verdict
    interrupted: bool
    first_differences: list[BeatDifferenceResult]
    first_event_differences: list[EventDifferenceResult]
    episodes: dict[str, int]
    scores: DeviceScores | None


class HostResults(TypedDict):
    """The computer that made the comparison."""

    ecg_edge: str
    python: str
    system: str


class SessionResults(Totals):
    """Result of a session: `results.json`."""

    schema_version: int
    verdict: Verdict
    interrupted: bool
    reason: str | None
    subject: str
    model_sha256: str
    bundle: str
    bundle_path: str
    training: Training
    metrics: Metrics
    reference_engine: str
    port: str
    port_kind: str
    device: dict[str, Any]
    mains_hz: int
    started: str
    host: HostResults
    scores: dict[str, DeviceScores]
    records: list[RecordResults]


_SUBJECTS: Final = {
    "emulator": "the emulated board",
    "native": "the firmware as a program on this computer",
    "simulator": "the simulated device",
    "socket": "the device behind the socket",
}


def subject_of(port_kind: str) -> str:
    """Name the thing under test: "the device" only where a serial port was named."""
    return _SUBJECTS.get(port_kind, "the device")


def summary_of(results: SessionResults) -> str:
    """Write the verdict as one sentence."""
    if results["interrupted"]:
        return f"The session was interrupted: {results['reason']}"
    if results["verdict"] == PASS:
        return (
            f"On each of {results['beats']:,} beats {results['subject']} gave the reference's bytes; "
            f"no sample and no beat was lost, and all {results['events']:,} rhythm events are equal."
        )
    if results["verdict"] == INCONCLUSIVE:
        return _nothing_compared(results)
    return (
        f"{results['subject'].capitalize()} and the reference differ: "
        f"{results['differing_bytes']:,} bytes of output, "
        f"{results['differing_changes']:,} changes of signal quality, "
        f"{results['beats'] - results['agreeing_beats']:,} of {results['beats']:,} beats, "
        f"{results['events'] - results['agreeing_events']:,} of {results['events']:,} rhythm events."
    )


def _nothing_compared(results: SessionResults) -> str:
    empty = [f"{r['database']}/{r['record']}" for r in results["records"] if r["verdict"] == INCONCLUSIVE]
    return (
        f"Nothing to compare in {', '.join(empty) or 'this session'}: the reference finds no beat there. "
        "Replay a longer part, or another record."
    )
