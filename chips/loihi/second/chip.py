"""Loihi 2 behind the chip interface: what differs from Loihi 1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from neurosim.chips.chip import Int32, Limit, Placed
from neurosim.chips.loihi.chip import DEPENDENCES, RECEPTORS, Int64, LoihiChip
from neurosim.chips.loihi.limits import MEMORY, axon_limits
from neurosim.chips.loihi.load import SharedLoad
from neurosim.chips.loihi.options import under
from neurosim.chips.loihi.registers import Registers, registers_of
from neurosim.chips.loihi.second.load import Load2
from neurosim.chips.loihi.second.programs import PROGRAMS, ProgramErrors, into_reach, program_registers
from neurosim.chips.loihi.second.sheet import Loihi2Sheet
from neurosim.chips.loihi.settings import projected
from neurosim.chips.loihi.weights import Span
from neurosim.chips.native import Native
from neurosim.chips.parameters import Parameters
from neurosim.chips.translate import OPTIONS
from neurosim.losses import Loss
from neurosim.network import Network, Population

if TYPE_CHECKING:
    from neurosim.chips.loihi.second.timing import MaxAffine, TimeReport
    from neurosim.chips.spikes import Events

_OPTIONS = ("conductance", "alpha", "programs", "cells", "stdp", "short_term_plasticity", "stochastic_synapses", "injection", "delay")
_UNCERTAIN = ("core.input_axons", "core.output_axons", "synapses.exponents", "synapses.delay_bits", "synapses.per_entry")
_UNCERTAIN_CORE = ("core.memory", "core.state_word", "core.delay_word", "core.program")
_UNCERTAIN_NEURON = ("neurons.input_bits", "neurons.refractory", "neurons.voltage_bits")


class Loihi2Chip(LoihiChip):
    """Machine of Loihi 2 chips: the mesh and the synapses of Loihi 1, larger cores, neurons that may be programs."""

    name = "loihi2"
    approximations: ClassVar[Mapping[str, str]] = {name: OPTIONS[name] for name in _OPTIONS}
    options: ClassVar[tuple[str, ...]] = ("arithmetic",)
    sheet: Loihi2Sheet  # pyright: ignore[reportIncompatibleVariableOverride]

    def limits(self) -> tuple[Limit, ...]:
        """Limited resources of a core."""
        core = self.sheet.core
        named = (
            ("core memory", core.memory, "bytes"),
            (MEMORY, core.synapse_memory, "words"),
        )
        neurons = Limit("neurons", "core", core.neurons.value, "neurons", core.neurons.source)
        counted = (Limit(name, "core", constant.value, unit, constant.source, counts="synapses") for name, constant, unit in named)
        return (neurons, *counted, *axon_limits(self.sheet))

    def _groups(self, network: Network) -> dict[tuple[int, int], int]:
        """Every projection has a format of its own for each population."""
        return {pair: number for number, pair in enumerate(projected(network))}

    @property
    def _longest_list(self) -> int:
        """As many words as there are."""
        return self.sheet.core.synapse_memory.value

    def _by_words(self, network: Network, core_of: Sequence[Int32], words: Int64, longest: Int64) -> dict[str, Int64]:
        """Words, and bytes of a core with its states."""
        load, used = self._loads.get(network, lambda: self._load(network)), words * (self.sheet.core.word_bits.value // 8)
        assert isinstance(load, Load2)
        for population, cores in zip(network.populations, core_of, strict=True):
            here, n_neurons = np.unique(cores[cores >= 0], return_counts=True)
            used[here] += np.array([load.state_bytes(population, int(n)) for n in n_neurons], np.int64)
        return {"core memory": used, MEMORY: words}

    def settings(self, network: Network) -> dict[str, tuple[Int32, ...]]:
        """No profiles are shared: what differs between neurons is part of their state."""
        return {}

    def _many_thresholds(self, network: Network, mapping: Placed) -> list[Loss]:
        return []

    def _load(self, network: Network) -> SharedLoad:
        return Load2(network, self.sheet)

    def _native(self, network: Network) -> Native:
        """What cores have themselves, and their programs."""
        return Native(
            models=frozenset({"lif"}), receptors=RECEPTORS, dependences=DEPENDENCES, products=True, programs=ProgramErrors(network.dt)
        )

    def _doubtful(self, network: Network) -> list[str]:
        found = _UNCERTAIN if network.projections else ()
        return [*found, *(_UNCERTAIN_CORE + _UNCERTAIN_NEURON if network.n_neurons else ())]

    def _on_grid(self, population: Population, dt_ms: float) -> Parameters:
        """Of programs only synapses decay in 1/4096; their own constants have 24 bits after the point."""
        if population.model not in PROGRAMS:
            return super()._on_grid(population, dt_ms)
        parameters = Parameters.of(population)
        self._decays_on_grid(parameters, parameters.named("tau_syn"), dt_ms)
        if population.model == "adex":
            into_reach(parameters, dt_ms)
        return parameters

    def _has_threshold_register(self, population: Population) -> bool:
        return super()._has_threshold_register(population) and population.model not in PROGRAMS

    def _registers(self, network: Network, population: Population, found: Mapping[int, Span]) -> Registers:
        make = program_registers if population.model in PROGRAMS else registers_of
        return under(make(network, population, found, self.sheet), self.arithmetic)

    def cost(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        network: Network,
        mapping: Placed,
        spikes: Events,
        n_steps: int,
        *,
        model: MaxAffine | Iterable[Mapping[str, float]] | None = None,
        energy_pj: Mapping[str, float] | None = None,
    ) -> TimeReport:
        """Time of a run, from who fired when; energy only with figures of your own.

        Parameters
        ----------
        network, mapping
            Translated network (realised or not) and where its neurons are.
        spikes
            By population id: steps, from 0, and indices of the cells that fired, integers (n,) each.
        n_steps
            Number of steps, 1 or more.
        model
            Terms of the time of a step: ns per event of a core, by the names in :data:`.timing.EVENTS`. A step takes the
            largest term of any core. ``None``: those of the datasheet, of low confidence.
        energy_pj
            pJ per event, by the same names. None are published.

        Raises
        ------
        UnknownNameError
            If an event is not known.
        ParameterError, NetworkError
            If a coefficient is negative, spikes are of cells or steps that do not exist, or the mapping is of another network.
        """
        from neurosim.chips.loihi.second.timing import step_times

        return step_times(self, network, mapping, spikes, n_steps, model=model, energy_pj=energy_pj)
