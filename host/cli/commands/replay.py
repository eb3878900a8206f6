"""`ecg-edge replay`: stream whole records to a device and compare all of its results with the reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, TaskID, TextColumn

from ecg_edge.ecg.figures import counted, percent
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.selection import select_records
from ecg_edge.host.cli import EXIT_INTERRUPTED, console, options
from ecg_edge.host.cli.live_options import ResetOption
from ecg_edge.host.cli.port_choice import found_port
from ecg_edge.host.cli.records import note_rates, require_one_root
from ecg_edge.host.cli.tables import ResultTable
from ecg_edge.host.conformance.junit import write_junit
from ecg_edge.host.conformance.replay import MAINS_HZ, MOST_JOBS, ReplayResult, Update
from ecg_edge.host.conformance.replay import replay as replay_records
from ecg_edge.host.conformance.results import (
    MORPHOLOGY_CAUTION,
    AlarmResults,
    RecordResults,
    SessionResults,
    Ticks,
    Totals,
    record_word,
    summary_of,
    training_note,
    verdict_word,
)
from ecg_edge.host.conformance.resume import read_request
from ecg_edge.host.evaluation.sources import DEFAULT_CONDITIONS, Conditions, list_sources
from ecg_edge.host.link.messages import MAX_SAMPLES, Info, RhythmEvent
from ecg_edge.host.link.transports import DEFAULT_BAUD, FALLBACK_BAUD, reset_board

EXAMPLES: Final = (
    "ecg-edge replay 100 213",
    "ecg-edge replay --resume sessions/20260131T101500Z-emulator",
    "ecg-edge replay 100 --port /dev/ttyUSB0 --model models/mine --json results.json",
)


def replay(
    ctx: typer.Context,
    records: Annotated[
        list[str] | None,
        options.records_argument(),
    ] = None,
    port: Annotated[
        str,
        typer.Option(
            metavar="PORT",
            help="Serial port, auto, emulator[:ELF], pico[:UF2], native[:PROGRAM], simulator, "
            "socket://HOST:PORT, unix:PATH; several boards at once with commas between their ports.",
        ),
    ] = "emulator",
    more: Annotated[list[str] | None, typer.Option("--records", metavar="RECORDS", hidden=True)] = None,
    model: Annotated[
        Path | None, options.model_option("Model bundle that is on the device.", options.DEVICE_DEFAULT)
    ] = None,
    morphology: options.MorphologyOption = None,
    data: options.DataOption = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Session folder. Else a new one in sessions/.")
    ] = None,
    overwrite: options.OverwriteOption = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="S", min=1.0, help="Replay only the first S seconds of each stream, at least 1."
        ),
    ] = None,
    lead: options.LeadsOption = None,
    mains_hz: options.MainsOption = MAINS_HZ,
    fs: options.BoardRateOption = "360",
    reference: options.ReferenceOption = None,
    scale: options.ScaleOption = 1.0,
    invert: options.InvertOption = False,
    start_s: options.StartOption = None,
    restart: Annotated[
        float | None,
        typer.Option(
            min=1.0, metavar="S", help="Divide each record into streams of S seconds, each a fresh start."
        ),
    ] = None,
    block_size: Annotated[
        str,
        typer.Option(
            metavar="N",
            help=f"Samples per frame (1 to {MAX_SAMPLES}, or random). Results are independent of it.",
        ),
    ] = str(MAX_SAMPLES),
    baud: Annotated[
        int,
        typer.Option(
            metavar="BAUD",
            min=1200,
            max=4_000_000,
            help=f"Baud rate. Use {FALLBACK_BAUD} if frames arrive damaged at {DEFAULT_BAUD}.",
        ),
    ] = DEFAULT_BAUD,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="SESSION", help="Go on with an interrupted session, with its own options."),
    ] = None,
    reset: ResetOption = False,
    jobs: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_JOBS, metavar="N", help="Emulators, or other devices of this computer, at once."
        ),
    ] = 1,
    min_agreement: Annotated[
        float,
        typer.Option(
            min=0,
            max=100,
            metavar="PERCENT",
            help="Exit with 0 from this share of equal beats on if no sample was lost. The verdict stays.",
        ),
    ] = 100.0,
    junit: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", callback=console.check_output, help="Also write the result as JUnit XML, for CI."
        ),
    ] = None,
    report: Annotated[bool, typer.Option(help="Write report.html into the session folder.")] = True,
    run: options.RunOption = None,
    json: options.JsonOption = None,
) -> None:
    """Stream records to a device and compare each network's output bytes with the reference.

    Exits with 0 when the device agreed on every byte, 1 when it did not or there was no beat to compare, 3
    without a device or with a lost link, 130 on Ctrl-C.
    """
    names = [*(more or []), *(records or [])]
    if resume is not None:
        if names:
            raise typer.BadParameter("the session has its records already", param_hint="RECORDS")
        if overwrite:
            raise typer.BadParameter("not with --resume, which goes on", param_hint="--overwrite")
        named = ctx.get_parameter_source("port")
        is_port_named = named is not None and named.name == "COMMANDLINE"
        outcome = _resume(resume, port if is_port_named else None, jobs, report, run)
        leave(outcome, json, junit, min_agreement)
        return
    if not names:
        raise typer.BadParameter("name at least one record: `ecg-edge replay 100`", param_hint="RECORDS")
    selected = select_records(names, data, reference)
    conditions = options.conditions(lead, fs, mains_hz, reference, scale, invert)
    for root, database in dict.fromkeys((record.root, record.database) for record in selected):
        here = [record.name for record in selected if record.database == database]
        note_rates(database, list_sources(root, database, here, conditions), conditions)
    port = ",".join(found_port(one) for one in port.split(","))
    if reset:
        for one in port.split(","):
            reset_board(one)
    outcome = replay_and_show(
        list(map(str, selected)),
        port=port,
        model=model,
        morphology=options.morphology_path(morphology),
        data=require_one_root(selected),
        out=out,
        seconds=seconds,
        conditions=conditions,
        starts_s=options.starts(start_s),
        restart_s=restart,
        block=_block_samples(block_size),
        baud=baud,
        overwrite=overwrite,
        jobs=jobs,
        report=report,
        run=run,
    )
    leave(outcome, json, junit, min_agreement)


def _resume(folder: Path, port: str | None, jobs: int, report: bool, run: Path | None) -> ReplayResult:
    request = read_request(folder)
    return replay_and_show(
        request.records,
        port=port or request.port,
        model=request.bundle_path,
        morphology=request.morphology_path,
        data=request.data,
        out=folder,
        seconds=request.seconds,
        conditions=request.conditions,
        starts_s=request.starts_s,
        restart_s=request.restart_s,
        block=request.block,
        baud=request.baud,
        resume=True,
        jobs=jobs,
        report=report,
        run=run,
    )


def leave(
    outcome: ReplayResult, json: Path | None, junit: Path | None = None, min_agreement: float = 100.0
) -> None:
    """Write the figures and end the command with the exit code of the outcome.

    Parameters
    ----------
    outcome : ReplayResult
    json, junit : Path, optional
        Files of the figures.
    min_agreement : float
        Per cent of equal beats that are enough.
    """
    if json:
        write_json(json, outcome.results)
    if junit:
        write_junit(junit, outcome.results)
    if outcome.error:
        raise outcome.error
    if outcome.cancelled:
        raise typer.Exit(EXIT_INTERRUPTED)
    if not outcome.passed and not is_enough(outcome.results, min_agreement):
        raise typer.Exit(1)


def is_enough(results: SessionResults, min_agreement: float) -> bool:
    """Test if the share of equal beats, in per cent, is enough, and nothing was lost or left out."""
    is_whole = not (results["interrupted"] or results["lost_samples"] or results["extra_beats"])
    beats = results["beats"]
    return is_whole and beats > 0 and 100 * results["agreeing_beats"] >= min_agreement * beats > 0


def _block_samples(text: str) -> int | None:
    if text == "random":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MAX_SAMPLES:
        raise typer.BadParameter(
            f"{text!r}; 1 to {MAX_SAMPLES} samples, or random", param_hint="--block-size"
        )
    return int(text)


def replay_and_show(
    names: Sequence[str],
    *,
    port: str,
    model: Path | None,
    morphology: Path | None = None,
    data: Path | None = None,
    out: Path | None = None,
    seconds: float | None = None,
    conditions: Conditions = DEFAULT_CONDITIONS,
    starts_s: Sequence[float] = options.STARTS_S,
    restart_s: float | None = None,
    block: int | None = MAX_SAMPLES,
    baud: int = DEFAULT_BAUD,
    resume: bool = False,
    overwrite: bool = False,
    jobs: int = 1,
    report: bool = True,
    run: Path | None = None,
) -> ReplayResult:
    """Replay with progress and tables on the terminal, and write the report.

    Parameters
    ----------
    names, port, data, out, seconds, conditions, starts_s, restart_s, block, baud, resume, overwrite, jobs
        As in `ecg_edge.host.conformance.replay.replay`.
    model : Path, optional
        Model bundle that is on the device; else the shipped one that it names.
    morphology : Path, optional
        Bundle of the second network on it; None: not compared.
    report : bool
        Write report.html.
    run : Path, optional
        Run folder of a recipe, whose scores the report shows too.
    """
    with _Display() as display:
        outcome = replay_records(
            names,
            port=port,
            bundle_path=model,
            morphology_path=morphology,
            data=data,
            out=out,
            seconds=seconds,
            conditions=conditions,
            starts_s=starts_s,
            restart_s=restart_s,
            block=block,
            baud=baud,
            resume=resume,
            overwrite=overwrite,
            jobs=jobs,
            on_device=show_device,
            on_update=display.update,
        )
    _show(outcome)
    if report and outcome.session.runs:
        from ecg_edge.host.cli.commands.report import morphology_training, run_scores
        from ecg_edge.host.report.html import write_report

        items = [done.labelled for done in outcome.session.runs]
        evaluation, verify = run_scores(run)
        with console.step("Writing the report"):
            path = write_report(
                outcome.session.folder,
                items=items,
                evaluation=evaluation,
                verify=verify,
                morphology_training=morphology_training(run),
            )
        console.out.print(f"Report:  {path}", markup=False)
    return outcome


def show_device(info: Info) -> None:
    """Write the device's answer to the handshake."""
    second = f", morphology network {info.morphology_sha256[:16]}" if info.morphology_sha256 else ""
    console.note(
        f"{info.board}: firmware {info.firmware_version}, engine {info.engine}, "
        f"labels {','.join(info.labels)}, model {info.model_sha256[:16]}{second}"
    )


