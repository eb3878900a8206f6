"""TFLM's fixed-point arithmetic in Python integers, for everything that is computed at generation time.

Names and formulas are those of gemmlowp and TFLM's `quantization_util`, so that they can be compared line
by line.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

INT8_MIN, INT8_MAX = -128, 127
_ONE_Q31 = (1 << 31) - 1


def wrap_int32(value: int) -> int:
    """The value as two's complement 32-bit arithmetic would hold it."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def round_half_away(value: float) -> int:
    """C's round(): to the nearest integer, halves away from zero."""
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Split a real factor into a Q31 multiplier (0, or 2^30 to 2^31 - 1) and a shift (positive: left)."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def saturating_rounding_doubling_high_mul(a: int, b: int) -> int:
    """(a * b * 2 + rounding) / 2^32; only -2^31 times itself saturates."""
    if a == b == -(1 << 31):
        return _ONE_Q31
    return (a * b + (1 << 30)) >> 31


def rounding_divide_by_pot(value: int, exponent: int) -> int:
    """value / 2^exponent, rounded to nearest, halves away from zero."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if (value & mask) > threshold else 0)


def multiply_by_quantized_multiplier(value: int, multiplier: int, shift: int) -> int:
    """TFLM's requantization, with its two roundings."""
    left, right = max(shift, 0), max(-shift, 0)
    high = saturating_rounding_doubling_high_mul(wrap_int32(value << left), multiplier)
    return rounding_divide_by_pot(high, right)


def clamp_int8(value: int, low: int = INT8_MIN, high: int = INT8_MAX) -> int:
    """The value limited to low..high."""
    return min(max(value, low), high)


def activation_range(activation: str, scale: np.float32, zero_point: int) -> tuple[int, int]:
    """Smallest and largest int8 output of a fused activation (NONE, RELU, RELU_N1_TO_1, RELU6)."""
    low, high = {
        "NONE": (None, None),
        "RELU": (0.0, None),
        "RELU6": (0.0, 6.0),
        "RELU_N1_TO_1": (-1.0, 1.0),
    }[activation]

    def quantized(real: float) -> int:
        with np.errstate(over="ignore"):
            steps = float(np.float32(real) / np.float32(scale))
        # More than 512 steps are out of reach from any zero point, and may be infinite.
        return zero_point + round_half_away(min(max(steps, -512.0), 512.0))

    smallest = INT8_MIN if low is None else max(INT8_MIN, quantized(low))
    largest = INT8_MAX if high is None else min(INT8_MAX, quantized(high))
    return smallest, largest


def input_radius(integer_bits: int, left_shift: int) -> int:
    """Largest input that the fixed-point exponential takes (`CalculateInputRadius`)."""
    return math.floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << left_shift))


@lru_cache(maxsize=1024)  # each form of the kernels asks for the same values
def exp_on_negative_values(raw: int, integer_bits: int) -> int:
    """e^x for x <= 0 in Q(integer_bits), as Q0.31."""
    if raw == 0:
        return _ONE_Q31
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    reduced = (raw & (quarter - 1)) - quarter
    result = _exp_last_quarter(wrap_int32(reduced << integer_bits))
    remainder = reduced - raw
    for exponent, factor in zip(
        range(-2, 5), (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242), strict=True
    ):
        if integer_bits > exponent and remainder & (1 << (fraction_bits + exponent)):
            result = saturating_rounding_doubling_high_mul(result, factor)
    return result


def _exp_last_quarter(a: int) -> int:
    mul = saturating_rounding_doubling_high_mul
    x = a + (1 << 28)
    x2 = mul(x, x)
    x3, x4 = mul(x2, x), mul(x2, x2)
    inner = mul(rounding_divide_by_pot(x4, 2) + x3, 715827883) + x2
    return 1895147668 + mul(1895147668, x + rounding_divide_by_pot(inner, 1))


def one_over_one_plus_x(a: int) -> int:
    """1 / (1 + x) for x in 0..1, Q0.31."""
    mul = saturating_rounding_doubling_high_mul
    half_denominator = (a + _ONE_Q31 + 1) >> 1  # gemmlowp's RoundingHalfSum of two positive numbers
    x = 1515870810 + mul(half_denominator, -1010580540)
    for _ in range(3):
        one_minus = (1 << 29) - mul(half_denominator, x)
        x += _saturating_shift_left(mul(x, one_minus), 2)
    return _saturating_shift_left(x, 1)


def _saturating_shift_left(value: int, bits: int) -> int:
    return min(max(value << bits, -(1 << 31)), _ONE_Q31)


@lru_cache(maxsize=1024)
def logistic(raw: int, integer_bits: int) -> int:
    """1 / (1 + e^-x) for x in Q(integer_bits), as Q0.31."""
    if raw == 0:
        return 1 << 30
    positive = one_over_one_plus_x(exp_on_negative_values(-abs(raw), integer_bits))
    return positive if raw > 0 else _ONE_Q31 - positive


def float32_product(a: np.float32, b: np.float32) -> float:
    """a * b rounded to single precision, as TFLM multiplies the two scales of a fully connected layer."""
    return float(np.float32(a) * np.float32(b))
