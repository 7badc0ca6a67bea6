"""Scales of products: a small signed mantissa times a power of two."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurosim.chips.loihi.sheet import Learning


def split_scale(mantissa: Fraction, exponent: int, limits: Learning) -> tuple[int, int] | None:
    """Mantissa and exponent that the chip holds of a scale; ``None`` if there are none, or it is zero.

    A scale that can be held as it is written stays so, because a product with a larger mantissa and a
    smaller exponent loses less where it is shifted. Else it gets the exponent that is nearest.
    """
    low, high = limits.scale_mantissa.value
    least, most = limits.scale_exponent.value
    for found in sorted(range(least, most + 1), key=lambda e: abs(e - exponent)):
        size = mantissa * Fraction(2) ** (exponent - found)
        if size and size.denominator == 1 and low <= size <= high:
            return int(size), found
    return None


def nearest_scale(scale: float, limits: Learning) -> tuple[int, int]:
    """Mantissa and exponent with the smallest distance from a number; the sign is kept."""
    low, high = limits.scale_mantissa.value
    least, most = limits.scale_exponent.value
    sign = -1 if scale < 0 else 1
    largest = -low if sign < 0 else high
    size = min(abs(scale), 2.0 ** (most + 8))  # infinity has no nearest
    found = [(mantissa, exponent) for mantissa in range(1, largest + 1) for exponent in range(least, most + 1)]
    mantissa, exponent = min(found, key=lambda item: (abs(math.ldexp(item[0], item[1]) - size), item))
    return sign * mantissa, exponent
