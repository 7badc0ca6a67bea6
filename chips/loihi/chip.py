"""Loihi 1 behind the chip interface."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.cache import Remembered
from neurosim.chips.chip import Chip, CoreTable, Int32, Limit, Placed, SynapseCount, Translation
from neurosim.chips.datasheet import PassportRow
from neurosim.chips.loihi.arithmetic import ARITHMETIC, Arithmetic, arithmetic_called
from neurosim.chips.loihi.limits import LONGEST, MEMORY, limits_of
from neurosim.chips.loihi.listed import Counted, Layout, Part
from neurosim.chips.loihi.load import Load, SharedLoad, shared_currents
from neurosim.chips.loihi.mesh import Mesh
from neurosim.chips.loihi.options import check_noise, described, noise_of, noisy, under
from neurosim.chips.loihi.reach import within_reach
from neurosim.chips.loihi.registers import Registers, decay_per_step, registers_of
from neurosim.chips.loihi.settings import THRESHOLDS, format_groups, settings_of
from neurosim.chips.loihi.sheet import LoihiSheet
from neurosim.chips.loihi.teaching import teach
from neurosim.chips.loihi.truncation import truncation_losses
from neurosim.chips.loihi.weights import MantissaFormat, Span, format_of, spans
from neurosim.chips.native import Native
from neurosim.chips.operations import WordBits
from neurosim.chips.parameters import Parameters
from neurosim.chips.realise import Measured, Words, realise, weight_unit
from neurosim.chips.synapses import TOLERANCE_MS, limit_delays, refuse_delay
from neurosim.chips.translate import OPTIONS, translate
from neurosim.chips.uncertain import uncertain
from neurosim.columns import Floats
from neurosim.losses import Loss
from neurosim.network import Network, Population, Projection
from neurosim.plasticity import LEARNING

if TYPE_CHECKING:
    import networkx as nx

    from neurosim.chips.loihi.cost.report import CostReport
    from neurosim.chips.spikes import Events

Int64 = NDArray[np.int64]
_OPTIONS = ("conductance", "alpha", "adex", "cells", "stdp", "short_term_plasticity", "stochastic_synapses", "injection", "delay")
_ADAPTIVE = "AdEx neurons become leaky integrate-and-fire neurons with a second compartment that every spike steps, so that they adapt."
_UNCERTAIN = ("core.accumulators", "synapses.exponents", "synapses.longest_delay", "synapses.per_entry")
#: Kinds of receptors that cores have.
RECEPTORS = frozenset({"curr_exp", "curr_delta"})
#: The next generation runs these as programs.
_ELSEWHERE = {"adex": "loihi2", "izhikevich": "loihi2"}
#: Weight dependences of pair STDP that the learning engine can express.
DEPENDENCES = frozenset({"additive", "multiplicative", "additive_multiplicative"})


class LoihiChip(Chip):
    """Machine of Loihi 1 chips; routers are tiles of four cores."""

    name = "loihi"
    router_noun = "tile"
    map_group = "chip"
    whole_numbers = True
    approximations: ClassVar[Mapping[str, str]] = {name: OPTIONS[name] for name in _OPTIONS} | {"adex": _ADAPTIVE}
    descriptions: ClassVar[Sequence[Arithmetic]] = tuple(ARITHMETIC.values())
    options: ClassVar[tuple[str, ...]] = ("arithmetic", "noise")
    sheet: LoihiSheet

    def __init__(self, sheet: LoihiSheet, *, n_boards: int | None = None, arithmetic: str = "chip", noise: Any = None) -> None:
        super().__init__(sheet, n_boards=n_boards)
        self.noise = {} if noise is None else noise_of(noise, f"Chip '{self.name}'")
        self.arithmetic = arithmetic_called(arithmetic, f"Chip '{self.name}'")

    def with_boards(self, n_boards: int) -> LoihiChip:
        """The same kind of machine, with its options, and another number of boards."""
        return type(self)(self.sheet, n_boards=n_boards, **self._chosen())

    def with_options(self, **options: Any) -> LoihiChip:
        """The same machine with other options.

        Parameters
        ----------
        options
            ``arithmetic``, a name of :data:`.arithmetic.ARITHMETIC`, and ``noise``, see :func:`.options.noise_of`.

        Raises
        ------
        UnknownNameError
            If there is no such arithmetic.
        ParameterError
            If the noise is outside its range.
        UnsupportedError
            If there is no such option.
        """
        super().with_options(**options)
        return type(self)(self.sheet, n_boards=self.n_boards, **{**self._chosen(), **options})

    def _chosen(self) -> dict[str, Any]:
        found: dict[str, Any] = {"arithmetic": self.arithmetic.name}
        if self.noise:
            found["noise"] = {label: (noise.exponent, noise.offset, noise.on_v) for label, noise in self.noise.items()}
        return found

    def passport(self) -> list[PassportRow]:
        """Every constant, and the arithmetic where it is not the chip's own."""
        if self.arithmetic.name == "chip":
            return super().passport()
        return [*super().passport(), PassportRow("arithmetic", self.arithmetic.name, "", "chosen", "high")]

    @property
    def full_name(self) -> str:
        """With the kind of board, where it is not a single chip."""
        return self.name if self.sheet.board == "chip" else f"{self.name}:{self.sheet.board}"

    @property
    def n_chips(self) -> int:
        """Chips of all boards."""
        return self.n_boards * self.sheet.mesh.boards[self.sheet.board].value

    @cached_property
    def mesh(self) -> Mesh:
        """Tiles, cores and links."""
        mesh = self.sheet.mesh
        return Mesh(self.n_chips, *mesh.tiles.value, mesh.cores_per_tile.value)

    @cached_property
    def _loads(self) -> Remembered[SharedLoad]:
        return Remembered()

    @cached_property
    def _per_core(self) -> Remembered[dict[int, int]]:
        return Remembered()

    @cached_property
    def _settings(self) -> Remembered[dict[str, tuple[Int32, ...]]]:
        return Remembered()

    @cached_property
    def _usage(self) -> Remembered[dict[str, int]]:
        return Remembered()

    def cores(self) -> CoreTable:
        """Cores, tile by tile, chip by chip."""
        return self.mesh.cores

    def chip_numbers(self, cores: NDArray[np.integer]) -> Int32:
        """Chip that each of some cores is on; a chip has many tiles."""
        return self.mesh.chip_of_tile(self.mesh.cores.chip[cores])

    def topology(self) -> nx.Graph:
        """Tiles and the links of the mesh; a node's ``chip`` is the chip it is on."""
        return self.mesh.graph

    def hops(self, chip_a: Int32, chip_b: Int32) -> Int32:
        """Links of the XY route between tiles."""
        return self.mesh.hops(chip_a, chip_b)

    def core_label(self, core: int) -> str:
        """For example ``"loihi chip 0 tile (3, 1) core 2"``."""
        table = self.cores()
        chip = int(self.chip_numbers(np.array([core]))[0])
        return f"{self.name} chip {chip} tile ({table.x[core]}, {table.y[core]}) core {table.core[core]}"

    def limits(self) -> tuple[Limit, ...]:
        """Limited resources of a core."""
        return limits_of(self.sheet)

    def settings(self, network: Network) -> dict[str, tuple[Int32, ...]]:
        """Profiles, formats and settings of the whole core that neurons need; see :mod:`.settings`."""
        return self._settings.get(network, lambda: settings_of(network, self.sheet, self.noise))

    def source_cost(self, network: Network, projection: Projection) -> int:
        """Input axons of one source: two where weights are learned."""
        return self.sheet.synapses.learning_axon.value if projection.synapse.model in LEARNING else 1

    def listed(self, network: Network) -> SynapseCount | None:
        """All synapses, for counting the words of their lists."""
        return Counted.of(network, self._layout(network), self._by_words)

    def recount(self, network: Network, core_of: Sequence[Int32], local_of: Sequence[Int32], n_cores: int) -> dict[str, Int64]:
        """Words of lists and what else synapses take."""
        from neurosim.chips.loihi.recount import recount

        return self._by_words(network, core_of, *recount(network, self._layout(network), core_of, local_of, n_cores))

    def _by_words(self, network: Network, core_of: Sequence[Int32], words: Int64, longest: Int64) -> dict[str, Int64]:
        """Limits that count synapses, from the words of all lists and of the longest."""
        return {MEMORY: words, LONGEST: longest}

    def _layout(self, network: Network) -> Layout:
        groups = self._groups(network)
        load = self._loads.get(network, lambda: self._load(network))
        parts = tuple(Part(k, q, group, load.lists(network.projections[k]).form("sparse")) for (k, q), group in groups.items())
        return Layout(parts, self.sheet.synapses, self.sheet.core.word_bits.value, self._longest_list)

    def _groups(self, network: Network) -> dict[tuple[int, int], int]:
        """What is written in one way on a core; see :class:`.listed.Part`."""
        return format_groups(network, self.sheet)

    @property
    def _longest_list(self) -> int:
        """Words that a list may have."""
        return self.sheet.core.words_per_axon.value

    def slice_usage(self, network: Network, population: int, n_neurons: int) -> dict[str, int]:
        """Use of every resource; axons to other cores are estimated from how targets would be cut."""
        return self._usage.get(network, lambda: self._slice(network, population, n_neurons), (population, n_neurons))

    def _slice(self, network: Network, population: int, n_neurons: int) -> dict[str, int]:
        load, group = self._loads.get(network, lambda: self._load(network)), network.populations[population]
        per_core = self._per_core.get(network, load.neurons_per_core)
        settings = {name: columns[population] for name, columns in self.settings(network).items()}
        return {
            **load.inner_use(group, n_neurons),
            "output axons": load.output_axons(group, n_neurons, per_core),
            **{name: _different(numbers[:n_neurons]) for name, numbers in settings.items()},
        }

    def _load(self, network: Network) -> SharedLoad:
        return Load(network, self.sheet)

    def longest_delay_ms(self, network: Network, projection: Projection) -> float:
        """Longest delay; the same for every projection. A synapse takes one step, and its delay on top."""
        return (self.sheet.synapses.longest_delay.value + 1) * network.dt

    def translate(self, network: Network, approximate: frozenset[str]) -> Translation:
        """Network with current-based integrate-and-fire neurons and parameters on the chip's grids."""
        check_noise(self.noise, network, f"Chip '{self.name}'")
        draft = translate(self, network, approximate, self._native(network))
        limit_delays(draft, self.longest_delay_ms)
        changed = [self._on_grid(population, network.dt) for population in draft.network.populations]
        written = replace(draft.network, populations=tuple(item.result() for item in changed))
        losses = [*draft.losses, *(loss for item in changed for loss in item.losses), *uncertain(self.sheet, self._doubtful(network))]
        return Translation(written, (*losses, *shared_currents(written), *described(written, self.arithmetic, self.name)))

    def _native(self, network: Network) -> Native:
        """What cores have themselves."""
        return Native(
            models=frozenset({"lif"}),
            receptors=RECEPTORS,
            dependences=DEPENDENCES,
            adaptation=True,
            products=True,
            runs_elsewhere=_ELSEWHERE,
        )

    def _doubtful(self, network: Network) -> list[str]:
        """Constants that are not certain and that this network depends on."""
        names = list(_UNCERTAIN) if network.projections else []
        return names + (["neurons.refractory"] if network.n_neurons else [])

    def _on_grid(self, population: Population, dt_ms: float) -> Parameters:
        """Time constants as 12-bit decays, refractory times in steps, bias as mantissa and exponent."""
        parameters = Parameters.of(population)
        if population.is_source:
            return parameters
        numbers = self.sheet.neurons
        low, high = numbers.refractory.value
        parameters.clip("tau_refrac", 0.0, (high - low) * dt_ms, f"Refractory counters reach {high} steps")
        parameters.change("tau_refrac", lambda t: np.rint(t / dt_ms) * dt_ms, "rounded", "The refractory time is a whole number of steps.")
        before = parameters.values["tau_m"]
        self._decays_on_grid(parameters, parameters.named("tau_m", "tau_syn", "tau_w"), dt_ms)
        # rates depend on how far a current moves the potential more than on how fast; where tau_m is clipped, on how fast
        ratio = parameters.values["tau_m"] / np.minimum(before, self._longest_tau_ms(dt_ms))
        parameters.change("cm", lambda cm: cm * ratio, "rounded", "It follows tau_m, so that a current moves the potential as far.")
        return parameters

    def _longest_tau_ms(self, dt_ms: float) -> float:
        """Time constant of the slowest decay, 1 level per step."""
        return -dt_ms / math.log1p(-1 / 2**self.sheet.neurons.decay_bits.value)

    def _decays_on_grid(self, parameters: Parameters, keys: list[str], dt_ms: float) -> None:
        """Time constants whose decay per step is a whole number of levels."""
        levels = 2**self.sheet.neurons.decay_bits.value

        def on_grid(tau: Floats) -> Floats:
            return -dt_ms / np.log1p(-decay_per_step(tau, dt_ms, self.sheet) / levels)

        shortest, longest = (-dt_ms / math.log1p(-decay / levels) for decay in (levels - 1, 1))
        for key in keys:
            parameters.clip(key, shortest, longest, f"Decays reach from 1 to {levels - 1} of {levels}")
            parameters.change(key, on_grid, "rounded", f"Decays are multiples of 1/{levels}.")

    def realise(self, network: Network, mapping: Placed) -> Translation:
        """Network in registers, with 8-bit mantissas and delays in steps; placement changes none of them."""
        neurons = [population for population in network.populations if self._has_threshold_register(population)]
        found = within_reach(network, spans(network), neurons, self.sheet)
        scales = {p.id: self._registers(network, p, found) for p in network.populations if not p.is_source}
        position = {id(projection): index for index, projection in enumerate(network.projections)}

        def make(projection: Projection) -> tuple[MantissaFormat, Words]:
            form = format_of(network, position[id(projection)], found, scales, self.sheet)
            return form, _words(network, projection, form, found[position[id(projection)]])

        def check(projection: Projection, measured: Measured) -> None:
            limit = self.longest_delay_ms(network, projection)
            if measured.longest_ms > limit + network.dt / 2 + TOLERANCE_MS:
                refuse_delay(self, projection, measured.longest_ms, limit)

        realised, losses = realise(network, make, check)
        populations = tuple(p if p.is_source else scales[p.id].apply(p) for p in realised.populations)
        constants = [loss for scale in scales.values() for loss in scale.losses]
        taught, learned = teach(replace(realised, populations=populations))
        charges = truncation_losses(network, found, scales)
        return Translation(taught, (*constants, *losses, *charges, *learned, *self._many_thresholds(network, mapping)))

    def _has_threshold_register(self, population: Population) -> bool:
        """Tell whether a threshold is a register in the unit of the weights."""
        return not population.is_source

    def _registers(self, network: Network, population: Population, found: Mapping[int, Span]) -> Registers:
        registers = under(registers_of(network, population, found, self.sheet), self.arithmetic)
        return noisy(registers, self.noise.get(population.label), population, network.seed)

    def word_bits(self) -> WordBits:
        """Weights have 8 bits, currents and voltages 24."""
        numbers = self.sheet.neurons
        return WordBits(weight=self.sheet.synapses.weight_bits.value, state=max(numbers.current_bits.value, numbers.voltage_bits.value))

    def cost(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        network: Network,
        mapping: Placed,
        spikes: Events,
        n_steps: int,
        *,
        begin_ms: float = 0.0,
        profile: str = "nahuku_fit",
        detailed: bool = False,
        static: bool = False,
        updates: Events | None = None,
    ) -> CostReport:
        """Time and energy of a run, from who fired when.

        Parameters
        ----------
        network, mapping
            Translated network (realised or not) and where its neurons are.
        spikes
            By population id: steps, from 0, and indices of the cells that fired, integers (n,) each.
        n_steps
            Number of steps, 1 or more.
        begin_ms
            When the first of them begins, for the report.
        profile
            ``"nahuku_fit"``: a fit to measurements; ``"davies2018"``: simulations before there was silicon.
        detailed
            Follow every message through the mesh instead of summing over cores.
        static
            Add the static power of the chips in use (low confidence).
        updates
            The same as ``spikes`` for neurons whose state had to be updated; ``None``: all in all steps.

        Raises
        ------
        UnknownNameError
            If there is no such profile.
        ParameterError, NetworkError
            If spikes are of cells or steps that do not exist, or the mapping is of another network.
        """
        from neurosim.chips.loihi.cost.run import cost

        chosen = {"profile": profile, "detailed": detailed, "static": static, "updates": updates}
        return cost(self, network, mapping, spikes, n_steps, begin_ms=begin_ms, **chosen)

    def _many_thresholds(self, network: Network, mapping: Placed) -> list[Loss]:
        """Cores with more threshold profiles than all sources agree on."""
        held: dict[int, set[int]] = {}
        for numbers, cores in zip(self.settings(network)[THRESHOLDS], mapping.core_of, strict=True):
            pairs = np.stack(np.broadcast_arrays(cores, numbers[:, :1].T[0] if numbers.size else -1))
            for core, number in np.unique(pairs[:, (pairs >= 0).all(axis=0)], axis=1).T.tolist():
                held.setdefault(core, set()).add(number)
        sure, core = self.sheet.core.threshold_profiles_sure, self.sheet.core.threshold_profiles
        many = [label for label, profiles in held.items() if len(profiles) > sure.value]
        if not many:
            return []
        most = max(map(len, held.values()))
        detail = f"Up to {most} threshold profiles on a core; {sure.value} are sure, {core.value} assumed ({core.source})."
        return [Loss("uncertain", self.core_label(min(many)), THRESHOLDS, len(many), detail=detail)]


def _different(numbers: Int32) -> int:
    """Different settings."""
    return len(np.unique(numbers[numbers >= 0]))


def _words(network: Network, projection: Projection, form: MantissaFormat, span: Span) -> Words:
    unit = f"{float(np.mean(form.unit)):.3g} {weight_unit(network, projection)}"
    beyond = " Larger weights would leave all others, or the threshold, too coarse a grid." if span.largest < span.given else ""
    both = " of even mantissas, since both signs occur" if form.mixed else ""
    return Words(
        rounded=f"8-bit weights on a grid of {unit}{both}.".replace("8-bit", f"{form.largest.bit_length()}-bit"),
        clipped=f"The largest mantissa is {form.largest}, of {unit} each.{beyond}",
        zeroed=f"Below half the grid of {unit}, which the largest weight onto the population sets.",
        delay="Delays are whole time steps.",
    )
