"""Time without samples in EDF+, which has no value for a missing sample: annotations name it.

`ecg-edge record` writes them, with samples at the lower end of the range in their place.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.header import Header

GAP_NOTE: Final = "gap: "
"""Begin of the annotation of a gap; the reason follows."""
FILL_NOTE: Final = f"{GAP_NOTE}the recording has ended"
"""Annotation of what the last second lacks: data records of EDF are whole."""

_SECONDS: Final = rb"([0-9]+(?:\.[0-9]+)?)"
_GAP: Final = re.compile(rb"\+" + _SECONDS + rb"\x15" + _SECONDS + rb"\x14" + GAP_NOTE.encode())
"""Onset and duration."""
_FILL: Final = re.compile(rb"\+" + _SECONDS + rb"\x15" + _SECONDS + rb"\x14" + FILL_NOTE.encode())
_FIRST_SAMPLE: Final = re.compile(rb"\+" + _SECONDS + rb"\x14\x14")
"""Time of the first sample in the first annotation: the fraction of a second that the header lacks."""


class Gaps(NamedTuple):
    """Time without samples in a file.

    Attributes
    ----------
    spans_s : tuple of (float, float)
        Start and end of each gap, in seconds from the first sample.
    end_s : float or None
        End of the recording, where the last data record goes on behind it.
    """

    spans_s: tuple[tuple[float, float], ...] = ()
    end_s: float | None = None

    def mask(self, count: int, rate_hz: float) -> npt.NDArray[np.bool_]:
        """Mark the samples of a signal that lie in a gap.

        Parameters
        ----------
        count : int
            Length of the signal.
        rate_hz : float
            Its samples a second.
        """
        mask = np.zeros(count, np.bool_)
        for start_s, end_s in self.spans_s:
            mask[round(start_s * rate_hz) : round(end_s * rate_hz)] = True
        return mask


def read_gaps(header: Header, frames: int) -> Gaps:
    """Read the gaps that an EDF+ file names; none where it has no annotations.

    Parameters
    ----------
    header : Header
        The file's.
    frames : int
        Length of the file in data records.
    """
    content = _annotations(header, frames)
    first = _FIRST_SAMPLE.search(content)
    begin_s = float(first[1]) if first else 0.0
    spans_s = []
    for onset, length in _GAP.findall(content):
        start_s = float(onset) - begin_s
        spans_s.append((max(start_s, 0.0), max(start_s + float(length), 0.0)))
    fill = _FILL.search(content)
    return Gaps(tuple(spans_s), max(float(fill[1]) - begin_s, 0.0) if fill else None)


def _annotations(header: Header, frames: int) -> bytes:
    """Read the bytes of the annotations of all data records: the samples of signals may hold any bytes."""
    if not frames or not any(signal.is_annotations for signal in header.signals):
        return b""
    widths = [signal.samples_per_frame for signal in header.signals]
    starts = np.cumsum([0, *widths])
    words = np.memmap(header.path, "<i2", "r", header.signals[0].byte_offset, shape=(frames, int(starts[-1])))
    parts = [
        words[:, start : start + width].tobytes()
        for signal, start, width in zip(header.signals, starts, widths, strict=False)
        if signal.is_annotations
    ]
    return b"".join(parts)
