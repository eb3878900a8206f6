"""Writer of WFDB records: header and signal file, each complete or absent, the header last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import write_bytes, write_text, writing_bytes
from ecg_edge.ecg.rates import Rate, exact_rate

_LIMIT_212: Final = 2047
"""Largest magnitude in format 212, whose -2048 marks an invalid sample."""


def write_record(
    folder: Path,
    name: str,
    samples: npt.NDArray[np.int64] | npt.NDArray[np.int16],
    *,
    fs_hz: Rate,
    adu_per_mv: int,
    lead: str,
    comments: Sequence[str] = (),
) -> Path:
    """Write a record of one lead: format 212 where 12 bits hold the samples, else format 16.

    Parameters
    ----------
    folder : Path
        Folder of the record; created when missing.
    name : str
        Name of the record: letters, digits and underscores.
    samples : ndarray of int, shape (n,)
        ADC units, 16 bits.
    fs_hz : Fraction or float
        Sampling rate in Hz.
    adu_per_mv : int
        ADC units per millivolt.
    lead : str
        Name of the lead.
    comments : sequence of str
        Lines of text for the header.

    Returns
    -------
    Path
        The header.

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    values = np.asarray(samples, np.int64)
    narrow = bool((np.abs(values) <= _LIMIT_212).all())
    write_bytes(folder / f"{name}.dat", _pack_212(values) if narrow else values.astype("<i2").tobytes())
    signal = f"{name}.dat {'212' if narrow else '16'} {adu_per_mv}/mV {12 if narrow else 16} 0"
    first = int(values[0]) if len(values) else 0
    checksum = (int(values.sum()) + 32768) % 65536 - 32768
    lines = [f"{name} 1 {_decimal(fs_hz)} {len(values)}", f"{signal} {first} {checksum} 0 {lead}"]
    header = folder / f"{name}.hea"
    write_text(header, "\n".join([*lines, *(f"# {comment}" for comment in comments)]) + "\n")
    return header


class SignalFile(NamedTuple):
    """What a header states of a signal file in format 16.

    Attributes
    ----------
    length : int
        Samples of each lead.
    first, checksums : ndarray of int64, shape (leads,)
        First value and 16-bit checksum of each lead.
    """

    length: int
    first: npt.NDArray[np.int64]
    checksums: npt.NDArray[np.int64]


def write_signals(folder: Path, name: str, segments: Iterable[npt.NDArray[np.int16]]) -> SignalFile:
    """Write a signal file in format 16 segment by segment.

    Parameters
    ----------
    folder, name
        As for `write_record`.
    segments : iterable of ndarray of int16, shape (n, leads)
        ADC units.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    length, first, sums = 0, np.zeros(0, np.int64), np.zeros(1, np.int64)
    with writing_bytes(folder / f"{name}.dat") as file:
        for segment in segments:
            first = first if length else segment[0].astype(np.int64)
            length += len(segment)
            sums = sums + segment.sum(axis=0, dtype=np.int64)
            file.write(segment.astype("<i2").tobytes())
    return SignalFile(length, first, (sums + 32768) % 65536 - 32768)


def write_header(
    folder: Path,
    name: str,
    signals: SignalFile,
    *,
    fs_hz: Rate,
    adu_per_mv: int,
    adc_bits: int,
    leads: Sequence[str],
    comments: Sequence[str] = (),
) -> Path:
    """Write the header of a signal file that `write_signals` wrote; parameters as for `write_record`."""
    lines = [f"{name} {len(leads)} {_decimal(fs_hz)} {signals.length}"]
    for lead, first, checksum in zip(leads, signals.first, signals.checksums, strict=True):
        lines.append(f"{name}.dat 16 {adu_per_mv}/mV {adc_bits} 0 {first} {checksum} 0 {lead}")
    header = folder / f"{name}.hea"
    write_text(header, "\n".join([*lines, *(f"# {comment}" for comment in comments)]) + "\n")
    return header


def _decimal(rate_hz: Rate) -> str:
    exact = exact_rate(rate_hz)
    return str(exact.numerator) if exact.denominator == 1 else repr(float(exact))


def _pack_212(values: npt.NDArray[np.int64]) -> bytes:
    """Pack pairs of 12-bit samples into three bytes; the upper bits of both share the middle one."""
    first, second = np.pad(values, (0, len(values) % 2)).reshape(-1, 2).T & 0xFFF
    shared = first >> 8 | second >> 8 << 4
    packed = np.stack([first & 0xFF, shared, second & 0xFF], axis=1).astype(np.uint8)
    return packed.tobytes()[: -(-len(values) * 3 // 2)]
