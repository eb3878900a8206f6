"""`ecg-edge bridge`: send a live session to an MQTT broker."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.figures import counted
from ecg_edge.ecg.files import locked_folder, write_json
from ecg_edge.host.bridge.bridge import Bridge
from ecg_edge.host.bridge.broker import Broker, BrokerError, BrokerRefusal
from ecg_edge.host.bridge.home_assistant import DISCOVERY_PREFIX
from ecg_edge.host.bridge.messages import DEFAULT_PREFIX, Topics
from ecg_edge.host.bridge.outbox import DEFAULT_LIMIT_BYTES, Outbox
from ecg_edge.host.bridge.publisher import Publisher
from ecg_edge.host.cli import console, options
from ecg_edge.host.cli.commands.record import stopped_by_signals
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
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE

EXAMPLES: Final = (
    "ecg-edge bridge /dev/ttyUSB0 --mqtt mqtt://localhost",
    "ecg-edge bridge /dev/ttyUSB0 --mqtt mqtts://ward@broker.example --ca ca.pem --name bed3",
    "ecg-edge bridge synth/s09 --mqtt mqtt://localhost",
)
_MEGABYTE: Final = 1_000_000


def bridge(
    mqtt: Annotated[str, typer.Option("--mqtt", metavar="URL", help="Broker: mqtt[s]://[USER@]HOST[:PORT].")],
    name: Annotated[
        str,
        typer.Argument(
            metavar="[PORT|RECORD|SESSION]",
            help="Port (auto: the only device), mitdb/208, recording, or folder of a replay session.",
        ),
    ] = AUTO,
    device: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name in the topics. Else computer and port.")
    ] = None,
    prefix: Annotated[
        str, typer.Option("--topic", metavar="PREFIX", help="First part of the topics.")
    ] = DEFAULT_PREFIX,
    password_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the password. Else ECG_EDGE_MQTT_PASSWORD."),
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="Certificates to trust, for mqtts://.")
    ] = None,
    discovery: Annotated[
        bool, typer.Option("--home-assistant/--no-home-assistant", help="Appear in Home Assistant.")
    ] = True,
    buffer_mb: Annotated[
        int,
        typer.Option("--buffer", metavar="MB", min=1, help="Most to keep on disk while the broker is away."),
    ] = DEFAULT_LIMIT_BYTES // _MEGABYTE,
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for it. Else ~/.local/state/ecg-edge.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline-start", help="Begin although the broker cannot be reached.")
    ] = False,
    play: PlayOption = None,
    number: Annotated[
        int, typer.Option("--number", min=1, metavar="N", help="Which record of a replay session.")
    ] = 1,
    gain: GainOption = None,
    baud: BaudOption = None,
    text: TextOption = False,
    reset: ResetOption = False,
    rate_hz: SampleRateOption = None,
    model: ModelOption = BOARD_BUNDLE,
    data: options.DataOption = None,
    lead: options.LeadOption = "auto",
    mains_hz: options.MainsOption = MAINS_HZ,
    json: options.JsonOption = None,
) -> None:
    """Send live ECG, beats, rhythm events and state to an MQTT broker (version 5), until Ctrl-C.

    Messages stay on disk until the broker has them, also over a restart of this program. Exits with 3 when
    there is no device or no broker at the start.
    """
    topics = Topics(device or _default_name(name), prefix)
    broker = Broker.of(mqtt, password_file, ca)
    if broker.exposes_password:
        console.warn("the password crosses the network without encryption; use mqtts://")
    source = any_source(
        LiveLine(name, gain, mains_hz, baud, text, rate_hz, model, reset), number, play, data, lead
    )
    folder = (state or _state_folder()) / "bridge" / prefix.replace("/", "-") / topics.name
    with stopped_by_signals() as stop, locked_folder(folder):
        outbox = Outbox(folder / "outbox.sqlite", buffer_mb * _MEGABYTE)
        with Publisher(broker, topics, outbox, console.note) as publisher:
            _connect(publisher, offline)
            console.note(f"Topics {topics.of('...')} at {broker.title}; Ctrl-C stops.")
            prefix_or_none = DISCOVERY_PREFIX if discovery else None
            Bridge(source, topics, outbox, publisher, prefix_or_none, console.note).run(stop)
        _show(outbox)
        if json:
            write_json(json, {"lost": asdict(source.losses), "buffer": outbox.state})
        outbox.close()


def _connect(publisher: Publisher, offline: bool) -> None:
    try:
        publisher.connect()
    except BrokerError as error:
        if isinstance(error, BrokerRefusal) or not offline:
            raise
        console.note(f"{error} Messages wait on the disk.")


def _default_name(source: str) -> str:
    words = f"{socket.gethostname()}-{source.removeprefix('/dev/')}"
    return re.sub(r"[^A-Za-z0-9_-]+", "-", words).strip("-")[:64]


def _state_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "ecg-edge"


def _show(outbox: Outbox) -> None:
    state = outbox.state
    if state["messages"]:
        console.out.print(
            f"{counted(state['messages'], 'message')} in {outbox.path}. Bridge again to send them.",
            markup=False,
        )
    if state["dropped"]:
        console.out.print(
            f"Dropped, as the buffer was full: {counted(state['dropped'], 'message')}.", markup=False
        )
