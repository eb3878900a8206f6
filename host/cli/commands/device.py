"""`ecg-edge device`: what a device says of itself, and its settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.files import write_json
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.selection import select_records
from ecg_edge.ecg.synthetic.textbook import synthetic_root
from ecg_edge.host.cli import console, lazy, options
from ecg_edge.host.cli.port_choice import AUTO, found_port
from ecg_edge.host.devices.device_log import describe, read_log
from ecg_edge.host.devices.platformio import present_program
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.devices.settings import change_settings
from ecg_edge.host.devices.soak import soak as run
from ecg_edge.host.link.client import Link
from ecg_edge.host.link.messages import DeviceStatus, GetStatus
from ecg_edge.host.link.transports import DEFAULT_BAUD
from ecg_edge.host.live.device import KEEP_ALIVE_S
from ecg_edge.host.reference import device_states as names

app = typer.Typer(
    help="Show what a device reports of itself, and change its settings.",
    no_args_is_help=True,
    add_completion=False,
    context_settings=lazy.CONTEXT,
    epilog=console.examples("ecg-edge device info"),
)

FS_HZ: Final = 360
PortArgument = Annotated[str, typer.Argument(metavar="[PORT]", help="Port. Else the only device's.")]
BaudOption = Annotated[int, typer.Option(metavar="BAUD", min=1200, max=4_000_000, help="Baud rate.")]


@contextmanager
def _linked(port: str, baud: int) -> Iterator[Link]:
    with open_transport(found_port(port), baud) as transport:
        link = Link(transport)
        info = link.handshake()
        console.note(f"{info.board}, firmware {info.firmware_version}, engine {info.engine}")
        yield link


def status_figures(status: DeviceStatus) -> dict[str, Any]:
    """Return the fields of STATUS with their texts, in the units that people read."""
    figures: dict[str, Any] = asdict(status)
    for part in ("mode", "host", "log"):
        figures[part] = names.STATES.get(figures[part], str(figures[part]))
    figures["reset_cause"] = names.RESET_CAUSES.get(status.reset_cause, str(status.reset_cause))
    figures["settings_source"] = names.SETTINGS_SOURCES.get(status.settings_source, "?")
    figures["jitter_us"] = round(1e6 * status.jitter_ticks / status.tick_hz, 2)
    figures["awake_percent"] = status.awake_permille / 10
    for name in ("jitter_ticks", "tick_hz", "awake_permille"):
        del figures[name]
    return figures


def _show(figures: dict[str, Any]) -> None:
    width = max(map(len, figures))
    for name, value in figures.items():
        console.out.print(f"{name.replace('_', ' '):{width}}  {value}", markup=False)


@app.command(epilog=console.examples("ecg-edge device info", "ecg-edge device info native"))
def info(port: PortArgument = AUTO, baud: BaudOption = DEFAULT_BAUD, json: options.JsonOption = None) -> None:
    """Show mode, counters, stack, sampling jitter and the share of time that the processor is awake."""
    with _linked(port, baud) as link:
        figures = status_figures(link.ask(GetStatus(), DeviceStatus))
    _show(figures)
    if json:
        write_json(json, figures)


@app.command("reset-cause", epilog=console.examples("ecg-edge device reset-cause"))
def reset_cause(
    port: PortArgument = AUTO, baud: BaudOption = DEFAULT_BAUD, json: options.JsonOption = None
) -> None:
    """Show why the device started, now and in the starts of its log."""
    with _linked(port, baud) as link:
        status = link.ask(GetStatus(), DeviceStatus)
        starts = [record for record in read_log(link) if record.kind == names.LOG_START]
    figures = {
        "now": names.RESET_CAUSES.get(status.reset_cause, "?"),
        "starts": [
            {"boot": start.boot, "cause": names.RESET_CAUSES.get(start.detail, "?")} for start in starts
        ],
    }
    console.out.print(figures["now"], markup=False)
    for start in starts:
        console.out.print(f"  start {start.boot}: {describe(start)}", markup=False)
    if json:
        write_json(json, figures)


@app.command(epilog=console.examples("ecg-edge device log"))
def log(port: PortArgument = AUTO, baud: BaudOption = DEFAULT_BAUD, json: options.JsonOption = None) -> None:
    """Show the log: starts, modes, rhythm events and losses, the oldest first."""
    with _linked(port, baud) as link:
        records = read_log(link)
    for record in records:
        place = f"{record.number:6}  start {record.boot}  {record.seconds:7} s  sample {record.sample:9}"
        console.out.print(f"{place}  {describe(record)}", markup=False)
    if json:
        rows = [{**asdict(record), "data": record.data.hex(), "text": describe(record)} for record in records]
        write_json(json, rows)


def _host_timeout(seconds: int | None) -> int | None:
    if seconds is not None and 0 < seconds < 2 * KEEP_ALIVE_S:
        raise typer.BadParameter(
            f"{seconds}; it is 0 or at least {2 * KEEP_ALIVE_S:.0f}: the host of a live session sends a "
            f"frame every {KEEP_ALIVE_S:.0f} s, and a device that waits less takes it for gone"
        )
    return seconds


@app.command(epilog=console.examples("ecg-edge device settings", "ecg-edge device settings --mains 60"))
def settings(
    port: PortArgument = AUTO,
    gain: Annotated[
        int | None, typer.Option(metavar="ADU", min=20, max=20000, help="ADC units per millivolt.")
    ] = None,
    mains: Annotated[int | None, typer.Option(metavar="HZ", help="Mains frequency: 0, 50 or 60.")] = None,
    live_alone: Annotated[bool | None, typer.Option(help="Begin LIVE without a host.")] = None,
    buzzer: Annotated[
        bool | None, typer.Option(help="Sound alarms on the buzzer, where there is one.")
    ] = None,
    log_events: Annotated[bool | None, typer.Option(help="Keep rhythm events in the log.")] = None,
    host_timeout: Annotated[
        int | None,
        typer.Option(
            metavar="S",
            min=0,
            max=255,
            callback=_host_timeout,
            help="Silence after which the host is away, 10 or more; 0: never.",
        ),
    ] = None,
    baud: BaudOption = DEFAULT_BAUD,
    json: options.JsonOption = None,
) -> None:
    """Show the settings; with options, change and keep them."""
    changes: dict[str, int | None] = {
        "adu_per_mv": gain,
        "mains_hz": mains,
        "live_alone": live_alone,
        "buzzer": buzzer,
        "log_events": log_events,
        "host_timeout_s": host_timeout,
    }
    wanted = {name: int(value) for name, value in changes.items() if value is not None}
    with _linked(port, baud) as link:
        found = change_settings(link, wanted)
    figures = {**asdict(found), "source": names.SETTINGS_SOURCES.get(found.source, "?")}
    _show(figures)
    if json:
        write_json(json, figures)


def _signal(name: str, seconds: int, data: Path | None) -> tuple[NDArray[np.int16], int]:
    """Return the start of a record, int16 (seconds * 360,), and its ADC units per millivolt."""
    root = synthetic_root(data) if name.startswith("synth/") else data
    (selected, *_) = select_records([name], root)
    record = load_record(selected.root, selected.database, selected.name, annotator=None)
    return record.samples[: seconds * FS_HZ], record.adu_per_mv


@app.command(epilog=console.examples("ecg-edge device soak", "ecg-edge device soak mitdb/100 --hours 1"))
def soak(
    record: Annotated[str, typer.Argument(metavar="[RECORD]", help="Record whose start is repeated.")] = (
        "synth/s09"
    ),
    hours: Annotated[float, typer.Option(metavar="H", min=0.1, help="Length, in the device's time.")] = 24.0,
    seconds: Annotated[int, typer.Option(metavar="S", min=10, help="Length of what is repeated.")] = 60,
    image: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Native program. Else that of the last build.")
    ] = None,
    data: options.DataOption = None,
    json: options.JsonOption = None,
) -> None:
    """Run the native program in live mode for hours of its time, and check every sample and counter.

    Exits with 1 when a sample is missing or wrong, or when counters do not add up.
    """
    program, (signal, gain) = image or present_program("native"), _signal(record, seconds, data)
    total = max(1, int(hours * 3600 * FS_HZ // len(signal))) * len(signal)
    with console.step(f"Playing {hours:g} h"):
        found = run(program, signal, gain, hours)
    faults = found.faults(total)
    for fault in faults:
        console.out.print(fault, markup=False)
    rate = found.samples / FS_HZ / found.seconds
    console.out.print(
        f"{counted(found.samples, 'sample')}, {counted(found.beats, 'beat')}, "
        f"{counted(found.events, 'event')} in {found.seconds:.0f} s "
        f"({rate:.0f} times real time): {'FAULTS' if faults else 'all add up'}",
        markup=False,
    )
    if json:
        write_json(json, {**asdict(found), "faults": faults})
    if faults:
        raise typer.Exit(1)
