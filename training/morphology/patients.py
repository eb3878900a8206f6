"""Draw virtual patients with their class: what to generate, and which strip of it shows the class.

Every number of a strip follows from the patient's seed. Seeds of training, validation and test are apart, so
that no patient, no heart rate, no noise and no electrode is on two sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ecg_edge.ecg.synthetic.classes import MORPHOLOGY
from ecg_edge.ecg.synthetic.generator import Settings, SyntheticRecord, generate, patient_of
from ecg_edge.ecg.synthetic.leads import lead_matrix
from ecg_edge.ecg.synthetic.noise import TYPICAL, Noise
from ecg_edge.ecg.synthetic.st_changes import DEPRESSION, ELEVATION
from ecg_edge.firmware import STRIP_SECONDS, strips

Strips = npt.NDArray[np.int8]

SEEDS: Final = {"train": 10_000_000, "validation": 20_000_000, "test": 30_000_000}
"""First seed of each set; the generator's users start at 1."""
LEADS: Final = ("II", "I", "V5", "V4", "V6")
"""Leads in which the R wave is upright in most patients, so that an upright T wave is the normal one."""
RATES_BPM: Final = ((60.0, 100.0), (60.0, 100.0), (60.0, 100.0), (100.0, 150.0), (42.0, 60.0))
"""Limits of the sinus rate, of all classes with sinus rhythm alike: a rate tells nothing of ST and T."""
ARRHYTHMIAS: Final = (
    "atrial-premature",
    "ventricular-premature",
    "supraventricular-runs",
    "ventricular-runs",
    "bigeminy",
    "trigeminy",
    "atrial-fibrillation",
    "atrial-flutter",
    "wenckebach",
    "mobitz",
    "complete-av-block",
    "pauses",
    "ventricular-tachycardia",
    "ventricular-flutter",
    "ventricular-fibrillation",
)
"""The generator's classes that are an arrhythmia; bundle branch blocks are in no class."""
SUBTLE: Final = ("atrial-premature", "supraventricular-runs", "atrial-fibrillation", "atrial-flutter")
"""Those with narrow beats that a regular or breathing rhythm may look like."""
ARRHYTHMIA_SECONDS: Final = 45.0
SINUS_SECONDS: Final = 15.2

_PAUSE_RATIO: Final = 1.6  # an RR interval of so many medians is a pause or a missing beat
_EDGE_S: Final = (1.0, 0.8)  # a premature beat counts where the beats around it are in the strip too
_MOST_SINUS_S: Final = 6.0  # a strip of an episode shows at least 4 s of it


@dataclass(frozen=True)
class Ranges:
    """Limits of what is drawn.

    Attributes
    ----------
    snr_db : (float, float)
        Signal-to-noise ratio in dB; both alike: that ratio, with the typical mixture of noise.
    depression_mv, elevation_mv : (float, float)
        Size of the ST deviation in mV at J + 60 ms.
    inversion_mv : (float, float)
        Depth of the inverted T wave in mV.
    subtle : float
        Share of arrhythmias that are one of `SUBTLE`, beyond those of an even draw of all.
    sinus_arrhythmia : float
        Share of normal strips whose rate changes much with breathing.
    front_ends : tuple of str
        One is drawn.
    leads : tuple of str
        One is drawn, of those in which this patient's R wave is upright.
    noise : Noise or None
        Mixture of noise; None: the typical one at a single ratio, else drawn.
    """

    snr_db: tuple[float, float] = (0.0, 40.0)
    depression_mv: tuple[float, float] = (0.10, 0.30)
    elevation_mv: tuple[float, float] = (0.10, 0.50)
    inversion_mv: tuple[float, float] = (0.10, 0.50)
    subtle: float = 0.0
    sinus_arrhythmia: float = 0.2
    front_ends: tuple[str, ...] = ("mit-bih",)
    leads: tuple[str, ...] = LEADS
    noise: Noise | None = None


def draw(label: int, seed: int, ranges: Ranges) -> SyntheticRecord:
    """Generate a record of a class of `MORPHOLOGY`, by its index."""
    random = np.random.default_rng([seed, label])
    settings = Settings(
        seed=seed,
        leads=(str(random.choice(ranges.leads)),),
        front_end=str(random.choice(ranges.front_ends)),
        snr_db=float(random.uniform(*ranges.snr_db)),
        noise=ranges.noise or (TYPICAL if ranges.snr_db[0] == ranges.snr_db[1] else _mixture(random)),
        rate_bpm=RATES_BPM[int(random.integers(len(RATES_BPM)))],
    )
    settings = _CLASSES[MORPHOLOGY[label]](settings, ranges, random)
    seconds = ARRHYTHMIA_SECONDS if settings.kind in ARRHYTHMIAS else SINUS_SECONDS
    return generate(_with_upright_r(settings, ranges.leads), seconds)


def _normal(settings: Settings, ranges: Ranges, random: np.random.Generator) -> Settings:
    if random.uniform() < ranges.sinus_arrhythmia:
        return replace(settings, kind="sinus-arrhythmia", rate_bpm=None)
    return settings


def _arrhythmia(settings: Settings, ranges: Ranges, random: np.random.Generator) -> Settings:
    kinds = SUBTLE if random.uniform() < ranges.subtle else ARRHYTHMIAS
    return replace(settings, kind=str(random.choice(kinds)))


