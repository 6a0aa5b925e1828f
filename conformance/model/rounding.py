"""Rounding as the autoscaler does it: halves away from zero, counts cut to 32 bits."""

from __future__ import annotations

import math
from typing import Final

UNDEFINED_COUNT: Final = -(1 << 31)
"""What a float that is no 32-bit integer becomes as a count, on the processors Knative ships for."""


def round_half_away(value: float) -> float:
    """The nearest whole number; a half goes away from zero."""
    try:
        whole = math.trunc(value)
    except (OverflowError, ValueError):
        return value
    rest = value - whole
    if rest >= 0.5:
        whole += 1
    elif rest <= -0.5:
        whole -= 1
    return float(whole)


def round_to_micro(value: float) -> float:
    """Rounded to six decimals."""
    return round_half_away(value * 1e6) / 1e6


def to_count(value: float) -> int:
    """A float without its fraction as a 32-bit integer."""
    if not -2147483649.0 < value < 2147483648.0:
        return UNDEFINED_COUNT
    return math.trunc(value)


def larger(left: float, right: float) -> float:
    """The larger of two, not a number if either is not."""
    if math.isnan(left) or math.isnan(right):
        return math.nan
    return max(left, right)


def smaller(left: float, right: float) -> float:
    """The smaller of two, not a number if either is not."""
    if math.isnan(left) or math.isnan(right):
        return math.nan
    return min(left, right)


def ceiling(value: float) -> float:
    """The next whole number upwards; infinite and undefined values stay."""
    try:
        return float(math.ceil(value))
    except (OverflowError, ValueError):
        return value


def floor(value: float) -> float:
    """The next whole number downwards; infinite and undefined values stay."""
    try:
        return float(math.floor(value))
    except (OverflowError, ValueError):
        return value


def divide(left: float, right: float) -> float:
    """Division that yields infinity or NaN for a zero divisor instead of an error."""
    if right == 0.0:
        return left * math.copysign(math.inf, right)
    return left / right


def power(base: float, exponent: float) -> float:
    """A positive base to an exponent that is whole, or a part of one, bit for bit as Knative's run time computes it.

    A fraction goes through exp and log, the whole part through repeated squaring of the mantissa. The platform's own
    `pow` is more exact, and so differs in the last bit. Fractions above a half, which are computed in yet another way,
    do not occur: a fractional exponent is one divided by the seconds of a window.
    """
    fraction, whole = math.modf(exponent)
    mantissa_product, exponent_sum = 1.0, 0
    if fraction:
        mantissa_product = math.exp(fraction * math.log(base))
    mantissa, shift = math.frexp(base)
    bits = int(whole)
    while bits:
        if bits & 1:
            mantissa_product *= mantissa
            exponent_sum += shift
        mantissa, carry = math.frexp(mantissa * mantissa)
        shift = 2 * shift + carry
        bits >>= 1
    return math.ldexp(mantissa_product, exponent_sum)
