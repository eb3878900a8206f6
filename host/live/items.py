"""Items of a live session: what every source delivers.

All sample numbers count from the start of the session at `Origin.fs_hz`, over gaps and restarts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ecg_edge.host.link.messages import RhythmEvent

INVALID = -32768
"""Sample without a value, as in WFDB's format 16."""

LONGEST_GAP_S: Final = 86_400
"""Longest gap that a recording holds as samples, in seconds; behind a longer one, another record begins."""


@dataclass(frozen=True)
class Origin:
    """Where samples come from.

    Attributes
    ----------
    name : str
        Port, record or file, as the user named it.
    device : str
        Board, firmware and engine; or the program that computed the beats.
    fs_hz : int
        Sampling rate in Hz.
    adu_per_mv : float
        ADC units per millivolt.
    lead : str
        Name of the lead; "ECG" where it is not known.
    labels : tuple of str
        WFDB symbols that beats can have.
    model_sha256 : str
        Model that labels the beats; "" for none.
    """

    name: str
    device: str
    fs_hz: int
    adu_per_mv: float
    lead: str = "ECG"
    labels: tuple[str, ...] = ()
    model_sha256: str = ""


@dataclass(frozen=True, eq=False)
class Wave:
    """Consecutive samples in ADC units, int16 shape (n,), and the lead flags of all of them."""

    start: int
    samples: NDArray[np.int16]
    lead_flags: int = 0

    @property
    def end(self) -> int:
        """First sample number after the block."""
        return self.start + len(self.samples)


@dataclass(frozen=True)
class Gap:
    """Samples that never arrived. `exact`: by the device's numbers, and not by the computer's clock."""

    start: int
    end: int
    reason: str
    exact: bool


@dataclass(frozen=True)
class BeatMark:
    """A beat: WFDB symbol, interval before it (0: none), quality (0 to 100), confidence (0 to 255)."""

    sample: int
    symbol: str
    rr_samples: int
    flags: int
    quality: int
    confidence: int


@dataclass(frozen=True)
class StripMark:
    """Label of the 10 s up to `sample` by the morphology network; confidence 0 to 255."""

    sample: int
    label: str
    confidence: int


@dataclass(frozen=True)
class QualityChange:
    """The signal turns bad or good at `sample`; `reasons` are the flags of beats."""

    sample: int
    bad: bool
    reasons: int


@dataclass(frozen=True)
class LeadChange:
    """An electrode comes off or on at `sample`; `flags` as in WAVE, 0 when all are on."""

    sample: int
    flags: int


@dataclass(frozen=True)
class LinkChange:
    """The device answers again, or no longer. `sample`: the first one that is affected."""

    sample: int
    up: bool
    text: str


@dataclass(frozen=True)
class Reference:
    """An annotation of the record, for comparison with the device."""

    sample: int
    symbol: str
    note: str


Mark: TypeAlias = (
    BeatMark | StripMark | QualityChange | LeadChange | LinkChange | RhythmEvent | Gap | Reference
)
"""Everything but samples."""

Item: TypeAlias = Wave | Mark


def place_of(mark: Mark) -> int:
    """Return the sample number that a mark belongs to."""
    if isinstance(mark, RhythmEvent):
        return mark.onset
    return mark.start if isinstance(mark, Gap) else mark.sample
