"""Exact ratios between sampling rates, and their use on sample numbers and signals."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

Rate = Fraction | float
"""Sampling rate in Hz. A float stands for its shortest decimal text: 249.9 is 2499/10."""

# Exponents of two digits: "1e999999999" would be a number of a billion digits.
NUMBER: Final = r"[-+]?(?:\d{1,30}\.?\d{0,30}|\.\d{1,30})(?:[eE][-+]?\d{1,2})?"
"""Pattern of a decimal number in a file."""

RATE_LIMITS: Final = (Fraction(1, 1000), Fraction(10_000_000))
"""Lowest and highest rate in Hz that a file may state."""

_FILTER_LIMIT: Final = 20_000
"""Largest term of a ratio that one polyphase filter serves: its length is 20 times that."""
_COARSE_LIMIT: Final = 200
_OVERSAMPLING: Final = 8


def exact_rate(rate_hz: Rate) -> Fraction:
    """Return a rate as a fraction, exactly as its decimal text has it."""
    return rate_hz if isinstance(rate_hz, Fraction) else Fraction(str(float(rate_hz)))


def convert_samples(samples: npt.ArrayLike, from_hz: Rate, to_hz: Rate) -> npt.NDArray[np.int64]:
    """Convert sample numbers from one rate to another; halves are rounded up, as WFDB's programs do.

    Parameters
    ----------
    samples : array_like of int
        Sample numbers at `from_hz`.
    from_hz, to_hz : Fraction or float
        Rates in Hz.
    """
    at = np.asarray(samples).astype(np.int64)
    ratio = exact_rate(to_hz) / exact_rate(from_hz)
    if ratio == 1 or not len(at):
        return at
    top, bottom = 2 * ratio.numerator, 2 * ratio.denominator
    if int(np.abs(at).max()) * top < 2**62:
        whole: npt.NDArray[np.int64] = (at * top + ratio.denominator) // bottom
        return whole
    exact = [(int(sample) * top + ratio.denominator) // bottom for sample in at]
    return np.array(exact, np.int64)


def resample(signal: npt.NDArray[np.float64], from_hz: Rate, to_hz: Rate) -> npt.NDArray[np.float64]:
    """Resample a signal with an anti-aliasing filter, at exactly the ratio of the rates.

    Parameters
    ----------
    signal : ndarray of float64, shape (n,)
        Samples at `from_hz`.
    from_hz, to_hz : Fraction or float
        Rates in Hz.

    Returns
    -------
    ndarray of float64, shape (ceil(n * to_hz / from_hz),)
    """
    ratio = exact_rate(to_hz) / exact_rate(from_hz)
    if ratio == 1 or not len(signal):
        return signal
    if max(ratio.numerator, ratio.denominator) <= _FILTER_LIMIT:
        return _filtered(signal, ratio)
    # Ratio of large numbers (128.0513 Hz): a close simple one, oversampled, then interpolated exactly.
    coarse = max(ratio.limit_denominator(_COARSE_LIMIT), Fraction(1, _COARSE_LIMIT)) * _OVERSAMPLING
    dense = _filtered(signal, coarse)
    count = -(-len(signal) * ratio.numerator // ratio.denominator)
    places = np.arange(count) * float(coarse / ratio)
    interpolated: npt.NDArray[np.float64] = np.interp(places, np.arange(len(dense)), dense)
    return interpolated


def resample_bytes(count: int, from_hz: Rate, to_hz: Rate) -> int:
    """Estimate the bytes that `resample`, and rounding its result, take at most; 0 at equal rates."""
    ratio = exact_rate(to_hz) / exact_rate(from_hz)
    if ratio == 1:
        return 0
    is_dense = max(ratio.numerator, ratio.denominator) > _FILTER_LIMIT
    copies = 3 + 3 * _OVERSAMPLING * is_dense
    return int(16 * count + 8 * copies * count * ratio)


def _filtered(signal: npt.NDArray[np.float64], ratio: Fraction) -> npt.NDArray[np.float64]:
    from scipy.signal import resample_poly  # takes a second: only where a rate is converted

    resampled: npt.NDArray[np.float64] = resample_poly(signal, ratio.numerator, ratio.denominator)
    return resampled
