"""Synapse models in the terms of a chip: averaged, rescaled, or with the nearest plasticity."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from neurosim.chips.realise import Change, Measured, blocks
from neurosim.chips.values import Values, at, statistics, synaptic_column
from neurosim.chips.working_point import steady_efficacy
from neurosim.columns import Column, Floats, Integers
from neurosim.errors import ParameterError
from neurosim.network import Network, Plasticity, Projection, Realisation, Rows

if TYPE_CHECKING:
    from neurosim.chips.chip import Chip
    from neurosim.chips.native import Native
    from neurosim.chips.translate import Draft

#: Delays are compared with limits up to this.
TOLERANCE_MS = 1e-6

_STATIC_COLUMNS = ("weight", "delay")


@dataclass(frozen=True, slots=True, eq=False)
class Convert:
    """Realisation that writes weights in another unit or as the mean of a varying synapse.

    Attributes
    ----------
    factor
        For the weights: one, or one per postsynaptic index.
    rate_hz
        Rate at which short-term plasticity is averaged; 0 for none.
    column
        Column that multiplies the weight, for example a release probability; ``""`` for none.
    """

    factor: Values = 1.0
    rate_hz: float = 0.0
    column: str = ""

    @property
    def weight_scale(self) -> float | None:
        """The one factor of all weights; ``None`` if they differ."""
        return self.factor if isinstance(self.factor, float) and not self.rate_hz and not self.column else None

    def apply(self, rows: Rows) -> Rows:
        """Synapses with converted weights."""
        columns = dict(rows.columns)
        weight = columns["weight"] * at(self.factor, rows.post)
        if self.rate_hz:
            weight = weight * steady_efficacy(columns["U"], columns["tau_rec"], columns["tau_facil"], self.rate_hz)
        if self.column:
            weight = weight * columns[self.column]
        if self.rate_hz or self.column:
            columns = {name: columns[name] for name in _STATIC_COLUMNS}
        return replace(rows, columns={**columns, "weight": weight})


def in_own_unit(projection: Projection, weights: Values, post: Integers) -> Values:
    """Weights on the chip in the unit they were given in; the last axis is one of synapses onto ``post``."""
    step = projection.realisation
    while step is not None and not isinstance(step, Convert):
        step = getattr(step, "before", None)
    if step is None or (isinstance(step.factor, float) and step.factor == 1.0):
        return weights
    factor = at(step.factor, post)
    own = np.divide(weights, factor, out=np.zeros(np.broadcast(weights, factor).shape), where=np.not_equal(factor, 0.0))
    return own if own.ndim else float(own)


def static_synapse(projection: Projection, convert: Convert) -> Projection:
    """Projection whose varying synapses are averaged by ``convert``.

    The columns of the synapse stay, because the conversion reads them.
    """
    return replace(projection, synapse=replace(projection.synapse, model="static", plasticity=None), realisation=convert)


def usable_plasticity(rule: Plasticity | None, native: Native) -> tuple[Plasticity | None, str | None]:
    """Nearest plasticity a chip has, and in words what had to change; ``None`` if nothing."""
    if rule is None:
        return None, None
    if not native.dependences:
        return None, "pair STDP, replaced by static synapses at their first weight"
    changes = []
    if rule.dependence not in native.dependences:
        nearest = _nearest_dependence(rule)
        changes.append(f"weight dependence '{rule.dependence}', nearest is '{nearest}'")
        rule = _with_dependence(rule, nearest)
    if native.full_dendritic_delay and rule.dendritic_delay_fraction != 1.0:
        changes.append(f"dendritic delay fraction {rule.dendritic_delay_fraction:g}, it must be 1")
        rule = replace(rule, dendritic_delay_fraction=1.0)
    return rule, "; ".join(changes) or None


def _with_dependence(rule: Plasticity, nearest: str) -> Plasticity:
    """The rule with another dependence; a power law gets limits so that changes are the same at its reference weight."""
    if rule.dependence == "power_law":
        return replace(rule, dependence=nearest, w_min=0.0, w_max=2.0 * rule.w_0)
    return replace(rule, dependence=nearest)


def _nearest_dependence(rule: Plasticity) -> str:
    if rule.dependence == "gutig":
        return "multiplicative" if rule.mu_plus + rule.mu_minus >= 1.0 else "additive"
    return "multiplicative"


def plasticity_error(asked: Plasticity, held: Plasticity | None) -> tuple[float, float]:
    """Mean and largest error of the size of a weight change, in parts of the largest; ``None`` is no change."""
    place = np.linspace(0.0, 1.0, 101)

    def sizes(rule: Plasticity) -> Floats:
        if rule.dependence == "power_law":  # from 0 to twice the reference weight, which become the limits
            return np.concatenate([0.5 * (2 * place) ** rule.mu_plus, place])
        return np.concatenate([(1 - place) ** rule.mu_plus, place**rule.mu_minus])

    error = sizes(asked) if held is None else np.abs(sizes(asked) - sizes(held))
    return float(error.mean()), float(error.max())


def release_error(p: Column) -> tuple[float, float] | None:
    """Mean and largest relative error of one spike if a release with probability ``p`` is replaced by its mean."""
    if not isinstance(p, int | float) or p <= 0:
        return None
    return 2 * (1 - p), max(1.0, 1 / p - 1) if p < 1 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Shorten:
    """Realisation that shortens delays to the chip's longest."""

    longest_ms: float
    before: Realisation | None = None

    @property
    def weight_scale(self) -> float | None:
        """Factor of all weights, which is that of the earlier realisation."""
        return 1.0 if self.before is None else getattr(self.before, "weight_scale", None)

    def apply(self, rows: Rows) -> Rows:
        """Synapses with delays up to ``longest_ms``."""
        rows = rows if self.before is None else self.before.apply(rows)
        delay = rows.columns["delay"]
        short = min(delay, self.longest_ms) if isinstance(delay, float) else np.minimum(delay, self.longest_ms)
        return replace(rows, columns={**rows.columns, "delay": short})


