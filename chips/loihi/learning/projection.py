"""One projection that learns: its synapses, its traces, and what an epoch makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.chips.loihi.learning.plan import AT_POST, plan_of
from neurosim.chips.loihi.learning.products import BLOCK, Ranges, Side, Wiring, scratch, update
from neurosim.chips.loihi.learning.rules import TRACES, RuleSet, default_limits
from neurosim.chips.loihi.learning.tables import fill_tables
from neurosim.chips.loihi.learning.traces import Bytes, TraceSettings, TraceTable, run_traces
from neurosim.connectivity.random import stream
from neurosim.errors import ParameterError, UnknownNameError

if TYPE_CHECKING:
    from neurosim.chips.loihi.sheet import Learning

Sign = Literal["excitatory", "inhibitory", "mixed"]
Rounding = Literal["random", "away"]
Int16 = NDArray[np.int16]

SIGNS: tuple[Sign, ...] = ("excitatory", "inhibitory", "mixed")
ROUNDINGS: tuple[Rounding, ...] = ("random", "away")

_WHERE = "Learning projection"
_MOST_SYNAPSES = 2**31 - 1
_NAMES = ("weight", "delay", "tag")


class Spikes(NamedTuple):
    """Who fired when in an epoch: neurons, and steps from 1 to the length of the epoch; in any order."""

    neurons: ArrayLike
    steps: ArrayLike


class Changes(NamedTuple):
    """Synapses whose weight or delay is another one after an epoch.

    Attributes
    ----------
    synapses
        Positions in the arrays of the projection, int64, each once, in the order they were visited.
    weights
        Their weights now, int16.
    n_visited
        Synapses that were looked at.
    """

    synapses: NDArray[np.int64]
    weights: Int16
    n_visited: int


NO_SPIKES = Spikes(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class VariableFormat:
    """Values that a variable may have: ``low``, ``low + step``, ... ``high``; the step is ``2**coarse``."""

    low: int
    high: int
    coarse: int = 0


def weight_format(sign: Sign = "excitatory", bits: int = 8) -> VariableFormat:
    """Mantissas of a sign mode: 0 to 255, -255 to 0, or -256 to 254 in steps of 2, coarser with fewer bits.

    Raises
    ------
    UnknownNameError
        If the sign mode is not known.
    ParameterError
        If ``bits`` is not 1 to 8, or 2 to 8 with mixed signs.

    References
    ----------
    brian2_loihi 0.5.2 and nengo-loihi 1.1.0 (sign modes, bits that are dropped).
    """
    if sign not in SIGNS:
        raise UnknownNameError.among("sign mode", sign, SIGNS, where=_WHERE)
    most, mixed = default_limits().variable_bits.value - 1, int(sign == "mixed")
    if not isinstance(bits, int) or not 1 + mixed <= bits <= most:
        text = f"weights of sign mode '{sign}' have {1 + mixed} to {most} bits, not {bits!r}."
        raise ParameterError(text, where=_WHERE, used=bits, limit=(1 + mixed, most), remedy="Choose a number of bits in this range.")
    coarse = most - (bits - mixed)
    high = (2**most - 1) >> coarse << coarse
    return VariableFormat({"excitatory": 0, "inhibitory": -high, "mixed": -(2**most)}[sign], 0 if sign == "inhibitory" else high, coarse)


class LearningProjection:
    """Synapses that learn by a rule, and their traces.

    Parameters
    ----------
    indptr, targets
        Synapses by source: those of source i are ``indptr[i] .. indptr[i + 1] - 1``; integers, shapes (n_pre + 1,) and (n_synapses,).
    n_post
        Number of postsynaptic neurons.
    weights
        Mantissas, whole numbers on the grid of ``weight``, shape (n_synapses,).
    rules, settings
        What is learned, and the traces it reads.
    weight
        Range and precision of the mantissas, see :func:`weight_format`.
    delays, tags
        Whole numbers, 0 to ``longest_delay`` and -256 to 255, shape (n_synapses,); 0 if not given.
    longest_delay
        In time steps; ``synapses.longest_delay`` of the datasheet.
    rounding
        ``random`` (the chip) or ``away`` from zero (brian2_loihi).
    seed
        Of all random numbers; the same seed gives the same weights on any machine.
    limits
        Number formats; by default those of the datasheet that comes with neurosim.

    Attributes
    ----------
    weights, delays, tags
        As they are now, int16; delays and tags are empty unless a rule reads or changes them.
    pre, post, reward
        Traces now, uint8, shapes (2, n_pre), (3, n_post) and (1, 1).
    epoch
        Number of epochs so far.

    Raises
    ------
    ParameterError
        If the arrays do not belong together, or a value is not on its grid.
    UnknownNameError
        If the rounding is not known.

    Examples
    --------
    >>> rules = parse("dw = 2^-2*x1*y0")
    >>> settings = TraceSettings({"x1": Trace(impulse=64, tau_steps=20)})
    >>> one = LearningProjection([0, 1], [0], 1, [100], rules, settings)
    >>> _ = one.advance(Spikes([0], [1]))
    >>> one.advance(post=Spikes([0], [1])).weights
    array([115], dtype=int16)
    """

    def __init__(
        self,
        indptr: ArrayLike,
        targets: ArrayLike,
        n_post: int,
        weights: ArrayLike,
        rules: RuleSet,
        settings: TraceSettings,
        *,
        weight: VariableFormat | None = None,
        delays: ArrayLike | None = None,
        tags: ArrayLike | None = None,
        longest_delay: int = 62,
        rounding: Rounding = "random",
        seed: int = 0,
        limits: Learning | None = None,
    ) -> None:
        if rounding not in ROUNDINGS:
            raise UnknownNameError.among("rounding", rounding, ROUNDINGS, where=_WHERE)
        limits = limits or default_limits()
        self.rules, self.settings, self.rounding, self.n_post, self.epoch = rules, settings, rounding, int(n_post), 0
        self._plan, self._k = plan_of(rules, limits), rules.k
        self._wiring = _wiring(indptr, targets, self.n_post, bool(np.any(self._plan.when == AT_POST)))
        half = 2 ** (limits.variable_bits.value - 1)
        formats = (weight or weight_format(), VariableFormat(0, int(longest_delay)), VariableFormat(-half, half - 1))
        self._ranges = Ranges(*(np.array([getattr(f, name) for f in formats], np.int32) for name in ("low", "high", "coarse")))
        self.weights = self._variable(0, weights, formats[0])
        self.delays, self.tags = (self._variable(z, given, formats[z]) for z, given in ((1, delays), (2, tags)))
        self._tables = tuple(settings.table(names, limits) for names in (TRACES[:2], TRACES[2:5], TRACES[5:]))
        sizes = ((2, self.n_pre), (3, self.n_post), (1, 1))
        self.pre, self.post, self.reward = (np.zeros(size, np.uint8) for size in sizes)
        self._before = tuple(np.zeros(size, np.uint8) for size in sizes)
        self._bases = tuple(stream(seed, "learning", name) for name in ("pre", "post", "reward", "synapses"))
        self._room = _Room.of(self._plan.when.size, self.settings.epoch_steps, self.n_pre, self.n_post, self.n_synapses)

    @property
    def n_pre(self) -> int:
        """Number of presynaptic neurons."""
        return self._wiring.indptr.size - 1

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return self._wiring.targets.size

    def advance(self, pre: Spikes = NO_SPIKES, post: Spikes = NO_SPIKES, reward: ArrayLike = ()) -> Changes:
        """Learn from one epoch.

        Parameters
        ----------
        pre, post
            Spikes before and behind the synapses; a neuron may fire any number of times.
        reward
            Steps at which there was a reward.

        Returns
        -------
        Changes
            What is another value now; the arrays are copies.

        Raises
        ------
        ParameterError
            If a neuron or a step is not there.
        """
        rewards = np.atleast_1d(np.asarray(reward))
        given = (("presynaptic", pre), ("postsynaptic", post), ("reward", Spikes(np.zeros(rewards.size, np.int64), rewards)))
        found = [self._side(number, kind, spikes) for number, (kind, spikes) in enumerate(given)]
        decimated = self._k is not None and (self.epoch + 1) % 2**self._k == 0
        room = self._room
        fill_tables(self._plan, *found, decimated, *room.tables, room.used)
        count, n_visited = update(
            self._plan,
            *found[:2],
            room.tables,
            self._wiring,
            (self.weights, self.delays, self.tags),
            self._ranges,
            self._bases[3],
            self.epoch,
            self.rounding == "away",
            room.block,
            room.visited,
            room.sources,
            room.words,
            room.changed,
        )
        self.epoch += 1
        synapses = room.changed[:count].copy()
        return Changes(synapses, self.weights[synapses], n_visited)

    def state(self) -> dict[str, Any]:
        """Copies of everything that evolves, by name; see :meth:`restore`."""
        arrays = {name: getattr(self, name).copy() for name in _EVOLVING}
        return {**arrays, **{f"{name}_before": one.copy() for name, one in zip(_SIDES, self._before, strict=True)}, "epoch": self.epoch}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave; with the same seed as if nothing had been in between.

        Raises
        ------
        ParameterError
            If an array is missing or has another shape.
        """
        targets = {name: getattr(self, name) for name in _EVOLVING} | {
            f"{n}_before": one for n, one in zip(_SIDES, self._before, strict=True)
        }
        for name, array in targets.items():
            shape = np.shape(state[name]) if name in state else None
            if shape != array.shape:
                text = f"the state has {f'shape {shape}' if shape is not None else 'no array'} for '{name}', {array.shape} is needed."
                raise ParameterError(
                    text, where=_WHERE, used=shape, limit=array.shape, remedy="Restore the state of a projection of this size."
                )
        for name, array in targets.items():
            array[...] = state[name]
        self.epoch = int(state["epoch"])

    def _side(self, number: int, kind: str, spikes: Spikes) -> Side:
        """Run the traces of one side; spikes as the step of the last one and a count."""
        values, room = (self.pre, self.post, self.reward)[number], self._room
        counts, last, history = room.counts[number], room.last[number], room.history[number]
        neurons = _whole(f"{kind} neurons", spikes.neurons, 0, values.shape[1] - 1)
        steps = _whole(f"{kind} steps", spikes.steps, 1, self.settings.epoch_steps)
        if neurons.shape != steps.shape:
            text = f"there are {neurons.size} {kind} neurons and {steps.size} steps."
            raise ParameterError(text, where=_WHERE, used=neurons.size, limit=steps.size, remedy="Give a step to every spike.")
        counts[:], last[:] = 0, 0
        if neurons.size:
            counts[:] = np.bincount(neurons, minlength=counts.size)
            np.maximum.at(last, neurons, steps)
        table: TraceTable = self._tables[number]
        run_traces(table, counts, last, self._bases[number], self.epoch, values, self._before[number], history)
        return Side(last, history)

    def _variable(self, z: int, given: ArrayLike | None, form: VariableFormat) -> Int16:
        """Values of a variable, checked; none where no rule needs them."""
        if z > 0 and not self.rules.has("wdt"[z]):
            return np.empty(0, np.int16)
        values = _whole(f"{_NAMES[z]}s", np.zeros(self.n_synapses, np.int64) if given is None else given, form.low, form.high)
        if values.size != self.n_synapses:
            text = f"there are {values.size} {_NAMES[z]}s for {self.n_synapses} synapses."
            raise ParameterError(text, where=_WHERE, used=values.size, limit=self.n_synapses, remedy="Give one for every synapse.")
        if np.any((values - form.low) % 2**form.coarse):
            text = f"{_NAMES[z]}s must be multiples of {2**form.coarse}."
            raise ParameterError(text, where=_WHERE, used=values, limit=2**form.coarse, remedy="Round them.")
        return values.astype(np.int16)


