"""Where descriptions of Loihi's arithmetic differ: one table of choices, and what a weight acts as.

The emulators of nengo-loihi 1.1.0, lava b6822fbc and brian2_loihi 0.5.2 agree on most of it; each was run,
and is reproduced bit by bit with the choices of its name. ``"chip"`` takes what is best supported:
weights are cut by an arithmetic shift (NxSDK's formula), each on its own, registers are two's
complement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.errors import ParameterError, UnknownNameError

Int64 = NDArray[np.int64]

#: What a sign mode lets a weight be, and how many bits it costs.
SIGN_MODES = {"mixed": (-256, 254, 1), "excitatory": (0, 255, 0), "inhibitory": (-256, 0, 0)}
#: Bits that can be encoded; 7 cannot (nengo-loihi).
WEIGHT_BITS = (1, 2, 3, 4, 5, 6, 8)
_WEIGHT_SHIFT = 6
_LARGEST = 2**21 - 64


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Choices where descriptions of the chip differ.

    Attributes
    ----------
    cut
        How bits that a mantissa does not have are taken away: ``"floor"``, ``"zero"`` (towards 0) or
        ``"nearest"`` (as software does before).
    exponent_of_sum
        True if a negative weight exponent shifts the sum of the mantissas that arrive, not each weight.
    wraps
        True if registers are two's complement; else they have no limits.
    closed
        True if the current keeps +2^23, one more than two's complement has.
    offset_u
        Added to the decay register of the current (the chip's dsOffset).
    input_delay
        Steps after which a spike from outside acts, without its synapse's delay.
    """

    name: str
    cut: str = "floor"
    exponent_of_sum: bool = False
    wraps: bool = True
    closed: bool = False
    offset_u: int = 1
    input_delay: int = 1


ARITHMETIC: Mapping[str, Arithmetic] = {
    a.name: a
    for a in (
        Arithmetic("chip"),
        Arithmetic("lava", exponent_of_sum=True, closed=True),
        Arithmetic("nengo_loihi", cut="nearest"),
        Arithmetic("brian2_loihi", cut="zero", wraps=False, offset_u=0, input_delay=0),
    )
}
_CUTS: Mapping[str, Callable[[Any], Any]] = {"floor": np.floor, "zero": np.trunc}


def arithmetic_called(name: str, where: str) -> Arithmetic:
    """The choices of a name.

    Raises
    ------
    UnknownNameError
        If there are none; names the nearest.
    """
    if not isinstance(name, str) or name not in ARITHMETIC:
        raise UnknownNameError.among("arithmetic", name, ARITHMETIC, where=where)
    return ARITHMETIC[name]


def acting_weights(
    mantissa: ArrayLike, exponent: int = 0, *, bits: int = 8, sign_mode: str = "mixed", arithmetic: str = "chip", where: str = "Weights"
) -> NDArray[np.float64]:
    """What weights add to the current of a compartment, in registers; same shape as ``mantissa``.

    ``mantissa`` without its lowest ``8 - bits`` bits (one more where signs are mixed), times
    ``2^exponent``, in whole numbers, times 64, and at most 2^21 - 64.

    Parameters
    ----------
    mantissa
        Whole numbers: -256 to 255 (mixed; odd ones lose a bit), 0 to 255 (excitatory), -256 to 0 (inhibitory).
    exponent
        -8 to 7, for all of them.
    bits
        1 to 6 or 8.
    arithmetic
        A key of :data:`ARITHMETIC`.

    Raises
    ------
    ParameterError
        If a number is outside its range or not whole, or the bits cannot be encoded.
    UnknownNameError
        If the sign mode or the arithmetic is not known.

    Examples
    --------
    >>> acting_weights([100, -37], bits=8, sign_mode="mixed").tolist()
    [6400.0, -2432.0]
    """
    choices = arithmetic_called(arithmetic, where)
    if not isinstance(sign_mode, str) or sign_mode not in SIGN_MODES:
        raise UnknownNameError.among("sign mode", sign_mode, SIGN_MODES, where=where)
    if np.ndim(bits) or bits not in WEIGHT_BITS:
        text = f"weights of {bits} bits cannot be encoded."
        raise ParameterError(text, where=where, used=bits, limit=WEIGHT_BITS, remedy="Use 8 bits, or 6 and fewer.")
    power = float(one(exponent, -8, 7, "the weight exponent", where, remedy="Scale the mantissas instead."))
    low, high, cost = SIGN_MODES[sign_mode]
    m = checked(mantissa, low, high + cost, "mantissa", where)
    unit = 2.0 ** (8 - bits + cost)
    kept = _rounded(m, unit, power) if choices.cut == "nearest" else _CUTS[choices.cut](m / unit) * unit
    scaled = kept * 2.0**power
    whole = scaled if choices.exponent_of_sum else np.floor(scaled)
    return np.clip(whole * 2**_WEIGHT_SHIFT, -_LARGEST, _LARGEST)


def _rounded(mantissa: NDArray[np.float64], unit: float, exponent: float) -> NDArray[np.float64]:
    """Mantissas at multiples of ``unit``, once more where the exponent takes bits away, and as large as the bits allow."""
    most = 256 - unit
    kept = np.clip(np.rint(mantissa / unit) * unit, -most, most)
    grain = max(unit, 2.0**-exponent)
    return np.clip(np.rint(kept / grain) * grain, -most, most)


def one(value: Any, low: float, high: float, name: str, where: str, *, remedy: str = "") -> int:
    """One whole number within limits.

    Raises
    ------
    ParameterError
        Otherwise.
    """
    if np.ndim(checked(value, low, high, name, where, remedy=remedy)):
        text = f"{name} is {value!r}; it must be one whole number."
        raise ParameterError(text, where=where, used=value, limit=1, remedy="Give one number.")
    return int(value)


def checked(values: ArrayLike, low: float, high: float, name: str, where: str, *, remedy: str = "") -> NDArray[np.float64]:
    """Whole numbers within limits, as float64.

    Raises
    ------
    ParameterError
        Otherwise; names the first that is wrong.
    """
    given = table(values, name, where)
    numbers = given.astype(np.float64) if given.dtype.kind in "biuf" else np.full(given.shape, np.nan)
    wrong = ~np.isfinite(numbers) | (numbers != np.rint(numbers)) | (numbers < low) | (numbers > high)
    if wrong.any():
        first = np.atleast_1d(given)[np.atleast_1d(wrong)][0]
        text = f"{name} is {first}; it must be a whole number from {low:,.0f} to {high:,.0f}."
        raise ParameterError(text, where=where, used=first, limit=(low, high), remedy=remedy or f"Give {name} within these limits.")
    return numbers


def table(values: ArrayLike, name: str, where: str) -> NDArray[Any]:
    """An array of values.

    Raises
    ------
    ParameterError
        If its rows differ in length.
    """
    try:
        return np.asarray(values)
    except ValueError:
        text, remedy = f"{name} has rows of different lengths.", "Give rows of one length."
        raise ParameterError(text, where=where, used=values, limit="one length", remedy=remedy) from None
