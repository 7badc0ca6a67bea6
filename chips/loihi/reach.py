"""How far the weights of a projection are held, where the largest of them would ruin all the rest.

All weights of a projection share one exponent, all registers of a cell one unit. A weight a thousand times
as large as the others leaves these less than a mantissa each, and weights of thousands of thresholds leave
the threshold a few registers. Both are clipped here instead, and the ledger says how many and by how much.
Weights that are learned are left alone: they end where their rule says.

* Outliers: what a grid takes from the weights counts as the share of what each cell receives, absolute errors
  over absolute weights, in the mean over cells. Where the largest weight costs more than ``NOTICED`` and clipping
  at least halves that, the projection ends at the largest power of two below that weight which comes within
  ``CLOSE`` of the best.
* Thresholds: no weights onto a population are so large that its median threshold has fewer than ``FEWEST`` mantissas,
  which is to say more than some hundred thresholds in the step in which they arrive, all that arrives at once included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from neurosim.chips.loihi.registers import at_once, decay_of, per_weight_of
from neurosim.chips.loihi.sheet import FamilySheet
from neurosim.chips.loihi.weights import Span, encode
from neurosim.chips.parameters import Parameters
from neurosim.chips.realise import blocks
from neurosim.columns import Floats
from neurosim.network import Network, Population, Projection
from neurosim.plasticity import LEARNING

#: Mantissas that the median threshold of a population keeps: an error of 0.2 %.
FEWEST = 256
#: Weights are looked at where the largest is so many times their mean and the root of their mean square.
FAR_FROM_MEAN, FAR_FROM_TYPICAL = 32.0, 8.0
#: Share of what cells receive, see above.
NOTICED, CLOSE = 0.1, 0.02


def within_reach(network: Network, found: Mapping[int, Span], populations: Iterable[Population], sheet: FamilySheet) -> dict[int, Span]:
    """Spans of the weights that are held, by position in the network.

    Parameters
    ----------
    found
        Spans of the weights that were given.
    populations
        Those whose threshold is a register that shares its unit with weights.
    """
    spans = {index: _without_outliers(network, network.projections[index], span, sheet) for index, span in found.items()}
    highest = dict.fromkeys(spans, 0.0)
    for population in populations:
        for index, weight in _highest(network, population, spans, sheet).items():
            highest[index] = max(highest[index], weight)
    return {
        k: replace(span, largest=highest[k], typical=min(span.typical, highest[k])) if 0 < highest[k] < span.largest else span
        for k, span in spans.items()
    }


def _without_outliers(network: Network, projection: Projection, span: Span, sheet: FamilySheet) -> Span:
    """The span, or a smaller one where the largest weights cost the others too much."""
    if projection.synapse.model in LEARNING or span.largest <= max(FAR_FROM_MEAN * span.mean, FAR_FROM_TYPICAL * span.typical):
        return span
    levels, shares, squares = _shares(network, projection, span, sheet)
    best = shares.min()
    if shares[0] <= NOTICED or best > shares[0] / 2:
        return span
    chosen = int(np.flatnonzero(shares <= best + CLOSE)[0])
    return replace(span, largest=float(levels[chosen]), typical=float(np.sqrt(squares[chosen])))


def _shares(network: Network, projection: Projection, span: Span, sheet: FamilySheet) -> tuple[Floats, Floats, Floats]:
    """Levels to end at, what each costs, and the mean square of the weights that it leaves."""
    largest = 2**sheet.synapses.weight_bits.value - 1
    levels, n = np.empty(0), 0
    received, errors, squares = np.empty(0), np.empty((0, 0)), np.empty(0)
    for rows in blocks(network, projection)[0]:
        weight = np.abs(np.broadcast_to(rows.columns["weight"], (rows.size,)))
        if not len(levels):
            levels = _levels(span.largest, weight, largest)
            received, errors, squares = np.zeros(projection.post.size), np.zeros((len(levels), projection.post.size)), np.zeros(len(levels))
        n += rows.size
        received += np.bincount(rows.post, weight, len(received))
        for k, level in enumerate(levels):
            unit = level / (largest - span.mixed)
            held = encode(weight, unit, largest, mixed=span.mixed) * unit
            errors[k] += np.bincount(rows.post, np.abs(held - weight), len(received))
            squares[k] += np.square(np.minimum(weight, level)).sum()
    reached = received > 0
    if not reached.any():
        return np.array([span.largest]), np.zeros(1), np.zeros(1)
    return levels, (errors[:, reached] / received[reached]).mean(axis=1), squares / n


def _levels(top: float, weight: Floats, largest: int) -> Floats:
    """The largest weight, and it halved so often that the middle one of the others has some mantissas, but not all."""
    others = weight[weight > 0]
    middle = float(np.median(others)) if len(others) else top
    halved = top * 0.5 ** np.arange(1, 64)
    return np.concatenate([[top], halved[(halved >= 2 * middle) & (halved <= largest * middle)]])


def _highest(network: Network, population: Population, spans: Mapping[int, Span], sheet: FamilySheet) -> dict[int, float]:
    """Largest weight of each projection onto a population that leaves its threshold enough mantissas."""
    rule = sheet.neurons
    cell = {name: np.atleast_1d(value) for name, value in Parameters.of(population).values.items()}
    threshold = float(np.median(cell["v_thresh"] - cell["v_reset"]))
    per_mv = FEWEST * 2.0**rule.threshold_shift.value / threshold
    onto = [k for k, p in enumerate(network.projections) if any(number == population.id for number, _ in p.post.parts)]
    free = [k for k in onto if network.projections[k].synapse.model not in LEARNING]
    if not free:
        return {}
    receptors = {r.name: r for r in population.receptors}
    names = [network.projections[k].receptor for k in free]
    factor = np.array([float(per_weight_of(receptors[name], cell, network.dt, sheet).max()) for name in names])
    lasting = np.array([2.0**rule.decay_bits.value / float(decay_of(receptors[name], cell, network.dt, sheet).min()) for name in names])
    many = np.array([at_once(network, network.projections[k]) for k in free])
    step = factor * np.array([spans[k].largest for k in free])
    mantissa = (2**sheet.synapses.weight_bits.value - 2) * 2.0 ** (rule.threshold_shift.value + sheet.synapses.exponents.value[1])
    level = min(
        mantissa / per_mv,
        _filled(step, many, 2.0 ** (rule.input_bits.value - 1) / per_mv),
        _filled(step, many * lasting, 2.0 ** (rule.current_bits.value - 1) / per_mv),
    )
    return {k: level / each for k, each in zip(free, factor.tolist(), strict=True)}


def _filled(amounts: Floats, factors: Floats, room: float) -> float:
    """Level at which amounts have to end for the sum of amounts times factors to fit."""
    order = np.argsort(amounts)
    amounts, factors = amounts[order], factors[order]
    before = np.concatenate([[0.0], np.cumsum(factors * amounts)[:-1]])
    behind = np.cumsum(factors[::-1])[::-1]
    level = (room - before) / np.maximum(behind, 1e-300)
    over = level < amounts
    return float(level[np.argmax(over)]) if over.any() else np.inf