_SIDES = ("pre", "post", "reward")
_EVOLVING = ("weights", "delays", "tags", *_SIDES)


class _Room(NamedTuple):
    """Arrays that every epoch needs."""

    tables: tuple[NDArray[np.int32], ...]
    used: NDArray[np.bool_]
    visited: NDArray[np.bool_]
    sources: NDArray[np.int32]
    words: NDArray[np.uint64]
    changed: NDArray[np.int64]
    block: Any
    counts: tuple[NDArray[np.int64], ...]
    last: tuple[NDArray[np.int32], ...]
    history: tuple[Bytes, ...]

    @classmethod
    def of(cls, n_products: int, n_steps: int, n_pre: int, n_post: int, n_synapses: int) -> _Room:
        """Room for a projection of this size."""
        widest, sizes = max(n_pre, n_post, 1), (n_pre, n_post, 1)
        return cls(
            tables=tuple(np.zeros((n_products, *size), np.int32) for size in ((widest,), (n_steps + 1, n_post), (n_pre, n_steps + 1))),
            used=np.zeros(n_steps + 1, np.bool_),
            visited=np.zeros(n_pre, np.bool_),
            sources=np.zeros(BLOCK, np.int32),
            words=np.zeros(3, np.uint64),
            changed=np.zeros(n_synapses + 1, np.int64),
            block=scratch(),
            counts=tuple(np.zeros(size, np.int64) for size in sizes),
            last=tuple(np.zeros(size, np.int32) for size in sizes),
            history=tuple(np.zeros((n_steps + 1, k, size), np.uint8) for k, size in zip((2, 3, 1), sizes, strict=True)),
        )


