"""Options of the commands that read a live line, and the source that they describe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from ecg_edge.ecg.errors import EcgEdgeError
from ecg_edge.ecg.records import load_record
from ecg_edge.ecg.selection import select_records, without_suffix
from ecg_edge.host.cli import options
from ecg_edge.host.cli.port_choice import AUTO, found_port
from ecg_edge.host.devices.ports import open_transport
from ecg_edge.host.link.transports import DEFAULT_BAUD, reset_board
from ecg_edge.host.live.device import DeviceSource
from ecg_edge.host.live.replayed import SessionSource, is_session
from ecg_edge.host.live.sources import LineSource, Source
from ecg_edge.host.recording.recording import Recording, RecordingSource, is_recording
from ecg_edge.host.reference.morphology import reference_morphology
from ecg_edge.quantize.bundle.manifest import BOARD_BUNDLE, load_bundle

AD8232_ADU_PER_MV: Final = 1365
"""Gain of the common AD8232 module at a 12-bit ADC of 3.3 V (docs/how-to/wiring.md)."""
TEXT_BAUD: Final = 115_200
_PORTS: Final = ("/dev/", "COM", "unix:", "socket:", "rfc2217:", "emulator", "pico", "native", "simulator")

GainOption = Annotated[
    float | None,
    typer.Option(
        "--gain",
        metavar="ADU",
        min=0.001,
        max=1_000_000,
        help=f"ADC units per millivolt. Else {AD8232_ADU_PER_MV}, an AD8232 module at 12 bits and 3.3 V.",
    ),
]
BaudOption = Annotated[
    int | None,
    typer.Option(
        metavar="BAUD",
        min=1200,
        max=4_000_000,
        help=f"Baud rate. Else {DEFAULT_BAUD}, with --text {TEXT_BAUD}.",
    ),
]
TextOption = Annotated[
    bool, typer.Option("--text", help="The device is any sketch that prints one number a line.")
]
SampleRateOption = Annotated[
    float | None, typer.Option("--rate", metavar="HZ", help="With --text: samples a second that it prints.")
]
PlayOption = Annotated[
    float | None,
    typer.Option(
        "--play",
        metavar="X",
        min=0.0,
        max=1_000_000,
        help="Play a record at X times real time; 0: all of it at once.",
    ),
]
ResetOption = Annotated[bool, typer.Option("--reset", help="Reset the board first (ESP32: by DTR and RTS).")]
ModelOption = Annotated[
    Path, options.model_option("Model bundle that labels beats where no device does.", options.BOARD_DEFAULT)
]


@dataclass(frozen=True)
class LiveLine:
    """The options of a line.

    Attributes
    ----------
    port : str
        A port, or "auto" for the only device that answers.
    gain, mains_hz, baud, text, rate_hz, model, reset
        The options' values.
    """

    port: str
    gain: float | None
    mains_hz: int
    baud: int | None
    text: bool
    rate_hz: float | None
    model: Path = BOARD_BUNDLE
    reset: bool = False

    def source(self) -> LineSource:
        """Make the source.

        Raises
        ------
        EcgEdgeError
            When options are missing or do not fit.
        """
        port = self.port if self.text else found_port(self.port)
        if self.reset:
            reset_board(port)
        return self._text_source(port) if self.text else self._device_source(port)

    def _device_source(self, port: str) -> LineSource:
        if self.rate_hz is not None:
            raise EcgEdgeError("--rate is for --text: a device names its own rate.")
        gain = AD8232_ADU_PER_MV if self.gain is None else round(self.gain)
        baud, bundle = self.baud or DEFAULT_BAUD, load_bundle(self.model) if port == "simulator" else None
        return DeviceSource(lambda: open_transport(port, baud, bundle), port, gain, self.mains_hz)

    def _text_source(self, port: str) -> LineSource:
        from ecg_edge.host.live.text import TextSource  # loads the network

        if self.rate_hz is None:
            raise EcgEdgeError("--text needs --rate, the samples a second of the sketch: --rate 250.")
        gain, baud = self.gain or AD8232_ADU_PER_MV, self.baud or TEXT_BAUD
        bundle = load_bundle(self.model)
        return TextSource(lambda: open_transport(port, baud), port, bundle, self.rate_hz, gain, self.mains_hz)


def any_source(
    line: LiveLine, number: int, play: float | None, data: Path | None, lead: str = "auto"
) -> Source:
    """Make the source of a port, a recording, a replay session, or a record.

    Parameters
    ----------
    line : LiveLine
        The options; `port` is what the user named.
    number : int
        Which record of a replay session, from 1.
    play : float or None
        Times real time, of a record or recording.
    data : Path or None
        Folder of the databases.
    lead : str
        Lead of a record.
    """
    name = line.port
    path = Path(name)
    if line.text or name == AUTO or name.startswith(_PORTS) or path.is_char_device():
        return line.source()
    path = without_suffix(path)
    if is_recording(path):
        return RecordingSource(Recording(path), 0.0 if play is None else play)
    if is_session(path):
        return SessionSource(path, number - 1)
    return _record_source(line, 1.0 if play is None else play, data, lead)


def _record_source(line: LiveLine, speed: float, data: Path | None, lead: str) -> Source:
    from ecg_edge.host.live.computed import RecordSource  # loads the network

    (selected, *_) = select_records([line.port], data)
    record = load_record(selected.root, selected.database, selected.name, lead)
    second = options.morphology_path(None)
    morphology = reference_morphology(load_bundle(second)) if second else None
    return RecordSource(record, load_bundle(line.model), speed, line.mains_hz, morphology=morphology)
