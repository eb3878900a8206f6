"""Synthetic records as files: WFDB with annotations, or EDF+.

A WFDB record has the annotations `atr` (beats and rhythms) and `waves` (onset, peak and end of P, QRS and T),
and a table of its beats. The header is written last: without it there is no record.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from ecg_edge.ecg.annotations import write_annotations
from ecg_edge.ecg.files import make_folder, replacing, reporting_write_errors, writing
from ecg_edge.ecg.synthetic.front_end import front_end
from ecg_edge.ecg.synthetic.generator import Samples, Segment, Settings, Source, SyntheticRecord, generate
from ecg_edge.ecg.synthetic.truth import Beat, Truth
from ecg_edge.ecg.writers.wfdb import write_header, write_signals

if TYPE_CHECKING:
    import edfio

WAVES: Final = "waves"
"""Annotator of the waves' bounds."""
COMMENT: Final = "Synthetic ECG made by ecg-edge; not a recording"

_SUFFIXES: Final = ("hea", "dat", "atr", WAVES, "csv")
_DECIMALS: Final = 4


def record_name(settings: Settings) -> str:
    """Name of the record, e.g. "st_depression_007"."""
    return f"{settings.kind.replace('-', '_')}_{settings.seed:03d}"


def write_wfdb(folder: Path, settings: Settings, seconds: float) -> tuple[Path, Truth]:
    """Generate a record and write it meanwhile, so that its length does not matter for the memory.

    Parameters
    ----------
    folder : Path
        Folder of the record; created when missing. A record of the same name is replaced.
    settings : Settings
    seconds : float
        Length in s.

    Returns
    -------
    Path
        The header.
    Truth
        Truth of the record.

    Raises
    ------
    OutputError
        When a file cannot be written; the files of the record are removed.
    SynthesisError
        For a length outside its range.
    """
    source, name, truth = Source(settings), record_name(settings), Truth()
    segments = source.segments(seconds)
    segments = chain([next(segments)], segments)  # a wrong length is an error before anything is written
    make_folder(folder)
    with _whole_or_absent([folder / f"{name}.{suffix}" for suffix in _SUFFIXES]):
        signals = write_signals(folder, name, (_noted(segment, truth) for segment in segments))
        write_annotations(folder, name, "atr", truth.annotations(), settings.fs_hz)
        write_annotations(folder, name, WAVES, truth.wave_annotations(signals.length), settings.fs_hz)
        _write_table(folder / f"{name}.csv", truth, settings.fs_hz)
        device = front_end(settings.front_end)
        header = write_header(
            folder,
            name,
            signals,
            fs_hz=settings.fs_hz,
            adu_per_mv=device.adu_per_mv,
            adc_bits=device.bits,
            leads=settings.leads,
            comments=_comments(source),
        )
    return header, truth


def write_edf(folder: Path, settings: Settings, seconds: float) -> tuple[Path, Truth]:
    """Generate a record and write it as EDF+ with its beats and rhythms as annotations; whole seconds only.

    Needs the package `edfio`. Parameters, results and errors as for `write_wfdb`, without the table.
    """
    import edfio  # an extra

    record = generate(settings, float(int(seconds)))
    device, fs_hz = front_end(settings.front_end), settings.fs_hz
    low, high = device.limits_adu
    signals = [
        edfio.EdfSignal.from_digital(
            np.ascontiguousarray(record.samples[:, number]),
            fs_hz,
            label=f"ECG {lead}",
            physical_dimension="mV",
            physical_range=(low / device.adu_per_mv, high / device.adu_per_mv),
            digital_range=(low, high),
        )
        for number, lead in enumerate(settings.leads)
    ]
    path = folder / f"{record_name(settings)}.edf"
    make_folder(folder)
    with replacing(path) as temporary:
        edfio.Edf(signals, annotations=_edf_annotations(record)).write(temporary)
    return path, record.truth


def _edf_annotations(record: SyntheticRecord) -> list[edfio.EdfAnnotation]:
    from edfio import EdfAnnotation  # an extra

    found = record.truth.annotations()
    texts = [aux or symbol for symbol, aux in zip(found.symbols.tolist(), found.aux, strict=True)]
    times = (found.samples / record.settings.fs_hz).tolist()
    return [EdfAnnotation(time_s, None, text) for time_s, text in zip(times, texts, strict=True)]


def _noted(segment: Segment, truth: Truth) -> Samples:
    truth.extend(segment.truth)
    return segment.samples


def _comments(source: Source) -> list[str]:
    settings, change = source.settings, source.change
    lines = [COMMENT, f"class: {settings.kind}", f"rhythm: {source.rhythm}", f"seed: {settings.seed}"]
    if change.st_mv is not None:
        lines.append(f"ST: {change.st_mv:.3f} mV at J + {change.point_ms} ms, {change.shape}")
    if change.t_mv is not None:
        lines.append(f"T: {change.t_mv:.3f} mV")
    return lines


@contextmanager
def _whole_or_absent(paths: list[Path]) -> Iterator[None]:
    """Remove the files of a record, the header first; and again when the block fails."""
    _remove(paths)
    try:
        yield
    except BaseException:  # Ctrl-C, too
        _remove(paths)
        raise


def _remove(paths: list[Path]) -> None:
    for path in paths:
        with reporting_write_errors(path):
            path.unlink(missing_ok=True)


def _write_table(path: Path, truth: Truth, fs_hz: int) -> None:
    """Write one line a beat: times in s, ST levels and T wave in mV."""
    with writing(path, newline="") as file:
        table = csv.writer(file)
        table.writerow([_column(name) for name in Beat._fields])
        for beat in truth.beats:
            table.writerow([_cell(name, value, fs_hz) for name, value in beat._asdict().items()])


def _column(name: str) -> str:
    return name if name == "symbol" or name.endswith("_mv") else f"{name.replace('sample', 'r')}_s"


def _cell(name: str, value: object, fs_hz: int) -> object:
    if isinstance(value, str):
        return value
    assert isinstance(value, (int, float))
    return round(value if name.endswith("_mv") else value / fs_hz, _DECIMALS)