def _wiring(indptr: ArrayLike, targets: ArrayLike, n_post: int, by_column: bool) -> Wiring:
    """Synapses by source, and by target if ``by_column``."""
    starts = _whole("starts of rows", indptr, 0, 2**62).astype(np.int64)
    ends = _whole("targets", targets, 0, n_post - 1).astype(np.int32)
    if ends.size > _MOST_SYNAPSES:
        text = f"{ends.size} synapses are more than one projection holds, {_MOST_SYNAPSES}."
        raise ParameterError(text, where=_WHERE, used=ends.size, limit=_MOST_SYNAPSES, remedy="Split the projection.")
    if starts.size < 1 or starts[0] != 0 or np.any(np.diff(starts) < 0) or starts[-1] != ends.size:
        text = f"rows must begin with 0, rise, and end with the number of synapses, {ends.size}."
        raise ParameterError(
            text, where=_WHERE, used=starts, limit=ends.size, remedy="Give the starts of the rows and the end of the last one."
        )
    if not by_column:
        return Wiring(starts, ends, np.zeros(n_post + 1, np.int64), np.empty(0, np.uint32), np.empty(0, np.int32))
    order = np.argsort(ends, kind="stable").astype(np.uint32)
    sources = np.repeat(np.arange(starts.size - 1, dtype=np.int32), np.diff(starts))[order]
    columns = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=n_post))]).astype(np.int64)
    return Wiring(starts, ends, columns, order, sources)


def _whole(what: str, values: ArrayLike, low: int, high: int) -> NDArray[np.int64]:
    """Whole numbers in a range, shape (n,)."""
    found = np.atleast_1d(np.asarray(values))
    if found.size == 0:
        return np.empty(0, np.int64)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        text = f"{what} must be a list of whole numbers."
        raise ParameterError(text, where=_WHERE, used=values, limit=(low, high), remedy="Give integers.")
    if found.min() < low or found.max() > high:
        worst = int(found.min() if found.min() < low else found.max())
        text = f"{what} must be from {low} to {high}, not {worst}."
        raise ParameterError(text, where=_WHERE, used=worst, limit=(low, high), remedy="Choose numbers in this range.")
    return found.astype(np.int64)