def _depression(settings: Settings, ranges: Ranges, random: np.random.Generator) -> Settings:
    return replace(settings, kind="st-depression", st_mv=-float(random.uniform(*ranges.depression_mv)))


def _elevation(settings: Settings, ranges: Ranges, random: np.random.Generator) -> Settings:
    return replace(settings, kind="st-elevation", st_mv=float(random.uniform(*ranges.elevation_mv)))


def _inversion(settings: Settings, ranges: Ranges, random: np.random.Generator) -> Settings:
    return replace(settings, kind="t-inversion", t_mv=-float(random.uniform(*ranges.inversion_mv)))


_CLASSES: Final = {
    "normal": _normal,
    "arrhythmia": _arrhythmia,
    "st-depression": _depression,
    "st-elevation": _elevation,
    "t-inversion": _inversion,
}


def _mixture(random: np.random.Generator) -> Noise:
    """Draw the parts of a noise; only their ratios count where a signal-to-noise ratio is given."""
    factors = 4.0 ** random.uniform(-1, 1, 4)
    return Noise(
        wander_mv=TYPICAL.wander_mv * factors[0],
        mains_mv=TYPICAL.mains_mv * factors[1],
        mains_hz=int(random.choice((50, 60))),
        muscle_mv=TYPICAL.muscle_mv * factors[2],
        white_mv=TYPICAL.white_mv * factors[3],
    )


def _with_upright_r(settings: Settings, leads: tuple[str, ...]) -> Settings:
    """Keep the drawn lead, or take the first one of the others with an upright R wave."""
    for lead in (settings.leads[0], *leads):
        chosen = replace(settings, leads=(lead,))
        if has_upright_r(chosen):
            return chosen
    return settings


def has_upright_r(settings: Settings) -> bool:
    """Whether the R wave of narrow beats is upright in the first lead."""
    r_wave_mv = patient_of(settings).shapes["N"].qrs.vectors_mv[0]
    return bool(lead_matrix(settings.leads)[0] @ r_wave_mv > 0)


def strip_of(record: SyntheticRecord, seed: int) -> Strips | None:
    """Choose a strip that shows the record's class.

    Returns
    -------
    ndarray of int8, shape (900,), or None
        None: no strip shows the arrhythmia.
    """
    found = strips(record.samples[:, 0], adu_per_mv=record.adu_per_mv, fs_hz=record.settings.fs_hz)
    if record.settings.kind not in ARRHYTHMIAS:
        return np.asarray(found["points"][-1])
    shown = [one["points"] for one in found if shows_arrhythmia(record, int(one["sample"]))]
    return np.asarray(shown[seed % len(shown)]) if shown else None


def shows_arrhythmia(record: SyntheticRecord, last: int) -> bool:
    """Whether the strip that ends with sample `last` shows the record's arrhythmia."""
    fs_hz, truth = record.settings.fs_hz, record.truth
    first = last - STRIP_SECONDS * fs_hz
    beats = [beat for beat in truth.beats if first <= beat.sample < last]
    inner = [b for b in beats if first + _EDGE_S[0] * fs_hz <= b.sample < last - _EDGE_S[1] * fs_hz]
    if any(beat.symbol not in "NLR" for beat in inner):
        return True
    if _sinus_s(record, first, last) <= _MOST_SINUS_S:
        return True
    rr = np.diff([beat.sample for beat in beats])
    return len(rr) > 2 and bool(rr.max() > _PAUSE_RATIO * np.median(rr))


def _sinus_s(record: SyntheticRecord, first: int, last: int) -> float:
    """Seconds of a span whose rhythm is sinus rhythm, by its beats irregular or not."""
    fs_hz, changes = record.settings.fs_hz, record.truth.changes
    edges = [change.sample for change in changes[1:]] + [last]
    seconds = 0.0
    for change, end in zip(changes, edges, strict=True):
        if change.rhythm in ("(N", "(BII", "(SBR", "(B", "(T"):
            seconds += max(0, min(end, last) - max(change.sample, first)) / fs_hz
    return seconds


def example(label: int, seed: int, ranges: Ranges) -> tuple[Strips, SyntheticRecord]:
    """Draw until a strip shows the class: the patient's seed, then others of the same set."""
    for attempt in range(20):
        record = draw(label, seed + attempt * 1_000_000, ranges)
        points = strip_of(record, seed)
        if points is not None:
            return points, record
    raise RuntimeError(f"seed {seed}: no strip of class {MORPHOLOGY[label]}")


def draw_level(
    seed: int, ranges: Ranges, st_mv: float | None = None, t_mv: float | None = None
) -> SyntheticRecord:
    """Generate sinus rhythm with one ST deviation or height of the T wave in mV, whatever class that is."""
    random = np.random.default_rng([seed, len(MORPHOLOGY)])
    settings = Settings(
        seed=seed,
        leads=(str(random.choice(ranges.leads)),),
        front_end=ranges.front_ends[0],
        snr_db=ranges.snr_db[0],
        rate_bpm=RATES_BPM[int(random.integers(len(RATES_BPM)))],
        st_mv=st_mv,
        t_mv=t_mv,
        st_shape=None if st_mv is None else str(random.choice(DEPRESSION if st_mv <= 0 else ELEVATION)),
    )
    return generate(_with_upright_r(settings, ranges.leads), SINUS_SECONDS)
