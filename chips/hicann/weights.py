"""Weights on HICANN: 4 bits, times a maximum that each row of synapses has for itself.

A row serves one source neuron of one projection on one HICANN. Its maximum is its largest weight,
within the weakest and the strongest row setting; between them any maximum is taken to be possible,
since V_gmax is free and the dividers are many. Between two codes a weight is rounded at random,
so that the mean is right; the draw depends on the projection's seed, the row and the synapse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.chip import Int32
from neurosim.chips.hicann.sheet import HicannSheet
from neurosim.chips.hicann.wafer import Wafer
from neurosim.chips.realise import keyed_uniform
from neurosim.chips.values import Values, at
from neurosim.columns import Floats
from neurosim.network import Rows


def capacitance_pf(sheet: HicannSheet, size: int) -> float:
    """Membrane capacitance of a neuron of ``size`` denmems."""
    neurons = sheet.neurons
    each = neurons.big_capacitor if neurons.capacitor.value == "big" else neurons.small_capacitor
    return size * each.value


def row_maxima_us(sheet: HicannSheet, cm_nf: Values, size: int) -> tuple[Values, Values]:
    """Largest weight in uS (biological) of the weakest and the strongest row on a neuron of ``size`` denmems."""
    weights = sheet.weights
    code = 2**weights.bits.value - 1
    constant, linear, quadratic = weights.steps.value
    dac, divider = weights.reference_row.value
    rows = [d / n / (dac / divider) for d, n in weights.rows.value]
    hardware_ns = constant + linear * code + quadratic * code**2
    # both conductances over both capacitances give rates, which differ by the speed-up
    reference = hardware_ns / sheet.neurons.speedup.value * cm_nf / capacitance_pf(sheet, size)
    return min(rows) * reference, max(rows) * reference


@dataclass(frozen=True, slots=True, eq=False)
class RowFormat:
    """Format of one projection on placed neurons.

    Attributes
    ----------
    wafer
        For the distance between HICANNs.
    levels
        Largest code, 15 for 4 bits.
    stochastic
        Rounding at random or to the nearest.
    seed
        For rounding.
    pre_core, post_core
        HICANN of every cell of both selections; -1 for cells outside the wafer.
    weakest, strongest
        Largest weight (uS) of the weakest and of the strongest row: one, or one per postsynaptic index.
    lost_from
        Per postsynaptic index the first synapse, counted in rows, that no longer has a place;
        ``None`` if all have.
    delay_ms
        Offset and share per HICANN of the delay.
    dt_ms
        Shortest delay.
    """

    wafer: Wafer
    levels: int
    stochastic: bool
    seed: int
    pre_core: Int32
    post_core: Int32
    weakest: Values
    strongest: Values
    lost_from: NDArray[np.int64] | None
    delay_ms: tuple[float, float]
    dt_ms: float

    def kept(self, rows: Rows) -> NDArray[np.bool_] | None:
        """Synapses that still find a place among the inputs of their neuron."""
        return None if self.lost_from is None else rows.pre() < self.lost_from[rows.post]

    def limit(self, rows: Rows) -> Values:
        """Strongest synapse of each target."""
        return at(self.strongest, rows.post)

    def weights(self, rows: Rows) -> Values:
        """Weight of the code that each synapse gets; negative weights are no synapses."""
        asked = np.broadcast_to(rows.columns["weight"], (rows.size,))
        wanted = np.clip(asked, 0.0, self.limit(rows))
        step = np.maximum(self._row_maximum(rows, wanted), at(self.weakest, rows.post)) / self.levels
        codes = np.divide(wanted, step, out=np.zeros(rows.size), where=step > 0)
        held = np.minimum(self._rounded(codes, rows), self.levels) * step
        return cast(Floats, held)

    def _row_maximum(self, rows: Rows, wanted: Floats) -> Floats:
        cores = int(self.post_core.max(initial=0)) + 1
        key = (rows.pre() - rows.start) * cores + self.post_core[rows.post]
        n_keys = (len(rows.indptr) - 1) * cores
        if n_keys > 4 * rows.size + 1_000_000:
            # few synapses spread over many HICANNs: number only the rows that occur
            found, key = np.unique(key, return_inverse=True)
            n_keys = len(found)
        maximum = np.zeros(n_keys)
        np.maximum.at(maximum, key, wanted)
        return maximum[key]

    def _rounded(self, codes: Floats, rows: Rows) -> Floats:
        if not self.stochastic:
            return np.rint(codes)
        near = np.rint(codes)
        # codes that are whole up to rounding errors must not be split
        exact = np.abs(codes - near) < 1e-9
        return np.where(exact, near, np.floor(codes + keyed_uniform(self.seed, rows)))

    def delays(self, rows: Rows) -> Values:
        """Delay by the number of HICANNs of the route; the user's delay has no effect."""
        source, target = self.pre_core[rows.pre()], self.post_core[rows.post]
        # inputs from outside are fed in at the HICANN of their target
        hops = np.where(source >= 0, self.wafer.hops(np.maximum(source, 0), target), 0)
        offset, each = self.delay_ms
        return np.maximum(offset + each * (hops + 1), self.dt_ms)