class _Display:
    """One progress bar per record, with the rate and the agreement so far."""

    def __init__(self) -> None:
        self._progress = console.TidyProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:3.0f} %  {task.fields[note]}"),
            console=console.err,
            transient=console.err.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Display:
        self._progress.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.__exit__(*error)

    def update(self, now: Update) -> None:
        """Show the position of the replay."""
        name = f"{now.database}/{now.record}"
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=now.samples, note="")
        self._progress.update(self._tasks[name], completed=now.taken, note=_note(now))


def _note(now: Update) -> str:
    seconds = max(now.seconds, 1e-9)
    agreement = 100 * now.agreeing / now.beats if now.beats else 100.0
    return (
        f"{now.beats} beats, {now.beats / seconds:.0f}/s, "
        f"{now.taken / now.fs_hz / seconds:.0f} x real time, {agreement:.2f} % agree"
    )


def _show(outcome: ReplayResult) -> None:
    """Print records, first differences and verdict."""
    results = outcome.results
    if results["records"]:
        console.out.print(records_table(results))
    for record in results["records"]:
        if record["first_differences"]:
            console.out.print(_differences_table(record))
        if record["first_event_differences"]:
            console.out.print(_event_differences_table(record))
        if record["first_strip_differences"]:
            console.out.print(_strip_differences_table(record))
    if results["events"]:
        console.out.print(_rhythm_table(results))
    if any(record["morphology"] for record in results["records"]):
        console.out.print(morphology_table(results))
    if any(one["told"] for one in results["alarms"]["kinds"].values()):
        console.out.print(_alarm_table(results["alarms"]))
    if results["scores"]:
        console.out.print(_score_table(results))
        if note := training_note(results["records"]):
            console.out.print(note, markup=False)
    style = "bold green" if outcome.passed else "bold red"
    # The clock of an emulator that a replay boots is this computer's, so its times are not a board's.
    if results["ticks"] and results["port_kind"] not in ("emulator", "native", "simulator"):
        console.out.print(timing_table(results["ticks"], results["port_kind"]))
    console.out.print(_verdict(results), style=style, markup=False)
    console.out.print(f"Session: {outcome.session.folder}", markup=False)
    if results["interrupted"]:
        console.out.print(f"Go on:   ecg-edge replay --resume {outcome.session.folder}", markup=False)


