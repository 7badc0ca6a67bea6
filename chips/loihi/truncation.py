"""What currents lose by decaying in whole numbers: every step takes away up to one register more than it should."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim.chips.loihi.registers import Registers
from neurosim.chips.loihi.weights import Span
from neurosim.chips.values import at
from neurosim.columns import Floats
from neurosim.losses import Loss
from neurosim.network import Network, Projection

#: Smaller losses of charge are not worth an entry.
_LEAST = 1e-3
#: Cells of a population that are looked at, evenly spread, and levels of a decay.
_CELLS, _LEVELS = 64, 4096
#: Registers of mantissa 1.
_GRAIN = 64.0
_DETAIL = "Currents lose part of a register in each step. Error is that of the charge of a single spike; it is less where spikes add up."


def truncation_losses(network: Network, spans: Mapping[int, Span], scales: Mapping[int, Registers]) -> list[Loss]:
    """Ledger entries of projections whose single spikes carry a thousandth less charge than they should, or more than that.

    Parameters
    ----------
    spans
        Weights of every projection, by position in the network.
    scales
        Registers of every population of neurons, by its id.
    """
    found = []
    for index, projection in enumerate(network.projections):
        lost = _lost_by(projection, spans[index].typical, scales)
        if lost.size and lost.max() >= _LEAST:
            where, size = f"Projection '{projection.label}'", projection.post.size
            found.append(Loss("rounded", where, "synaptic charge", size, size, float(lost.mean()), float(lost.max()), "1", _DETAIL))
    return found


def _lost_by(projection: Projection, weight: float, scales: Mapping[int, Registers]) -> Floats:
    """Part of the charge of a weight that is lost, for some cells of each population."""
    parts = [np.empty(0)]
    for number, indices in projection.post.parts:
        scale, cells = scales[number], indices[:: max(len(indices) // _CELLS, 1)]
        decay = np.broadcast_to(at(_decay(scale, projection.receptor), cells), len(cells))
        first = np.broadcast_to(_GRAIN * np.rint(weight / (_GRAIN * at(scale.unit_of[projection.receptor], cells))), len(cells))
        pairs = np.unique(np.stack([first, decay]), axis=1)
        parts.append(lost_charge(pairs[0, pairs[0] > 0], pairs[1, pairs[0] > 0]))
    return np.concatenate(parts)


def _decay(scale: Registers, name: str) -> float | Floats:
    """Decay of a receptor, or of the one whose current it joins."""
    decay: float | Floats = 0.0
    for receptor in scale.receptors:
        decay = receptor.parameters.get("decay_u", decay)  # type: ignore[assignment]
        if receptor.name == name:
            break
    return decay


def lost_charge(first: Floats, decay: Floats) -> Floats:
    """Part of the charge that is lost by a current that begins with some registers, 0 to 1.

    Parameters
    ----------
    first
        Whole numbers above 0, (n,).
    decay
        Decay per step in 1/4096, 1 to 4096, (n,).

    Examples
    --------
    >>> lost_charge(np.array([100.0, 16320.0]), np.array([81.0, 81.0])).round(3).tolist()
    [0.451, 0.01]
    """
    left, charge = first.copy(), first.copy()
    while left.any():
        left = np.floor(left * (_LEVELS - decay) / _LEVELS)
        charge += left
    return 1.0 - charge * decay / (_LEVELS * first)
