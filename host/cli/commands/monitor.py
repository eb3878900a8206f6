"""`ecg-edge monitor`: see a live session in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.errors import OutputError
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.live_options import (
    BaudOption,
    GainOption,
    LiveLine,
    ModelOption,
    PlayOption,
    ResetOption,
    SampleRateOption,
    TextOption,
    any_source,
)
from ecg_edge.host.cli.port_choice import AUTO
from ecg_edge.host.conformance.replay import MAINS_HZ
from ecg_edge.host.live.sources import Source
from ecg_edge.host.recording.reader import Reader
from ecg_edge.host.recording.recorder import Recorder
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE

EXAMPLES: Final = (
    "ecg-edge monitor /dev/ttyUSB0",
    "ecg-edge monitor mitdb/208 --play 10",
    "ecg-edge monitor synth/s09",
    "ecg-edge monitor /dev/ttyUSB0 --text --rate 250",
)


def monitor(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[PORT|SESSION|RECORD]",
            help="Port (auto: the only device), recording, folder of a replay session, or mitdb/208.",
        ),
    ] = AUTO,
    play: PlayOption = None,
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
    reset: ResetOption = False,
    rate_hz: SampleRateOption = None,
    model: ModelOption = BOARD_BUNDLE,
    data: options.DataOption = None,
    lead: options.LeadOption = "auto",
    mains_hz: options.MainsOption = MAINS_HZ,
) -> None:
    """Show live ECG, beats, rhythm events and alarms in a browser, until Ctrl-C.

    The page is served by this computer to this computer alone. With --listen other computers can see it; the
    address that is printed then has a token. No medical device.
    """
    source = any_source(
        LiveLine(name, gain, mains_hz, baud, text, rate_hz, model, reset), number, play, data, lead
    )
    reader = Reader(source)
    show = _terminal(reader) if tui else _page(source, reader, address, http_port, browser)
    reader.start(None if out is None else Recorder(out, source.origin, started=reader.session.started))
    try:
        show()
    except KeyboardInterrupt:
        pass
    finally:
        reader.stop()
    if reader.recording_error:
        raise OutputError(f"{out}: the recording stopped before the end: {reader.recording_error}")


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