def limit_delays(draft: Draft, longest_ms: Callable[[Network, Projection], float]) -> None:
    """Refuse delays that are known to be beyond the chip's range, or shorten them if opted in.

    Raises
    ------
    ParameterError
        If a delay is too long; names the limit, the value and what to do.
    """
    projections = []
    for projection in draft.network.projections:
        limit = longest_ms(draft.network, projection)
        known = statistics(synaptic_column(projection, "delay"))
        if known is not None and known.ceiling <= limit + TOLERANCE_MS:
            projections.append(projection)
        elif "delay" in draft.approximate:
            projections.append(_shortened(draft, projection, limit, known.high if known else math.inf))
        else:
            # random ones are checked when they are drawn
            if known is not None and known.certain:
                refuse_delay(draft.chip, projection, known.high, limit)
            projections.append(projection)
    draft.network = replace(draft.network, projections=tuple(projections))


def _shortened(draft: Draft, projection: Projection, limit: float, longest: float) -> Projection:
    if longest > limit:
        too_long, measured = _too_long(draft.network, projection, limit)
        detail = f"'delay': {draft.chip.approximations['delay']} The longest the chip has is {limit:g} ms."
        loss = too_long.loss("approximation", f"Projection '{projection.label}'", "delay", measured, unit="ms", detail=detail)
        draft.losses += [loss] if loss.count else []
    return replace(projection, realisation=Shorten(limit, projection.realisation))


def _too_long(network: Network, projection: Projection, limit_ms: float) -> tuple[Change, Measured]:
    """By how much delays exceed the limit, counted over all synapses or a sample."""
    stream, scale, note = blocks(network, projection)
    measured, change = Measured(scale=scale, note=note), Change()
    for rows in stream:
        excess = np.subtract(rows.columns["delay"], limit_ms)
        measured.n += rows.size
        change.add(excess, np.greater(excess, TOLERANCE_MS), rows.size)
    return change, measured


def refuse_delay(chip: Chip, projection: Projection, delay_ms: float, limit_ms: float) -> None:
    """Raise the error for a delay beyond the chip's range."""
    raise ParameterError(
        f"the delay {delay_ms:g} ms is beyond the range of {chip.title}: the longest is {limit_ms:g} ms at this time step.",
        where=f"Projection '{projection.label}'",
        used=delay_ms,
        limit=limit_ms,
        remedy="Shorten it, use a longer time step, or opt in with approximate=['delay']: delays beyond the longest are shortened to it.",
    )