def _verdict(results: SessionResults) -> str:
    count = results["lost_samples"]
    lost = f" {counted(count, 'sample')} {'was' if count == 1 else 'were'} lost." if count else ""
    word = verdict_word(results).upper()
    return f"{word}: {summary_of(results)}{lost} {times_real_time(results)} x real time."


def times_real_time(totals: Totals) -> str:
    """Format the speed of a replay, as a multiple of real time."""
    factor = totals["realtime_factor"]
    return "-" if factor is None else f"{factor:.1f}"


def timing_table(ticks: Ticks, port_kind: str) -> ResultTable:
    """Time by the device's own clock, which counts instructions under `--count-instructions`."""
    may_count = port_kind != "pico"  # at any other port QEMU may be the device
    note = "Behind `ecg-edge emulate --count-instructions`, 1 us is 1,000 instructions." if may_count else ""
    table = console.table("Time on the device's clock", "part", "us", note=note)
    parts = {
        "signal path, per sample": ticks["core_us_per_sample"],
        "network, per beat": ticks["engine_us_per_beat"],
        "morphology network, per strip": ticks["us_per_strip"],
    }
    for part, us in parts.items():
        table.add_row(part, "-" if us is None else f"{us:,.1f}")
    return table


def records_table(results: SessionResults) -> ResultTable:
    """Result of each record of a session."""
    device = results["device"]
    table = console.table(
        f"Device ({device['board']}, engine {device['engine']}) against {results['reference_engine']}",
        *("record", "beats", "equal", "differing bytes", "lost samples", "bad signal s"),
        *("resent frames", "x real time", "verdict"),
        note=(
            "Equal: every compared field and every byte of the network's output is the reference's. Resent "
            "frames were lost or damaged on the line; they change no result."
        ),
    )
    for record in results["records"]:
        table.add_row(
            f"{record['database']}/{record['record']}",
            str(record["beats"]),
            str(record["agreeing_beats"]),
            str(record["differing_bytes"]),
            str(record["lost_samples"]),
            f"{record['bad_signal_s']:.1f}",
            str(record["link"]["retransmitted_frames"]),
            times_real_time(record),
            record_word(record),
        )
    return table


