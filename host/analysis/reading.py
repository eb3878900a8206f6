"""One lead of one's own recording, from any file that is read, as a device would see it.

own = read_own(Path("night.csv"), Reading(rate_hz=250, unit="mV"))
own.record.samples, own.off_spans, own.started
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ecg_edge.ecg.errors import RecordError
from ecg_edge.ecg.header import FORMATS_READ
from ecg_edge.ecg.leads import AUTO
from ecg_edge.ecg.rates import exact_rate
from ecg_edge.ecg.records import GAIN_RANGE, Record, check_resampling, load_record, read_lead_rate, to_device
from ecg_edge.ecg.selection import without_suffix
from ecg_edge.ecg.signal_files import RawSignal
from ecg_edge.firmware import BOARD_RATES_HZ
from ecg_edge.host.analysis.tables import TABLE_SUFFIXES, Columns, read_matrix, read_table
from ecg_edge.host.conformance.folder import FRAMES_NAME
from ecg_edge.host.live.items import LeadChange
from ecg_edge.host.recording.recording import Recording, is_recording

UNITS: Final = {"V": Fraction(1000), "mV": Fraction(1), "uV": Fraction(1, 1000)}
ADU: Final = "adu"
RATES_HZ: Final = (50.0, 10_000.0)
SHORTEST_S: Final = 10.0
"""Below this the signal path has hardly learned the average beat."""

_TIME_UNITS_S: Final = (1e-6, 1e-3, 1.0)
_RATE_TOLERANCE: Final = 0.02
_FINE: Final = 1000
"""ADC units per millivolt of a table in millivolts."""


@dataclass(frozen=True)
class Reading:
    """What a file may not tell of itself.

    Attributes
    ----------
    lead : str
        Name or number of a lead or column; "auto" chooses an ECG lead of a record.
    rate_hz : float, optional
        Samples a second of a table, in Hz.
    unit : str, optional
        Of the values of a table: one of `UNITS`, or "adu" with `gain`.
    gain : float, optional
        ADC units per millivolt of a table.
    """

    lead: str = AUTO
    rate_hz: float | None = None
    unit: str | None = None
    gain: float | None = None


@dataclass(frozen=True, eq=False)
class OwnRecording:
    """One lead of a file.

    Attributes
    ----------
    path : Path
        As the user named it.
    record : Record
        The lead at a board's rate, without annotations.
    own_hz : Fraction
        Rate of the file.
    off_spans : ndarray of int64, shape (k, 2)
        Samples of the record in which an electrode was off or the file has no values.
    started : datetime or None
        Time of the first sample, where the file has it.
    is_unit_named : bool
        The user named unit or gain, which the file does not state.
    rate_doubt : str
        Why the rate that the user named may be wrong; "" where nothing speaks against it.
    """

    path: Path
    record: Record
    own_hz: Fraction
    off_spans: NDArray[np.int64]
    started: datetime | None = None
    is_unit_named: bool = False
    rate_doubt: str = ""


def is_own(path: Path) -> bool:
    """Test if a name is that of a file, or of a record beside its header, or ends as a table's."""
    is_table = path.suffix.lower() in (*TABLE_SUFFIXES, ".mat")
    return is_table or path.is_file() or _header_of(path).is_file()


def read_own(path: Path, reading: Reading) -> OwnRecording:
    """Read one lead of a recording.

    Parameters
    ----------
    path : Path
        WFDB record (header, or its name without a suffix), EDF, CSV or text, `.mat`, or a recording.
    reading : Reading

    Raises
    ------
    RecordError
        When the file is missing, empty, damaged or of another format, or what it does not tell is not given.
    """
    _check_reading(reading)
    if not path.name:  # "." or "/"
        raise _unread(path)
    header = _header_of(path)
    if path.suffix.lower() == ".edf" and path.is_file():
        own = _read_record(path, path.name, reading)
    elif header.is_file() and path.suffix.lower() not in TABLE_SUFFIXES:
        own = _read_record(path, header.stem, reading)
    elif path.is_file() and path.suffix.lower() in (*TABLE_SUFFIXES, ".mat"):
        own = _read_values(path, reading)
    else:
        raise _unread(path)
    if own.record.duration_s < SHORTEST_S:
        raise RecordError(f"{path}: {own.record.duration_s:.1f} s long; an analysis needs {SHORTEST_S:g} s.")
    return own


