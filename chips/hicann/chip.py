"""HICANN behind the chip interface: one wafer of BrainScaleS-1, a core is a HICANN."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from neurosim.chips.chip import Chip, CoreTable, Int32, Limit, Location, Pinned, Placed, Translation
from neurosim.chips.hicann.inputs import cuts
from neurosim.chips.hicann.layout import denmems_on, share_reset
from neurosim.chips.hicann.neurons import fold_current, into_range, start_at_rest, window_of
from neurosim.chips.hicann.sheet import HicannSheet, usable_size
from neurosim.chips.hicann.wafer import Coordinate, Denmem, Packing, Wafer
from neurosim.chips.hicann.weights import RowFormat, row_maxima_us
from neurosim.chips.native import Native
from neurosim.chips.operations import WordBits
from neurosim.chips.parameters import Parameters
from neurosim.chips.realise import Words, realise
from neurosim.chips.translate import OPTIONS, translate
from neurosim.chips.uncertain import uncertain
from neurosim.chips.usage import incoming, slice_synapses
from neurosim.chips.values import Values, on_post, parameter
from neurosim.errors import ParameterError
from neurosim.network import Network, Population, Projection, Selection

if TYPE_CHECKING:
    import networkx as nx

_OPTIONS = ("current", "alpha", "delta", "cells", "stdp", "short_term_plasticity", "stochastic_synapses", "injection")


class HicannChip(Chip):
    """One wafer of HICANNs at its nominal speed-up."""

    name = "hicann"
    delivery = "bus"
    board_noun = "wafer"
    y_points_down = True
    router_noun = "HICANN"
    map_aspect = 0.5  # a die is 5 mm wide and 10 mm high: 36 columns and 16 rows make a round wafer
    map_group = "reticle"
    approximations: ClassVar[Mapping[str, str]] = {name: OPTIONS[name] for name in _OPTIONS}
    sheet: HicannSheet
    neuron_sizes: Mapping[int, int] = {}
    """Denmems per neuron of populations that do not have the default, by population."""

    @cached_property
    def wafer(self) -> Wafer:
        """HICANNs and their neighbours."""
        return Wafer(self.sheet)

    def coordinate(self, x: int, y: int) -> Coordinate:
        """The HICANN at column ``x`` and row ``y``.

        Raises
        ------
        ParameterError
            If the wafer has none there.
        """
        enum = self.wafer.number.get((x, y))
        if enum is not None and all(isinstance(part, int | np.integer) for part in (x, y)):
            return Coordinate(x, y, enum)
        rows = self.sheet.wafer.rows.value
        known = isinstance(y, int) and 0 <= y < len(rows)
        remedy = f"Row y={y} has x from {rows[y][0]} to {rows[y][1]}." if known else f"Rows are y = 0 to {len(rows) - 1}."
        limit = rows[y] if known else len(rows) - 1
        raise ParameterError(f"there is no HICANN at x={x}, y={y}.", where="Wafer", used=(x, y), limit=limit, remedy=remedy)

    def cores(self) -> CoreTable:
        """One core per HICANN, by number."""
        return self.wafer.cores

    def topology(self) -> nx.Graph:
        """HICANNs and the buses between neighbours."""
        return self.wafer.graph

    def hops(self, chip_a: Int32, chip_b: Int32) -> Int32:
        """Neighbours crossed on a shortest path."""
        return self.wafer.hops(chip_a, chip_b)

    def core_label(self, core: int) -> str:
        """For example ``"HICANN 93 (x=5, y=5)"``."""
        x, y = self.wafer.xy[core]
        return str(Coordinate(int(x), int(y), core))

    def limits(self) -> tuple[Limit, ...]:
        """Denmems and addresses of a HICANN; synapses beyond theirs are lost, not refused."""
        part = self.sheet.hicann
        denmems = part.columns.value * part.neuron_rows.value
        return (
            Limit("denmems", "core", denmems, "denmems", part.columns.source),
            Limit("L1 addresses", "core", part.sending_repeaters.value * part.addresses.value, "addresses", part.addresses.source),
            Limit("synapses", "core", denmems * part.synapse_rows.value, "synapses", part.synapse_rows.source, hard=False),
        )

    def neuron_size(self, population: int) -> int:
        """Denmems per neuron of a population."""
        return self.neuron_sizes.get(population, self.sheet.hicann.neuron_size.value)

    def inputs_per_neuron(self, population: int) -> int:
        """Synapses that a neuron of a population has room for."""
        return self.neuron_size(population) * self.sheet.hicann.synapse_rows.value

    def slice_usage(self, network: Network, population: int, n_neurons: int) -> dict[str, int]:
        """Denmems, addresses, and synapses as far as they have room."""
        part = self.sheet.hicann
        packing = Packing(self.neuron_size(population), part.block_columns.value * part.neuron_rows.value)
        asked = sum(slice_synapses(network, projection, n_neurons) for projection, _ in incoming(network, population))
        room = n_neurons * self.inputs_per_neuron(population)
        return {"denmems": packing.denmems(n_neurons), "L1 addresses": n_neurons, "synapses": min(asked, room)}

    def configure(self, network: Network, pins: Sequence[Pinned]) -> HicannChip:
        """Wafer with the neuron sizes that pins ask for.

        Raises
        ------
        ParameterError
            If a size is impossible, or one population is given two.
        """
        sizes: dict[int, int] = {}
        for pin in pins:
            if pin.neuron_size is not None:
                where = f"Population '{network.populations[pin.population].label}'"
                self._check_size(pin.neuron_size, where)
                if sizes.setdefault(pin.population, pin.neuron_size) != pin.neuron_size:
                    used = (sizes[pin.population], pin.neuron_size)
                    raise ParameterError("two neuron sizes were given.", where=where, used=used, remedy="Use one size per population.")
        configured = copy.copy(self)
        configured.neuron_sizes = sizes
        return configured

    def _check_size(self, size: int, where: str) -> None:
        most = self.sheet.hicann.largest_neuron.value
        if not usable_size(size, most):
            text = f"the neuron size {size!r} is impossible: a neuron is 1 denmem or an even number of them up to {most}."
            raise ParameterError(text, where=where, used=size, limit=most, remedy="Use 1, 2, 4, 6, ... .")

    def translate(self, network: Network, approximate: frozenset[str]) -> Translation:
        """Network with conductance synapses and parameters in the calibrated ranges."""
        distance, neurons = self.sheet.neurons.reversal_distance.value, self.sheet.neurons
        native = Native(
            models=frozenset({"lif", "adex"}),
            receptors=frozenset({"cond_exp"}),
            shortest_tau_ms=neurons.tau_syn.value[0] * neurons.speedup.value / 1000,
            reversal_mv=(distance, -distance),
            speedup=neurons.speedup.value,
        )
        draft = translate(self, network, approximate, native)
        for population in draft.network.populations:
            self._check_receptors(population)
        items = [Parameters.of(population) for population in draft.network.populations]
        cells = [item for item in items if not item.population.is_source]
        for item in cells:
            fold_current(item)
        window = window_of(self.sheet, cells)
        for item in cells:
            into_range(self.sheet, item, window, self.neuron_size(item.population.id))
        doubtful = ["weights.rows"] if network.projections else []
        if window.scale != neurons.voltage_scale.value or window.shift != neurons.voltage_shift.value:
            doubtful.append("neurons.window")
        if any(loss.detail.startswith("'current'") for loss in draft.losses):
            doubtful.append("neurons.reversal_distance")
        populations = tuple(item.result() if item.population.is_source else start_at_rest(item.result(), item) for item in items)
        losses = [*draft.losses, *(loss for item in items for loss in item.losses), *uncertain(self.sheet, doubtful)]
        return Translation(replace(draft.network, populations=populations), tuple(losses))

    def _check_receptors(self, population: Population) -> None:
        if len(population.receptors) > 2:
            where = f"Population '{population.label}'"
            nearest = "A neuron has two synaptic inputs, one reversal potential each: use two receptors."
            raise self.refuse(f"neurons with {len(population.receptors)} receptors", where, option=None, nearest=nearest)

    def word_bits(self) -> WordBits:
        """Weights have 4 bits; states are analogue."""
        return WordBits(weight=self.sheet.weights.bits.value, state=0)

    def realise(self, network: Network, mapping: Placed) -> Translation:
        """Network with 4-bit weights by row, delays by distance, lost synapses left out, resets shared."""
        sizes = {p.id: self.neuron_size(p.id) for p in network.populations}
        network, shared = share_reset(network, mapping, sizes, self.sheet.hicann)
        lost = cuts(network, {p.id: self.inputs_per_neuron(p.id) for p in network.populations if not p.is_source})
        position = {id(projection): index for index, projection in enumerate(network.projections)}

        def make(projection: Projection) -> tuple[RowFormat, Words]:
            form = self._format(network, mapping, projection, lost.get(position[id(projection)]))
            return form, self._words(form)

        realised, losses = realise(network, make)
        return Translation(realised, (*shared, *losses))

    def _format(self, network: Network, mapping: Placed, projection: Projection, lost: np.ndarray | None) -> RowFormat:
        sheet, speedup = self.sheet, self.sheet.neurons.speedup.value
        delay = tuple(constant.value * speedup / 1e6 for constant in (sheet.delays.offset, sheet.delays.per_hicann))

        def maximum(which: int) -> Values:
            return on_post(network, projection, lambda p: row_maxima_us(sheet, parameter(p, "cm"), self.neuron_size(p.id))[which])

        return RowFormat(
            wafer=self.wafer,
            levels=2**sheet.weights.bits.value - 1,
            stochastic=sheet.weights.rounding.value == "stochastic",
            seed=projection.seed,
            pre_core=_cores_of(mapping, projection.pre),
            post_core=_cores_of(mapping, projection.post),
            weakest=maximum(0),
            strongest=maximum(1),
            lost_from=lost,
            delay_ms=(delay[0], delay[1]),
            dt_ms=network.dt,
        )

    def _words(self, form: RowFormat) -> Words:
        weakest, strongest = (float(np.min(maximum)) if np.size(maximum) else 0.0 for maximum in (form.weakest, form.strongest))
        offset, each = form.delay_ms
        largest = f"the row's largest weight (at least {weakest:.3g} uS)"
        return Words(
            rounded=f"Codes 0 to {form.levels} of {form.levels} parts of {largest}, {self.sheet.weights.rounding.value} rounding.",
            clipped=f"The strongest row setting gives {strongest:.4g} uS. {self._stronger()}",
            zeroed=f"Below one of {form.levels} parts of {largest}, or negative, which is no synapse.",
            delay=f"Delays cannot be set: {offset:.4g} ms and {each:.3g} ms per HICANN of the route.",
            lost=f"A denmem has {self.sheet.hicann.synapse_rows.value} inputs; later ones are lost. A larger neuron_size has more.",
        )

    def _stronger(self) -> str:
        """How to get stronger synapses: with less capacitance for the same membrane."""
        neurons = self.sheet.neurons
        fewer = "Synapses are stronger on neurons of fewer denmems (neuron_size)"
        if neurons.capacitor.value != "big":
            return f"{fewer}."
        times = neurons.big_capacitor.value / neurons.small_capacitor.value
        low, high = (end * neurons.speedup.value / 1000 for end in neurons.tau_m_small.value)
        small = "in a copy of the datasheet with neurons.capacitor = 'small'"
        return f"{fewer}, and {times:.3g} times as strong {small}, where tau_m reaches from {low:.3g} to {high:.3g} ms."

    def location(self, network: Network, mapping: Placed, population: int, neuron: int) -> Location:
        """Place of a neuron with its denmems, the firing one first."""
        place = super().location(network, mapping, population, neuron)
        if place.core < 0:
            return place
        core = int(mapping.core_of[population][neuron])
        sizes = {p.id: self.neuron_size(p.id) for p in network.populations}
        circuits = denmems_on(mapping, core, sizes, self.sheet.hicann)[population, neuron]
        return replace(place, denmems=tuple(Denmem(core, place.x, place.y, row, column) for row, column in circuits))


def _cores_of(mapping: Placed, selection: Selection) -> Int32:
    parts = [np.asarray(mapping.core_of[p], np.int32)[indices] for p, indices in selection.parts]
    return np.concatenate(parts) if parts else np.empty(0, np.int32)