def _rhythm_table(results: SessionResults) -> ResultTable:
    """Number of episodes of each kind that the device reported, by record."""
    kinds = list(dict.fromkeys(kind for record in results["records"] for kind in record["episodes"]))
    note = (
        "Events are messages: one when an episode begins, one when it ends, and the heart rate every 10 s. "
        "The columns on the right count episodes."
    )
    columns = ("record", "events", "equal events", *kinds)
    table = console.table("Rhythm events of the device, and episodes by kind", *columns, note=note)
    for record in results["records"]:
        name = f"{record['database']}/{record['record']}"
        counts = [str(record["episodes"].get(kind, 0)) for kind in kinds]
        table.add_row(name, str(record["events"]), str(record["agreeing_events"]), *counts)
    return table


def morphology_table(results: SessionResults) -> ResultTable:
    """Number of strips of each label that the device gave, by record; without labels that no strip has."""
    labels = results["device"]["morphology_labels"]
    found = {name for record in results["records"] for name in record["morphology"]}
    names = [*(name for name in labels if name in found), *sorted(found - {*labels}, reverse=True)]
    title = f"Morphology network of the device ({results['morphology'] or 'not compared'})"
    table = console.table(
        *(title, "record", "strips", "equal strips", "differing bytes", *names),
        note=_morphology_note(results),
    )
    for record in results["records"]:
        name = f"{record['database']}/{record['record']}"
        compared = (record["strips"], record["agreeing_strips"], record["differing_strip_bytes"])
        counts = [str(record["morphology"].get(label, 0)) for label in names]
        table.add_row(name, *(map(str, compared) if results["morphology"] else "---"), *counts)
    return table


def _morphology_note(results: SessionResults) -> str:
    found = {name for record in results["records"] for name in record["morphology"]}
    absent = [name for name in results["device"]["morphology_labels"] if name not in found]
    return (
        "A strip is 10 s of signal; there is one every 5 s. "
        + (f"Labels of no strip: {', '.join(absent)}. " if absent else "")
        + MORPHOLOGY_CAUTION
    )


