"""The public result of a replay, `results.json`; docs/reference/results.schema.json is its JSON schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypedDict

from ecg_edge.ecg.figures import counted, duration_text, of_these_records
from ecg_edge.quantize.bundle.manifest import Metrics, Training

SCHEMA_VERSION: Final = 5

Verdict = Literal["pass", "fail", "inconclusive"]
PASS: Final = "pass"
FAIL: Final = "fail"
INCONCLUSIVE: Final = "inconclusive"  # nothing differs, but there was no beat, or the line lost some
INTERRUPTED: Final = "interrupted"  # word for a session that ended early, whose verdict is "fail"


class LinkTotals(TypedDict):
    """Faults of the serial line, and what was sent again because of them."""

    naks: Annotated[int, "requests of the device to go back"]
    resends: Annotated[int, "repetitions after silence"]
    retransmitted_frames: Annotated[int, "frames of samples sent more than once"]
    bad_frames: Annotated[int, "damaged frames from the device"]
    sequence_gaps: Annotated[int, "missing frames from the device"]
    repeated_frames: Annotated[int, "frames from the device that the line doubled"]
    passes: Annotated[int, "times that a record was streamed: more than once after losses on the line"]
    rejected_by_device: Annotated[int, "damaged frames that the device dropped"]


class Ticks(TypedDict):
    """The device's own timing: counts of its clock, and microseconds."""

    tick_hz: Annotated[int, "rate of the device's counter in Hz"]
    core_ticks: Annotated[int, "time of the signal path"]
    engine_ticks: Annotated[int, "time of the network"]
    engine_ticks_max: Annotated[int, "longest run of the network"]
    core_us_per_sample: float | None
    engine_us_per_beat: float | None
    strip_ticks: Annotated[int, "time of reading the strips and of the morphology network"]
    strip_ticks_max: Annotated[int, "longest of these"]
    us_per_strip: float | None


class Totals(TypedDict):
    """Figures of one record or of all records together."""

    beats: Annotated[int, "beats that the reference expects"]
    agreeing_beats: Annotated[int, "beats equal in every compared field"]
    differing_bytes: Annotated[int, "differing bytes of network output; a lost or extra beat counts with all"]
    lost_beats: Annotated[int, "expected beats that never arrived"]
    extra_beats: Annotated[int, "beats that arrived twice or were not expected"]
    differing_fields: Annotated[dict[str, int], "differing beats by field"]
    unclassifiable_beats: Annotated[int, "beats in bad signal"]
    quality_changes: Annotated[int, "expected changes between good and bad signal"]
    differing_changes: Annotated[int, "changes that are missing, unexpected or different"]
    bad_signal_s: Annotated[float, "time of bad signal in seconds"]
    events: Annotated[int, "rhythm events that the reference expects"]
    agreeing_events: int
    lost_events: int
    extra_events: int
    differing_events: int
    strips: Annotated[int, "results of the morphology network that the reference expects"]
    agreeing_strips: int
    differing_strip_bytes: Annotated[
        int, "differing bytes of its output; a lost or extra one counts with all"
    ]
    lost_strips: int
    extra_strips: int
    differing_strips: int
    samples: Annotated[int, "samples of the records"]
    taken_samples: Annotated[int, "samples that the device took"]
    lost_samples: Annotated[int, "samples that were sent and not taken"]
    seconds: Annotated[float, "wall time in seconds"]
    realtime_factor: Annotated[float | None, "seconds of ECG per second of wall time"]
    link: LinkTotals
    ticks: Annotated[Ticks | None, "null for a device without a counter"]


class ClassFigures(TypedDict):
    """Counts and figures (0 to 1) of one label."""

    annotated: Annotated[int, "annotated beats"]
    device: Annotated[int, "beats that the device gave this label"]
    se: Annotated[float | None, "sensitivity"]
    ppv: Annotated[float | None, "positive predictivity"]
    f1: float | None


class Confusion(TypedDict):
    """Confusion matrix: annotated beats in rows, the device's labels in columns."""

    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


class ClassScores(TypedDict):
    """Classification against the annotations, with the detector in the loop."""

    protocol: Annotated[str, "protocol of the figures"]
    accuracy: Annotated[
        float | None,
        "share of the beats annotated with one of the labels that have it; beats of other kinds do not count",
    ]
    macro_f1: Annotated[float | None, "mean F1 of the labels that are annotated"]
    labels: dict[str, ClassFigures]
    confusion: Confusion