def _header_of(path: Path) -> Path:
    """Path of the header of a record that is named by any of its files, or without a suffix."""
    base = without_suffix(path)
    return base.with_name(f"{base.name}.hea")


def _check_reading(reading: Reading) -> None:
    if reading.unit is not None and reading.unit not in (*UNITS, ADU):
        raise RecordError(f"Unit {reading.unit!r} is not known. Name {', '.join(UNITS)} or {ADU}.")
    low, high = RATES_HZ
    if reading.rate_hz is not None and not low <= reading.rate_hz <= high:
        raise RecordError(f"A rate of {reading.rate_hz:g} Hz cannot be analyzed: {low:g} to {high:g} Hz.")
    if reading.gain is not None and not 0 < reading.gain < float("inf"):
        raise RecordError(f"A gain of {reading.gain:g} ADC units per mV is not above 0.")


def _unread(path: Path) -> RecordError:
    if (path / FRAMES_NAME).is_file():
        return RecordError(
            f"{path}: a replay session. Make a recording of it first: `ecg-edge record --from {path} NAME`."
        )
    if not path.exists():
        return RecordError(
            f"{path}: not found. Name a record, or an EDF, CSV or .mat file; a record by its name alone "
            "(213) is looked for in --data or ECG_EDGE_DATA."
        )
    if path.is_dir():
        return RecordError(f"{path}: a folder. Name a record, or an EDF, CSV or .mat file in it.")
    formats = f"{FORMATS_READ}, and text with one sample a line ({', '.join(TABLE_SUFFIXES)})"
    return RecordError(f"{path}: a format that is not read. Formats that are read: {formats}.")


