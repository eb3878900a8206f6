"""Measures of strips: intervals and heights from bounds of waves, heart rate variability from R peaks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.signal import welch
from scipy.stats import ks_2samp, wasserstein_distance

from ecg_edge.ecg.records import FS_HZ
from ecg_edge.training.realism.sources import Strip

Floats = npt.NDArray[np.float64]

INTERVALS: Final = ("P ms", "PR ms", "QRS ms", "QTc ms", "T peak to end ms")
HEIGHTS: Final = ("P mV", "R mV", "S mV", "T mV", "ST 60 mV")
VARIABILITY: Final = ("RR ms", "SDNN ms", "RMSSD ms", "LF/HF", "HF Hz")

# Normal adults, 2nd and 98th percentile: Rautaharju PM et al., J Electrocardiol 46(6):707-716, 2013 (women);
# QRS: Surawicz B et al., J Am Coll Cardiol 53(11):976-981, 2009 (men).
PUBLISHED: Final = {
    "PR ms": (118, 212),
    "QRS ms": (70, 114),
    "QTc ms": (388, 449),
    "T peak to end ms": (63, 112),
}

_BASE: Final = round(0.02 * FS_HZ)
_WINDOW_S: Final = 300.0


class _Wave(NamedTuple):
    symbol: str
    on: int  # -1: not annotated
    peak: int
    off: int


def wave_measures(strip: Strip) -> dict[str, float]:
    """Medians over the beats of a strip, in ms and mV; nan where a bound is missing.

    QTc is QT divided by the cube root of the RR interval in s (Fridericia).
    """
    waves = _waves(strip)
    rr_s = float(np.median(np.diff(strip.beats))) / FS_HZ if len(strip.beats) > 1 else np.nan
    rows = [
        _of_beat(strip.signal_mv, waves[i - 1 : i + 2], rr_s)
        for i in range(1, len(waves) - 1)
        if waves[i].symbol == "N" and min(waves[i].on, waves[i].off) >= _BASE
    ]
    names = (*INTERVALS, *HEIGHTS)
    return {name: _median([row[name] for row in rows if name in row]) for name in names}


def _waves(strip: Strip) -> list[_Wave]:
    symbols, samples = strip.waves.symbols.tolist(), strip.waves.samples.tolist()
    padded = ["", *symbols, ""]
    found = []
    for i, symbol in enumerate(symbols):
        if symbol in ("p", "N", "t"):
            on = samples[i - 1] if padded[i] == "(" else -1
            off = samples[i + 1] if padded[i + 2] == ")" else -1
            found.append(_Wave(symbol, on, samples[i], off))
    return found


def _of_beat(signal: Floats, waves: list[_Wave], rr_s: float) -> dict[str, float]:
    before, qrs, after = waves
    base = float(np.median(signal[qrs.on - _BASE : qrs.on]))
    complex_mv = signal[qrs.on : qrs.off + 1] - base
    row = {
        "QRS ms": 1000 * (qrs.off - qrs.on) / FS_HZ,
        "R mV": float(complex_mv.max()),
        "S mV": float((signal[qrs.peak : qrs.off + 1] - base).min()),
        "ST 60 mV": float(signal[min(qrs.off + round(0.06 * FS_HZ), len(signal) - 1)] - base),
    }
    if before.symbol == "p" and min(before.on, before.off) >= _BASE:
        level = float(np.median(signal[before.on - _BASE // 2 : before.on + 1]))
        row["P ms"] = 1000 * (before.off - before.on) / FS_HZ
        row["PR ms"] = 1000 * (qrs.on - before.on) / FS_HZ
        row["P mV"] = float(signal[before.peak] - level)
    if after.symbol == "t" and after.off >= 0:
        row["QTc ms"] = 1000 * (after.off - qrs.on) / FS_HZ / rr_s ** (1 / 3)
        row["T peak to end ms"] = 1000 * (after.off - after.peak) / FS_HZ
        row["T mV"] = float(signal[after.peak] - base)
    return row


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else np.nan


def variability(strip: Strip) -> dict[str, float]:
    """Heart rate variability of the first 5 minutes in which 98 % of the beats are N; nan where there are
    none.

    Bands: LF 0.04 to 0.15 Hz, HF 0.15 to 0.4 Hz; HF Hz is the frequency of the highest power in HF.
    """
    times = strip.beats / FS_HZ
    for start in np.arange(0, times[-1] - _WINDOW_S + 10, 60):
        inside = (times >= start) & (times < start + _WINDOW_S)
        if np.mean(strip.symbols[inside] == "N") >= 0.98:
            return _variability(times[inside], strip.symbols[inside])
    return dict.fromkeys(VARIABILITY, np.nan)


def _variability(times: Floats, symbols: npt.NDArray[np.str_]) -> dict[str, float]:
    normal = (symbols[1:] == "N") & (symbols[:-1] == "N")
    rr_s, at = np.diff(times)[normal], times[1:][normal]
    even = np.interp(np.arange(at[0], at[-1], 0.25), at, rr_s)
    rates_hz, power = welch(even - even.mean(), 4, nperseg=min(512, len(even)))
    low, high = (rates_hz >= 0.04) & (rates_hz < 0.15), (rates_hz >= 0.15) & (rates_hz < 0.4)
    return {
        "RR ms": 1000 * float(rr_s.mean()),
        "SDNN ms": 1000 * float(rr_s.std()),
        "RMSSD ms": 1000 * float(np.sqrt(np.mean(np.diff(rr_s) ** 2))),
        "LF/HF": float(power[low].sum() / power[high].sum()),
        "HF Hz": float(rates_hz[high][power[high].argmax()]),
    }


def table(rows: Iterable[Mapping[str, float]]) -> dict[str, Floats]:
    """Columns of rows, without nan."""
    listed = list(rows)
    columns = {name: np.array([row[name] for row in listed], np.float64) for name in listed[0]}
    return {name: values[~np.isnan(values)] for name, values in columns.items()}


class Distance(NamedTuple):
    """Distance of two samples of patients.

    Attributes
    ----------
    ks, p : float
        Kolmogorov-Smirnov statistic and its p value.
    shift : float
        Earth mover's distance in standard deviations of the real sample.
    """

    ks: float
    p: float
    shift: float


def distance(real: Floats, synthetic: Floats) -> Distance | None:
    """Distance of two samples; None with fewer than five values in one of them."""
    if min(len(real), len(synthetic)) < 5:
        return None
    test = ks_2samp(real, synthetic)
    shift = wasserstein_distance(real, synthetic) / max(float(real.std()), 1e-9)
    return Distance(float(test.statistic), float(test.pvalue), float(shift))