class Ec57Scores(TypedDict):
    """Detection and ectopic beats by EC57 from one start on, gross; figures from 0 to 1."""

    protocol: str
    start_s: Annotated[float, "time at the start of each record that is not scored, in seconds"]
    records: Annotated[int, "records that are longer than that"]
    qrs_se: float | None
    qrs_ppv: float | None
    veb_se: Annotated[float | None, "ventricular ectopic beats"]
    veb_ppv: float | None
    veb_fpr: Annotated[float | None, "false positive rate"]
    sveb_se: Annotated[float | None, "supraventricular ectopic beats"]
    sveb_ppv: float | None
    counts: Annotated[dict[str, list[int]], "numerator and denominator of each figure"]


class DeviceScores(TypedDict):
    """Accuracy of a device's beats on some records together."""

    records: int
    ec57: Annotated[list[Ec57Scores], "from each start on, the latest start last"]
    classes: ClassScores


class AlarmFigures(TypedDict):
    """Alarms of one kind."""

    told: Annotated[int, "number of alarms"]
    told_per_hour: float | None
    false: Annotated[int | None, "alarms that the annotations do not confirm; null where they do not say"]
    false_per_hour: float | None


class AlarmResults(TypedDict):
    """Alarms outside of annotated ventricular rhythms, asystole and noise."""

    hours: Annotated[float, "time in hours"]
    kinds: dict[str, AlarmFigures]


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


class StripDifferenceResult(TypedDict):
    """A strip on whose result device and reference differ."""

    strip_index: int
    expected: dict[str, Any] | None
    device: dict[str, Any] | None


class RecordResults(Totals):
    """Result of one record."""

    database: str
    record: Annotated[str, "name of the stream: the record, with lead and start where it has several"]
    file: Annotated[str, "name of the record's files"]
    from_s: Annotated[float, "time in the record at which the stream begins, in seconds"]
    reference: Annotated[str | None, "annotator; null: atr, or the one named after the lead"]
    scale: Annotated[float, "factor of the amplitude; negative: inverted"]
    lead: str
    fs_hz: Annotated[int, "sampling rate in Hz"]
    seen_in_training: Annotated[bool, "beats of this record trained the network"]
    verdict: Verdict
    interrupted: Annotated[bool, "the stream ended early"]
    first_differences: list[BeatDifferenceResult]
    first_event_differences: list[EventDifferenceResult]
    first_strip_differences: list[StripDifferenceResult]
    episodes: Annotated[dict[str, int], "rhythm episodes by kind"]
    morphology: Annotated[dict[str, int], "strips by the label that the device gave them"]
    scores: Annotated[DeviceScores | None, "null without annotated beats"]
    alarms: AlarmResults


class HostResults(TypedDict):
    """The computer that made the comparison."""

    ecg_edge: str
    python: str
    system: str


class SessionResults(Totals):
    """Result of a session: `results.json`."""

    schema_version: int
    verdict: Verdict
    interrupted: Annotated[bool, "the session ended early"]
    reason: Annotated[str | None, "reason of an early end"]
    subject: Annotated[str, 'the thing under test: "the device" where a serial port was named']
    model_sha256: str
    bundle: Annotated[str, "name of the model"]
    bundle_path: str
    training: Training
    metrics: Metrics
    morphology: Annotated[str | None, "name of the morphology network; null: not compared"]
    morphology_sha256: str | None
    morphology_path: str | None
    reference_engine: Annotated[str, "engine of the expected network outputs"]
    port: str
    port_kind: Annotated[str, "emulator, pico, native, simulator, socket or serial"]
    device: Annotated[dict[str, Any], "the device's handshake"]
    mains_hz: Annotated[int, "mains frequency that the signal path suppresses in Hz"]
    started: Annotated[str, "time of the start, UTC"]
    host: HostResults
    scores: Annotated[dict[str, DeviceScores], "accuracy by group of records: all, DS1, DS2"]
    alarms: AlarmResults
    records: list[RecordResults]


_SUBJECTS: Final = {
    "emulator": "the emulated board",
    "pico": "the emulated Pico",
    "native": "the firmware as a program on this computer",
    "simulator": "the simulated device",
    "socket": "the device behind the socket",
}


MORPHOLOGY_CAUTION: Final = (
    "The shipped network learned from synthetic ECG alone: on records of patients its labels are not to be "
    "relied on."
)


def subject_of(port_kind: str) -> str:
    """Name the thing under test: "the device" only where a serial port was named."""
    return _SUBJECTS.get(port_kind, "the device")


