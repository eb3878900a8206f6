"""`ecg-edge record`: keep a live session in files, or convert one."""

from __future__ import annotations

import math
import re
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ecg_edge.ecg.errors import EcgEdgeError, LinkError, OutputError, RecordError
from ecg_edge.ecg.figures import counted, duration_text
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.selection import without_suffix
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.live_options import (
    BaudOption,
    GainOption,
    LiveLine,
    ModelOption,
    ResetOption,
    SampleRateOption,
    TextOption,
)
from ecg_edge.host.conformance.replay import MAINS_HZ
from ecg_edge.host.live.link_notes import LinkNotes
from ecg_edge.host.live.replayed import SessionSource, is_session
from ecg_edge.host.live.sources import LineSource
from ecg_edge.host.live.timeline import Losses
from ecg_edge.host.recording.fhir import Strip, observation
from ecg_edge.host.recording.recorder import Recorder
from ecg_edge.host.recording.recording import Recording, RecordingSource, is_recording
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE

EXAMPLES: Final = (
    "ecg-edge record /dev/ttyUSB0 night --rotate 1h",
    "ecg-edge record --from night night.edf",
    "ecg-edge record --from night strip.json --start-s 60 --seconds 30",
    "ecg-edge record --from sessions/20260131T101500Z-emulator strip",
)
FHIR_S: Final = 30.0
QUIET_S: Final = 5.0
"""Time without a number after which text mode warns, in seconds."""

LONGEST_S: Final = 1e9
"""Longest time that an option can name, in seconds: 30 years."""

_LIVE: Final = ("rotate", "gain", "mains_hz", "baud", "text", "reset", "rate_hz", "model")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_SIZES: Final = {"KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000}
_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")


def record(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="PORT OUT", help="Serial port, and folder and name of the record. With --from: OUT alone."
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="SESSION",
            help="Convert a recording, or the folder of a replay session. OUT.edf: EDF+; OUT.json: FHIR.",
        ),
    ] = None,
    number: Annotated[
        int, typer.Option("--number", min=1, metavar="N", help="Which record of a replay session.")
    ] = 1,
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            min=1.0,
            max=LONGEST_S,
            help="Stop after S seconds. Else on Ctrl-C; of FHIR: 30.",
        ),
    ] = None,
    start_s: Annotated[
        float,
        typer.Option(
            metavar="S",
            min=0.0,
            max=LONGEST_S,
            help="Of FHIR: second at which the part begins.",
        ),
    ] = 0.0,
    rotate: Annotated[
        str | None, typer.Option(metavar="LENGTH", help="Begin another record after 30m, 1h, 50MB ...")
    ] = None,
    edf: Annotated[
        bool, typer.Option("--edf", help="Write each record as EDF+ too, when it is done.")
    ] = False,
    gain: GainOption = None,
    mains_hz: options.MainsOption = MAINS_HZ,
    baud: BaudOption = None,
    text: TextOption = False,
    reset: ResetOption = False,
    rate_hz: SampleRateOption = None,
    model: ModelOption = BOARD_BUNDLE,
    json: options.JsonOption = None,
) -> None:
    """Record live ECG, beats, rhythm events and signal quality as a WFDB record, until Ctrl-C.

    The record can be opened at every moment, also after this program was killed. The line is opened again
    when it is lost; the time until then is a gap of its length. Exits with 3 when there is no device at the
    start, or none any more at the end.
    """
    lost_at: datetime | None = None
    if source is not None:
        out_path = _only_out(names)
        _refuse(ctx, _without_effect(source, out_path), f"with --from {source} {out_path}")
        if out_path.suffix.lower() in (".edf", ".json"):
            _refuse_existing(out_path)
        if out_path.suffix.lower() == ".json":
            figures = _write_fhir(_source_of(source, number - 1), out_path, start_s, seconds or FHIR_S)
        else:
            figures = _convert(source, number - 1, out_path, edf)
    else:
        if len(names) != 2:
            raise typer.BadParameter("name the port and the record: `ecg-edge record /dev/ttyUSB0 night`")
        _refuse(ctx, ("number", "start_s"), "without --from")
        line, out = LiveLine(names[0], gain, mains_hz, baud, text, rate_hz, model, reset), names[1]
        if edf:
            _refuse_existing(Path(f"{out}.edf" if rotate is None else f"{out}_001.edf"))
        device = line.source()
        with stopped_by_signals() as stop:
            recorder, link = _run(device, Path(out), stop, seconds, rotate, text)
        lost_at = link.lost_at
        figures = _show(recorder, device.losses, edf)
    if json:
        write_json(json, figures)
    if lost_at is not None:
        raise LinkError(
            f"{names[0]}: the link was lost at {lost_at:%H:%M:%S} and not back at the end: the record ends "
            "there. Check cable and power, then record again."
        )


