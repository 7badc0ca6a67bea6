"""Traces: 7-bit memories of spikes that decay in every time step.

A trace is a whole number from 0 to 127. In every step it is multiplied by its decay and rounded up or
down at random, so that its mean is exact; a spike then adds the impulse, whose fraction is rounded the
same way, and the trace saturates. The chip knows only the *last* spike of a neuron in an epoch: when
another one comes, the impulse of the earlier one is added to the value that the epoch began with.

Decays
------
``exponential``
    exp(-1 / tau) in every step, as lava does (b6822fbc, bit-approximate models).
``linear``
    1 - 1 / tau, as brian2_loihi 0.5.2 does. As there, whether a value is rounded up is drawn before the
    impulse is added: with the fraction that the value without it would have had.

What the chip itself does is not published; means agree with both within statistics (the tests compare).

References
----------
Davies et al., IEEE Micro 38(1), 2018: width and form of the traces. lava b6822fbc: order of decay and
impulse, spikes of one epoch, fractions. nengo-loihi 1.1.0: seven bits of fraction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numba import uint8
from numpy.typing import NDArray

from neurosim._jit import entry, inner
from neurosim.chips.loihi.learning.draws import draw, word_of
from neurosim.chips.loihi.learning.rules import TRACES, default_limits
from neurosim.errors import ParameterError, UnknownNameError

if TYPE_CHECKING:
    from neurosim.chips.loihi.sheet import Learning

Decay = Literal["exponential", "linear"]
DECAYS: tuple[Decay, ...] = ("exponential", "linear")
Bytes = NDArray[np.uint8]

_WHERE = "Learning trace"


@dataclass(frozen=True, slots=True)
class Trace:
    """What one trace does at a spike and between spikes.

    Attributes
    ----------
    impulse
        Added at a spike, 0 to 127; held with seven bits of fraction.
    tau_steps
        Time constant in time steps; 0 forgets within a step.
    """

    impulse: float
    tau_steps: float


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """All traces of a projection.

    Parameters
    ----------
    traces
        By name (``x1``, ``x2``, ``y1``, ``y2``, ``y3``, ``r1``); those that are missing stay 0.
    epoch_steps
        Time steps between two updates of the synapses, 1 to 63.
    decay
        ``exponential`` or ``linear``.

    Raises
    ------
    UnknownNameError
        If a trace or a decay is not known.
    ParameterError
        If an impulse, a time constant or the epoch is out of its range.
    """

    traces: Mapping[str, Trace] = field(default_factory=dict)
    epoch_steps: int = 1
    decay: Decay = "exponential"

    def __post_init__(self) -> None:
        limits = default_limits()
        if self.decay not in DECAYS:
            raise UnknownNameError.among("decay", self.decay, DECAYS, where=_WHERE)
        _check_whole("epoch", self.epoch_steps, *limits.epoch.value)
        for name, trace in self.traces.items():
            if name not in TRACES:
                raise UnknownNameError.among("trace", name, TRACES, where=_WHERE)
            _check_range(f"the impulse of {name}", trace.impulse, 0, 2**limits.trace_bits.value - 1)
            _check_range(f"the time constant of {name} in steps", trace.tau_steps, 1 if self.decay == "linear" else 0, math.inf)

    def table(self, names: tuple[str, ...], limits: Learning) -> TraceTable:
        """Numbers of some traces for the kernel."""
        unit = 2**limits.impulse_fraction_bits.value
        found = [self.traces.get(name, Trace(0.0, 0.0)) for name in names]
        impulses = np.array([round(trace.impulse * unit) for trace in found], np.int64)
        factors = np.array([decay_factor(trace.tau_steps, self.decay) for trace in found])
        top = 2**limits.trace_bits.value - 1
        return TraceTable(factors, impulses // unit, (impulses % unit) / unit, top, self.decay == "linear")


class TraceTable(NamedTuple):
    """Traces as the kernel takes them: decay per step, whole and fraction of the impulse, largest value, which fraction counts."""

    factor: NDArray[np.float64]
    whole: NDArray[np.int64]
    part: NDArray[np.float64]
    top: int
    early: bool


def decay_factor(tau_steps: float, decay: Decay) -> float:
    """What a trace is multiplied by in a step; 0 without a time constant."""
    if tau_steps == 0:
        return 0.0
    return 1.0 - 1.0 / tau_steps if decay == "linear" else math.exp(-1.0 / tau_steps)


def _check_range(what: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not (low <= value <= high and math.isfinite(value)):
        above = f"from {low} to {high:g}" if math.isfinite(high) else f"of at least {low}"
        text = f"{what} must be a number {above}, not {value!r}."
        raise ParameterError(text, where=_WHERE, used=value, limit=(low, high), remedy="Choose a number in this range.")


def _check_whole(what: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        text = f"{what} must be a whole number of steps from {low} to {high}, not {value!r}."
        raise ParameterError(text, where=_WHERE, used=value, limit=(low, high), remedy="Choose a number in this range.")


# --- one epoch -------------------------------------------------------------------------------
@inner(inline="always")
def _chance(index, word):
    """Number in [0, 1)."""
    return float(draw(index, word)) * 2.0**-32


@inner()
def _raised(value, index, word, whole, part, top):
    """A trace after an impulse."""
    value += whole
    if part > 0.0 and _chance(index, word) < part:
        value += 1
    return min(value, top)


@entry()
def run_traces(table, counts, last, base, epoch, out_values, out_before, out_history):
    """Run the traces of some neurons through one epoch.

    Parameters
    ----------
    table
        :class:`TraceTable` of K traces.
    counts, last
        Spikes of each neuron in the epoch, and the step of the last one, 1 to T; shape (n,).
    base, epoch
        Stream of random numbers (uint64) and number of the epoch.
    out_values
        Traces before the epoch and then after it, uint8, shape (K, n).
    out_before
        The same without the impulse of their last step.
    out_history
        Traces after every step, uint8, shape (T + 1, K, n); the first is the value the epoch began with.
    """
    n_steps = out_history.shape[0] - 1
    for k in range(out_values.shape[0]):
        whole, part = table.whole[k], table.part[k]
        start = word_of(base, ((epoch * (n_steps + 1)) * 8 + k) * 2)
        for i in range(out_values.shape[1]):
            value = np.int64(out_values[k, i])
            for extra in range(1, counts[i]):
                value = _raised(value, i + extra * out_values.shape[1], start, whole, part, table.top)
            out_values[k, i] = value
            out_history[0, k, i] = value
        for t in range(1, n_steps + 1):
            counter = ((epoch * (n_steps + 1) + t) * 8 + k) * 2
            _step(table, k, t, last, word_of(base, counter), word_of(base, counter + 1), out_values, out_before, out_history)


@inner()
def _step(table, k, t, last, decay_word, impulse_word, out_values, out_before, out_history):
    factor = table.factor[k]
    for i in range(out_values.shape[1]):
        value = np.int64(out_values[k, i])
        if value > 0:
            decayed = value * factor
            basis = out_before[k, i] * factor if table.early else decayed
            value = np.int64(decayed) + np.int64(_chance(i, decay_word) < basis - math.floor(basis))
        out_before[k, i] = uint8(value)
        if last[i] == t:
            value = _raised(value, i, impulse_word, table.whole[k], table.part[k], table.top)
        out_values[k, i] = value
        out_history[t, k, i] = value