def training_note(records: Sequence[RecordResults]) -> str:
    """Say how many of the scored records trained the network, whose scores flatter it; "" for none."""
    scored = [record for record in records if record["scores"]]
    seen = sum(record["seen_in_training"] for record in scored)
    if not seen:
        return ""
    return (
        f"The network trained on the beats of {of_these_records(seen, len(scored))}: its labels there say "
        "nothing about other people."
    )


def verdict_word(results: SessionResults) -> str:
    """Name the verdict; "interrupted" for a session that ended early and had no difference until then."""
    return INTERRUPTED if results["interrupted"] and not _differs(results) else results["verdict"]


def record_word(record: RecordResults) -> str:
    """Name the verdict of a record; "interrupted" as of a session."""
    return INTERRUPTED if record["interrupted"] and not _has_differed(record) else record["verdict"]


def _differs(results: SessionResults) -> bool:
    """Test if anything that arrived, or a complete record, differs from the reference."""
    is_wrong = any(one["verdict"] == FAIL and not one["interrupted"] for one in results["records"])
    return is_wrong or _has_differed(results)


def _has_differed(totals: Totals) -> bool:
    """Test if anything that arrived differs from the reference."""
    counts = (
        *totals["differing_fields"].values(),
        *(totals["extra_beats"], totals["extra_events"], totals["extra_strips"]),
        *(totals["differing_events"], totals["differing_strips"]),
    )
    return any(counts)


def summary_of(results: SessionResults) -> str:
    """Write the verdict in one sentence; in two of an interrupted session."""
    if results["interrupted"]:
        reason = str(results["reason"]).rstrip(".")
        return f"The session was interrupted: {reason}. {_until_then(results)}"
    if results["verdict"] == PASS:
        return (
            f"On each of {results['beats']:,} beats {results['subject']} gave the reference's bytes; "
            f"no sample and no beat was lost, and all {results['events']:,} rhythm events"
            f"{_and_strips(results)} are equal."
        )
    if results["verdict"] == INCONCLUSIVE:
        return _nothing_compared(results)
    return (
        f"{results['subject'].capitalize()} and the reference differ: "
        f"{results['differing_bytes']:,} bytes of output, "
        f"{results['differing_changes']:,} changes of signal quality, "
        f"{results['beats'] - results['agreeing_beats']:,} of {results['beats']:,} beats, "
        f"{results['events'] - results['agreeing_events']:,} of {results['events']:,} rhythm events"
        f"{_wrong_strips(results)}."
    )


def _until_then(results: SessionResults) -> str:
    """Say how far an interrupted session came."""
    whole = [record for record in results["records"] if not record["interrupted"]]
    equal = f"{counted(results['agreeing_beats'], 'beat')} agreed with the reference"
    if _differs(results):
        equal += ", others differed"
    places = [counted(len(whole), "complete record")]
    for record in results["records"]:
        if record["interrupted"]:
            length = duration_text(record["taken_samples"] // record["fs_hz"])
            places.append(f"{length} of {record['database']}/{record['record']}")
    return f"Until then {equal}, in {' and '.join(places)}."


def _and_strips(results: SessionResults) -> str:
    return f" and all {results['strips']:,} strip results" if results["morphology"] else ""


def _wrong_strips(results: SessionResults) -> str:
    wrong = results["lost_strips"] + results["extra_strips"] + results["differing_strips"]
    return f", {wrong:,} of {results['strips']:,} strip results" if results["morphology"] else ""


def _nothing_compared(results: SessionResults) -> str:
    undecided = [record for record in results["records"] if record["verdict"] == INCONCLUSIVE]
    if lossy := [record for record in undecided if record["beats"]]:
        return _lost_on_the_line(lossy)
    empty = [f"{record['database']}/{record['record']}" for record in undecided]
    return (
        f"Nothing to compare in {', '.join(empty) or 'this session'}: the reference finds no beat there. "
        "Replay a longer part, or another record."
    )


def _lost_on_the_line(records: list[RecordResults]) -> str:
    places = ", ".join(f"{record['database']}/{record['record']}" for record in records)
    beats, events = (sum(record[name] for record in records) for name in ("lost_beats", "lost_events"))
    strips = sum(record["lost_strips"] for record in records)
    changes = sum(record["differing_changes"] for record in records)
    passes = max(record["link"]["passes"] for record in records)
    return (
        f"The line lost {beats:,} beats, {events:,} rhythm events, {strips:,} strip results and {changes:,} "
        f"changes of signal quality of {places} in every one of {passes} passes; all that arrived is equal. "
        "Lower --baud, or use another cable."
    )
