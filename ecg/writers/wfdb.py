"""Writer of WFDB records: header and signal file, each complete or absent, the header last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.files import write_bytes, write_text
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


def _decimal(rate_hz: Rate) -> str:
    exact = exact_rate(rate_hz)
    return str(exact.numerator) if exact.denominator == 1 else repr(float(exact))


def _pack_212(values: npt.NDArray[np.int64]) -> bytes:
    """Pack pairs of 12-bit samples into three bytes; the upper bits of both share the middle one."""
    first, second = np.pad(values, (0, len(values) % 2)).reshape(-1, 2).T & 0xFFF
    shared = first >> 8 | second >> 8 << 4
    packed = np.stack([first & 0xFF, shared, second & 0xFF], axis=1).astype(np.uint8)
    return packed.tobytes()[: -(-len(values) * 3 // 2)]