def _alarm_table(alarms: AlarmResults) -> ResultTable:
    """Alarms an hour, and those that the annotations do not confirm."""
    note = (
        f"In {alarms['hours']:.2f} h, without the time of annotated ventricular rhythms, asystole and noise. "
        "Not confirmed: the annotations show nothing of that kind at that time."
    )
    columns = ("alarm", "number", "number an hour", "not confirmed", "not confirmed an hour")
    table = console.table("Alarms of the device against the annotations", *columns, note=note)
    for kind, one in alarms["kinds"].items():
        if not one["told"]:
            continue
        false = "-" if one["false"] is None else str(one["false"])
        rates = (_rate(one["told_per_hour"]), _rate(one["false_per_hour"]))
        table.add_row(kind, str(one["told"]), rates[0], false, rates[1])
    return table


def _rate(per_hour: float | None) -> str:
    return "-" if per_hour is None else f"{per_hour:.2f}"


def _score_table(results: SessionResults) -> ResultTable:
    """EC57's figures of the device's beats, from each start on."""
    halves = " DS1 and DS2 are the halves of mitdb, by patient, for training and for testing."
    note = (
        "Se, sensitivity: annotated beats that were found. +P, positive predictivity: reported beats that "
        "are right. QRS: all beats; VEB: ventricular ectopic beats. Each beat has the same weight."
    ) + halves * (len(results["scores"]) > 1)
    table = console.table(
        "Beats of the device against the annotations",
        *("group", "scored from s", "records", "QRS Se %", "QRS +P %", "VEB Se %", "VEB +P %"),
        keys=2,
        note=note,
    )
    for group, scores in results["scores"].items():
        for one in scores["ec57"]:
            rates = (one["qrs_se"], one["qrs_ppv"], one["veb_se"], one["veb_ppv"])
            cells = (percent(rate, 2) for rate in rates)
            table.add_row(group, f"{one['start_s']:g}", str(one["records"]), *cells)
    return table


def _event_differences_table(record: RecordResults) -> ResultTable:
    """The first rhythm events that differ, each with the reference's line above the device's."""
    name = f"{record['database']}/{record['record']}"
    fields = [field for field in RhythmEvent.__slots__ if field != "event_index"]
    table = console.table(f"First differing rhythm events of {name}", "event", "source", *fields, keys=2)
    for difference in record["first_event_differences"]:
        for who, event in (("reference", difference["expected"]), ("device", difference["device"])):
            cells = ["-"] * len(fields) if event is None else [str(event[field]) for field in fields]
            table.add_row(str(difference["event_index"]), who, *cells)
    return table


def _strip_differences_table(record: RecordResults) -> ResultTable:
    """The first strips whose results differ, each with the reference's line above the device's."""
    fields = ("sample", "label", "input_crc32", "output")
    title = f"First differing strips of {record['database']}/{record['record']}"
    table = console.table(title, "strip", "source", *fields, keys=2)
    for difference in record["first_strip_differences"]:
        for who, strip in (("reference", difference["expected"]), ("device", difference["device"])):
            table.add_row(str(difference["strip_index"]), who, *_cells(strip, fields))
    return table


def _differences_table(record: RecordResults) -> ResultTable:
    """The first beats that differ, each with the reference's line above the device's."""
    name = f"{record['database']}/{record['record']}"
    table = console.table(
        f"First differing beats of {name}", "beat", "source", "differs in", *_FIELDS, keys=3
    )
    for difference in record["first_differences"]:
        beat, fields = str(difference["beat_index"]), ", ".join(difference["fields"])
        table.add_row(beat, "reference", fields, *_cells(difference["expected"], _FIELDS))
        table.add_row(beat, "device", fields, *_cells(difference["device"], _FIELDS))
    return table


_FIELDS = ("r_sample", "rr_samples", "flags", "quality", "label", "input_crc32", "output")


def _cells(values: dict[str, Any] | None, names: Sequence[str]) -> list[str]:
    if values is None:
        return ["-"] * len(names)
    return [" ".join(map(str, values[name])) if name == "output" else str(values[name]) for name in names]