def _refuse(ctx: typer.Context, names: Iterable[str], where: str) -> None:
    """Refuse those of the parameters `names` that the command line has, because nothing would obey them."""
    given = [
        option.opts[0]
        for option in ctx.command.params
        if option.name in names
        and (origin := ctx.get_parameter_source(option.name)) is not None
        and origin.name == "COMMANDLINE"
    ]
    if given:
        raise typer.BadParameter(f"{', '.join(given)}: no effect {where}. Leave it out.")


def _refuse_existing(path: Path) -> None:
    """Refuse to replace EDF+ or FHIR, as `Recorder` refuses to replace a record."""
    if path.is_file():
        raise OutputError(f"{path}: exists already. Name another file.")


def _without_effect(source: Path, out: Path) -> list[str]:
    """Name the parameters that a conversion does not use."""
    suffix = out.suffix.lower()
    return [
        *_LIVE,
        *(() if suffix == ".json" else ("start_s", "seconds")),
        *(("edf",) if suffix in (".edf", ".json") else ()),
        *(("number",) if is_recording(without_suffix(source)) else ()),
    ]


def _only_out(names: list[str]) -> Path:
    if len(names) != 1:
        raise typer.BadParameter("with --from name the new record alone: `ecg-edge record --from night new`")
    return Path(names[0])


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C and SIGTERM set, so that the end of a session is orderly."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(
    device: LineSource,
    out: Path,
    stop: threading.Event,
    seconds: float | None,
    rotate: str | None,
    is_text: bool = False,
) -> tuple[Recorder, LinkNotes]:
    link = LinkNotes(console.warn, console.note)
    batches = device.items(stop)
    first = next(batches)  # the device answers: its rate and labels are known
    fs_hz = device.origin.fs_hz
    with Recorder(out, device.origin, _samples_of(rotate, fs_hz)) as recorder:
        console.note(f"{device.origin.device}. Recording {out}; Ctrl-C stops.")
        recorder.take(first)
        link.take(first)
        warn_at = time.monotonic() + QUIET_S if is_text else math.inf
        for items in batches:
            recorder.take(items)
            link.take(items)
            if time.monotonic() >= warn_at:
                _warn_if_quiet(recorder.samples, device.losses)
                warn_at = math.inf
            recorder.tick(device.drift.ppm if device.drift else None)
            if seconds is not None and recorder.samples / fs_hz + link.lost_s >= seconds:
                stop.set()
    return recorder, link


def _warn_if_quiet(samples: int, losses: Losses) -> None:
    if not samples:
        what = f"{counted(losses.bad_frames, 'line')} without a number" if losses.bad_frames else "no line"
        console.warn(f"{QUIET_S:g} s and {what} so far. Is --baud the rate of the sketch, and does it print?")


