"""`ecg-edge monitor`: see a live session in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.selection import select_records
from ecg_edge.ecg.synthetic.textbook import DATABASE as SYNTHETIC
from ecg_edge.ecg.synthetic.textbook import synthetic_root
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.live_options import (
    AUTO,
    BaudOption,
    GainOption,
    LiveLine,
    ModelOption,
    SampleRateOption,
    TextOption,
)
from ecg_edge.host.conformance.replay import MAINS_HZ
from ecg_edge.host.live.computed import RecordSource
from ecg_edge.host.live.replayed import SessionSource, is_session
from ecg_edge.host.live.sources import Source
from ecg_edge.host.recording.reader import Reader
from ecg_edge.host.recording.recorder import Recorder
from ecg_edge.host.recording.recording import Recording, RecordingSource, is_recording
from ecg_edge.host.reference.morphology import reference_morphology
from ecg_edge.quantize.bundle.manifest import SHIPPED_BUNDLE, load_bundle

EXAMPLES: Final = (
    "ecg-edge monitor /dev/ttyUSB0",
    "ecg-edge monitor mitdb/208 --play 10",
    "ecg-edge monitor synth/s09",
    "ecg-edge monitor /dev/ttyUSB0 --text --rate 250",
)
_SERIAL: Final = ("/dev/", "COM", "unix:", "socket:", "rfc2217:", "emulator", "native", "simulator")


def monitor(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[PORT|SESSION|RECORD]",
            help="Port (auto: the only device), recording, folder of a replay session, or mitdb/208.",
        ),
    ] = AUTO,
    play: Annotated[
        float | None,
        typer.Option(metavar="X", min=0.0, help="Play a record at X times real time; 0: all of it at once."),
    ] = None,
    number: Annotated[
        int, typer.Option("--number", min=1, metavar="N", help="Which record of a replay session.")
    ] = 1,
    out: Annotated[
        Path | None, typer.Option("--record", metavar="OUT", help="Record too, as `ecg-edge record` does.")
    ] = None,
    address: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS", help="Address of the page; others need a token.")
    ] = "127.0.0.1",
    http_port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="TCP port; 0: any.")
    ] = 8360,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    tui: Annotated[bool, typer.Option("--tui", help="Show it in this terminal, and no page.")] = False,
    gain: GainOption = None,
    baud: BaudOption = None,
    text: TextOption = False,
    rate_hz: SampleRateOption = None,
    model: ModelOption = SHIPPED_BUNDLE,
    data: options.DataOption = None,
    lead: options.LeadOption = "auto",
    mains_hz: options.MainsOption = MAINS_HZ,
) -> None:
    """Show live ECG, beats, rhythm events and alarms in a browser, until Ctrl-C.

    The page is served by this computer to this computer alone. With --listen other computers can see it; the
    address that is printed then has a token. No medical device.
    """
    line = LiveLine(name, gain, mains_hz, baud, text, rate_hz, model)
    source: Source
    if text or _is_port(name):
        source = line.source()
    else:
        source = _stored(name, number - 1, play, model, data, lead, mains_hz)
    reader = Reader(source)
    show = _terminal(reader) if tui else _page(source, reader, address, http_port, browser)
    reader.start(None if out is None else Recorder(out, source.origin))
    try:
        show()
    except KeyboardInterrupt:
        pass
    finally:
        reader.stop()


def _page(source: Source, reader: Reader, address: str, http_port: int, browser: bool) -> Callable[[], None]:
    """Make the page, print its address, and return the function that serves it."""
    from ecg_edge.host.monitor.server import Monitor  # an optional extra

    page = Monitor(source, reader, address, http_port)
    console.note(f"{source.origin.name}: {source.origin.device}. Ctrl-C stops.")
    console.out.print(page.url, markup=False)
    if browser:
        typer.launch(page.url)
    return page.run


def _terminal(reader: Reader) -> Callable[[], None]:
    from ecg_edge.host.monitor.terminal import TerminalMonitor  # an optional extra

    terminal = TerminalMonitor(reader.session)
    return lambda: terminal.run()


def _is_port(name: str) -> bool:
    return name == AUTO or name.startswith(_SERIAL)


def _stored(
    name: str,
    number: int,
    play: float | None,
    model: Path,
    data: Path | None,
    lead: str,
    mains_hz: int,
) -> Source:
    """Make the source of a recording, a replay session, or a record."""
    path = Path(name)
    path = path.with_suffix("") if path.suffix == ".hea" else path
    speed = 1.0 if play is None else play
    if is_recording(path):
        return RecordingSource(Recording(path), 0.0 if play is None else play)
    if is_session(path):
        return SessionSource(path, number)
    root = synthetic_root(data) if name.startswith(f"{SYNTHETIC}/") else data
    (selected, *_) = select_records([name], root)
    record = load_record(selected.root, selected.database, selected.name, lead)
    second = options.morphology_path(None)
    morphology = reference_morphology(load_bundle(second)) if second else None
    return RecordSource(record, load_bundle(model), speed, mains_hz, morphology=morphology)