def merged(*groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join spans that overlap or touch.

    Parameters
    ----------
    *groups : ndarray of int64, shape (n, 2)
        Start and end of each span, in any order.

    Returns
    -------
    ndarray of int64, shape (k, 2)
        Spans with time between them, ascending; empty ones are left out.
    """
    spans = np.concatenate([group.reshape(-1, 2) for group in groups]).astype(np.int64)
    spans = spans[spans[:, 0] < spans[:, 1]]
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    ends = np.maximum.accumulate(spans[:, 1])
    is_new = np.concatenate(([True], spans[1:, 0] > ends[:-1]))[: len(spans)]
    lasts = np.append(np.flatnonzero(is_new)[1:] - 1, len(spans) - 1)[: is_new.sum()]
    return np.stack([spans[is_new, 0], ends[lasts]], axis=1)


def board_rate(own_hz: float) -> int:
    """Return the rate of a board that is nearest to a file's, in Hz."""
    return min(BOARD_RATES_HZ, key=lambda rate_hz: (abs(rate_hz - own_hz), -rate_hz))


# ---- records ----------------------------------------------------------------------------------------


def _read_record(path: Path, name: str, reading: Reading) -> OwnRecording:
    if reading.rate_hz or reading.unit or reading.gain:
        raise RecordError(f"{path}: states its own rate and gain. Leave out --rate, --unit and --gain.")
    folder = path.absolute().parent
    own_hz = read_lead_rate(folder, name, reading.lead)
    if not RATES_HZ[0] <= own_hz <= RATES_HZ[1]:
        raise RecordError(
            f"{path}: {float(own_hz):g} Hz cannot be analyzed: {RATES_HZ[0]:g} to {RATES_HZ[1]:g} Hz."
        )
    record = load_record(folder.parent, folder.name, name, reading.lead, None, board_rate(float(own_hz)))
    base = folder / name
    spans, started = record.invalid_spans, _start_of(base)
    if is_recording(base):
        recording = Recording(base)
        spans, started = _with_leads(record, recording), recording.started
    return OwnRecording(path, record, own_hz, spans, started)


def _with_leads(record: Record, recording: Recording) -> NDArray[np.int64]:
    """Join the gaps of a recording with the time in which an electrode was off."""
    length, off = len(record.samples), list[tuple[int, int]]()
    since: int | None = None
    for _, mark in recording.marks():
        if isinstance(mark, LeadChange):
            if mark.flags and since is None:
                since = mark.sample
            elif not mark.flags and since is not None:
                off.append((since, mark.sample))
                since = None
    if since is not None:
        off.append((since, length))
    spans = np.array(off, np.int64).reshape(-1, 2)
    return merged(record.invalid_spans, spans.clip(0, length))


def _start_of(base: Path) -> datetime | None:
    """Read the time of the first sample from a header; None where it has none that can be read."""
    try:
        if base.suffix.lower() == ".edf":
            with base.open("rb") as file:
                text = file.read(184)[168:184].decode("latin-1")
            return _as_utc(datetime.strptime(text, "%d.%m.%y%H.%M.%S"))
        with base.with_name(f"{base.name}.hea").open(encoding="utf-8", errors="replace") as file:
            fields = next(line for line in file if line.strip() and not line.startswith("#")).split()
        clock, date = fields[4].partition(".")[0], fields[5]
        return _as_utc(datetime.strptime(f"{date} {clock}", "%d/%m/%Y %H:%M:%S"))
    except (IndexError, ValueError, StopIteration, OSError):
        return None


def _as_utc(moment: datetime) -> datetime:
    """Give a moment without a time zone one, so that all moments can be compared; it is shown as it is."""
    return moment.replace(tzinfo=timezone.utc)


# ---- tables -----------------------------------------------------------------------------------------


def _read_values(path: Path, reading: Reading) -> OwnRecording:
    columns = read_matrix(path) if path.suffix.lower() == ".mat" else read_table(path)
    if reading.rate_hz is None:
        raise RecordError(f"{path}: does not state its rate. Name it: {_rate_hint(columns)}.")
    name, values = columns.choose(path, reading.lead)
    raw = RawSignal(*_in_adu(path, values, reading), exact_rate(reading.rate_hz))
    fs_hz = board_rate(reading.rate_hz)
    check_resampling(path, raw, fs_hz)
    samples, adu_per_mv = to_device(raw, fs_hz)
    nothing: NDArray[Any] = np.zeros(0, np.int64)
    record = Record(path.stem, "", fs_hz, adu_per_mv, name, samples, nothing, nothing.astype("U1"), ())
    doubt = _rate_doubt(columns, reading.rate_hz)
    return OwnRecording(path, record, raw.rate_hz, record.invalid_spans, is_unit_named=True, rate_doubt=doubt)


def _rates_of_times(columns: Columns) -> tuple[str, list[float]]:
    """Return the column of times and the rates it may mean: in s, ms or us; a step of 1 may count samples."""
    name, step = columns.time_step() or ("", 1.0)
    return name, [1 / (step * unit_s) for unit_s in _TIME_UNITS_S if step != 1]


def _rate_hint(columns: Columns) -> str:
    name, rates = _rates_of_times(columns)
    possible = [rate for rate in rates if RATES_HZ[0] <= rate <= RATES_HZ[1]]
    return f"--rate {possible[0]:g}, by its column {name!r}" if len(possible) == 1 else "--rate 250"


def _rate_doubt(columns: Columns, rate_hz: float) -> str:
    """Compare a rate with the column of times."""
    name, rates = _rates_of_times(columns)
    nearest = min(rates, key=lambda rate: abs(math.log(rate / rate_hz)), default=rate_hz)
    if abs(nearest / rate_hz - 1) <= _RATE_TOLERANCE or not RATES_HZ[0] <= nearest <= RATES_HZ[1]:
        return ""
    found = f"{nearest:.4g} samples a second, not {rate_hz:g}"
    return f"by its column {name!r} the file has {found}: check --rate"


def _in_adu(
    path: Path, values: NDArray[np.float64], reading: Reading
) -> tuple[NDArray[np.float64], NDArray[np.bool_], Fraction]:
    """Values in fine ADC units, none invalid, and their gain."""
    unit = reading.unit or (ADU if reading.gain else None)
    if unit is None:
        raise RecordError(f"{path}: does not state its unit. Name it: --unit mV, or --gain for ADC units.")
    if unit == ADU and reading.gain is None:
        raise RecordError(f"{path}: ADC units need the gain, in ADC units per millivolt: --gain 200.")
    if unit != ADU and reading.gain is not None:
        raise RecordError(f"{path}: --gain is for ADC units; values in {unit} have none.")
    if unit == ADU:
        gain = Fraction(str(reading.gain))
        fine = gain if gain >= GAIN_RANGE[0] else Fraction(_FINE)
        scaled = values * float(fine / gain)
    else:
        fine, scaled = Fraction(_FINE), values * float(UNITS[unit] * _FINE)
    return scaled, np.zeros(len(values), np.bool_), fine