def _samples_of(text: str | None, fs_hz: int) -> int | None:
    """Read a length of time or a size of the signal file as a number of samples."""
    if text is None:
        return None
    match = _QUANTITY.fullmatch(text)
    if match and float(match[1]) > LONGEST_S:
        match = None
    unit = match[2] if match else ""
    if match and unit in _UNITS:
        samples = round(float(match[1]) * _UNITS[unit] * fs_hz)
    elif match and unit.upper() in _SIZES:
        samples = round(float(match[1]) * _SIZES[unit.upper()]) // 2
    else:
        raise typer.BadParameter(f"{text!r}; a length such as 30m, 1h or 50MB", param_hint="--rotate")
    if samples < 10 * fs_hz:
        raise typer.BadParameter(f"{text!r}; at least ten seconds of signal", param_hint="--rotate")
    return samples


def _convert(path: Path, number: int, out: Path, edf: bool) -> dict[str, Any]:
    source = _source_of(path, number)
    if out.suffix.lower() == ".edf":
        if not isinstance(source, RecordingSource):
            raise EcgEdgeError(f"{path}: make a WFDB record of the session first, then EDF+ of that.")
        name = without_suffix(path)
        lost = Losses(samples=Recording(name).missing_samples())
        return {"records": [name], "losses": lost, "edf": _write_edf([name], out)}
    recorder = Recorder(out, source.origin, started=source.started)
    try:
        with recorder:
            for items in source.items(threading.Event()):
                recorder.take(items)
    except BaseException:  # Ctrl-C, too, leaves no part of a conversion
        recorder.remove()
        raise
    return _show(recorder, source.losses, edf)


def _write_fhir(
    source: RecordingSource | SessionSource, out: Path, start_s: float, seconds: float
) -> dict[str, Any]:
    strip = Strip(source.origin, start_s, seconds)
    for items in source.items(threading.Event()):  # to the end: an event of the part may last until there
        strip.take(items)
    write_json(out, observation(strip, source.started))
    console.out.print(f"FHIR:    {out}", markup=False)
    return {"fhir": out}


def _source_of(path: Path, number: int) -> RecordingSource | SessionSource:
    name = without_suffix(path)
    if is_recording(name):
        recording = Recording(name)
        if missing := recording.missing_samples():
            seconds = missing / recording.origin.fs_hz
            console.warn(
                f"{name}.dat: cut off, {counted(missing, 'sample')} ({seconds:.1f} s) of the journal missing."
            )
        return RecordingSource(recording, speed=0)
    if is_session(path):
        return SessionSource(path, number)
    raise RecordError(f"{path}: neither a recording nor the folder of a replay session. Name another one.")


def _write_edf(records: list[Path], out: Path | None = None) -> list[Path]:
    from ecg_edge.host.recording.edf import holds_date, write_edf

    targets = []
    for path in records:
        recording, target = Recording(path), out or path.with_name(f"{path.name}.edf")
        _refuse_existing(target)
        write_edf(recording, target)
        if not holds_date(recording.started):
            console.warn(f"{target}: has 1985 for the year {recording.started.year}, which EDF+ cannot hold.")
        console.out.print(f"EDF+:    {target}", markup=False)
        targets.append(target)
    return targets


def _show(recorder: Recorder, losses: Losses, edf: bool) -> dict[str, Any]:
    """Print what was recorded, write EDF+ where it is wanted, and return the figures for --json."""
    for path in recorder.records:
        console.out.print(f"Record:  {path}.hea", markup=False)
    seconds = recorder.samples / recorder.fs_hz
    console.out.print(f"Length:  {seconds:.1f} s. Lost: {_lost_text(losses, recorder.fs_hz)}.", markup=False)
    figures: dict[str, Any] = {"records": recorder.records, "losses": losses}
    return {**figures, "edf": _write_edf(recorder.records)} if edf else figures


def _lost_text(losses: Losses, fs_hz: int) -> str:
    counts = asdict(losses)
    outage_s = counts.pop("outage_samples") / fs_hz
    parts = {
        name: counted(count, name.removesuffix("s").replace("_", " "))
        for name, count in counts.items()
        if count
    }
    if losses.outages:
        parts["outages"] += f" ({duration_text(round(outage_s, 1))})"
    return ", ".join(parts.values()) or "nothing"
