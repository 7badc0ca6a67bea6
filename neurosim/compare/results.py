"""What is kept of one run of a network on one chip: a value that travels between processes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.columns import Random, is_homogeneous
from neurosim.compare.costs import cost_of
from neurosim.compare.statistics import Spikes
from neurosim.losses import Ledger, Loss
from neurosim.mapping import Explanation

IDEAL = "ideal"

#: Cores beyond which only the chips in use are drawn.
LARGE_MACHINE = 5000


@dataclass(frozen=True, slots=True)
class CoreUse:
    """Use of one core: where it is, how many neurons it holds and how full it is (0 to 1)."""

    chip: int
    x: int
    y: int
    core: int
    n_neurons: int
    fill: float
    binding: str


@dataclass(frozen=True, slots=True)
class ChipRun:
    """One network on one chip.

    Attributes
    ----------
    chip, title
        Name as asked for, and the chip's full name.
    error, explanation
        Why there is no result; ``""`` if there is one. Where the network was only to be placed and does not fit, also
        in numbers, as :func:`neurosim.mapping.explain` gives it.
    n_neurons, n_synapses
        Size of the network; synapses are the expected number of its rules.
    n_cores, n_chips
        Cores and chips in use; 0 on the ideal reference.
    binding
        The limited resource that is used most, as ``"resource 87 %"``.
    approximations
        Names of the approximations that had an effect.
    losses
        The loss ledger.
    weight_error
        Mean error of the weights by clipping and rounding, relative to the mean weight of their
        projection.
    spikes
        Recordings of all populations whose spikes were recorded.
    cores, machine
        The cores in use, and ``(x, y, core)`` of all there are (of a very large machine, of the
        chips in use only).
    y_points_down
        True if a map of the machine has row 0 at the top.
    stages
        Seconds of wall time per stage.
    duration_ms
        Simulated time.
    hardware_s
        Time the real chip would take, where it runs faster than biology; else ``None``.
    cost
        What the run takes, as the report writes it to JSON, or only ``reason``, why it is not known; see :mod:`.costs`.
    interrupted
        True if the run was stopped before its end.
    """

    chip: str
    title: str
    error: str = ""
    n_neurons: int = 0
    n_synapses: int = 0
    n_cores: int = 0
    n_chips: int = 0
    binding: str = ""
    approximations: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    weight_error: float = 0.0
    spikes: tuple[Spikes, ...] = ()
    cores: tuple[CoreUse, ...] = ()
    machine: tuple[tuple[int, int, int], ...] = ()
    y_points_down: bool = False
    stages: dict[str, float] = field(default_factory=dict)
    duration_ms: float = 0.0
    hardware_s: float | None = None
    interrupted: bool = False
    explanation: Explanation | None = None
    cost: dict[str, Any] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        """The losses as a ledger."""
        return Ledger(list(self.losses))

    def synapses_lost(self) -> int:
        """Synapses that the chip could not hold."""
        return self.ledger.count("synapse")

    def rate_hz(self) -> float:
        """Mean rate over all recorded neurons."""
        n_cells = sum(len(s.cells) for s in self.spikes)
        if not n_cells or not self.duration_ms:
            return float("nan")
        return sum(len(s.times_ms) for s in self.spikes) / n_cells / self.duration_ms * 1000.0


def weight_error(network: Any, ledger: Ledger) -> float:
    """Mean error of all weights relative to their projection's mean weight; 0 where nothing moved.

    ``network`` is the one in the chip's terms, so that errors and weights have one unit. A
    projection of which the mean weight is not known beforehand is left out.
    """
    by_label = {f"Projection '{projection.label}'": projection for projection in network.projections}
    error = total = 0.0
    for projection in network.projections:
        total += projection.rule.expected(network.ends(projection)) if mean_weight(projection) else 0.0
    for loss in ledger:
        projection = by_label.get(loss.where)
        if projection is not None and loss.what == "weight" and loss.kind in ("rounded", "clipped", "zeroed"):
            scale = mean_weight(projection)
            error += loss.count * loss.error_mean / scale if scale else 0.0
    return error / total if total else 0.0


def mean_weight(projection: Any) -> float:
    """Mean size of the weights of a projection; 0 where it takes expanding the projection to know."""
    column = projection.synapse.columns.get("weight", 0.0)
    if isinstance(column, Random):
        return abs(_mean_of(column.parameters))
    if isinstance(column, np.ndarray) and column.size:
        return float(np.nanmean(np.abs(column)))
    return abs(float(column)) if is_homogeneous(column) else 0.0


def _mean_of(parameters: Any) -> float:
    if "low" in parameters and "high" in parameters and "mu" not in parameters:
        return 0.5 * (float(parameters["low"]) + float(parameters["high"]))
    return float(parameters.get("mu", 0.0))


def failed(chip: str, error: str, explanation: Explanation | None = None) -> ChipRun:
    """A row for a chip that gave no result."""
    return ChipRun(chip, chip, error=error or "no reason was given", explanation=explanation)


def of_capture(name: str, capture: Any, *, interrupted: bool = False) -> ChipRun:
    """Gather everything from what was seen of a script."""
    begun = {"build": capture.stages["build"]} if "build" in capture.stages else {}
    return of_session(name, capture.session, begun=begun, interrupted=interrupted)


def of_session(name: str, session: Any, *, begun: dict[str, float] | None = None, interrupted: bool = False) -> ChipRun:
    """Gather everything from a session that ran; ``begun`` are stages that came before it."""
    duration_ms = float(session.t_ms)
    mapped = of_fit(name, session.fit, session.network)
    return replace(
        mapped,
        spikes=tuple(recorded(session, duration_ms)),
        stages={**(begun or {}), **stages(session.wall_s)},
        duration_ms=duration_ms,
        hardware_s=hardware_time(session.fit.chip, duration_ms),
        interrupted=interrupted or session.simulation.interrupted,
        cost=cost_of(session),
    )


def stages(wall_s: dict[str, float]) -> dict[str, float]:
    """Wall time in the stages that are shown: mapping is one of them, the rest as measured."""
    placing = [name for name in wall_s if name in ("translate", "place", "realise")]
    shown = {"place": sum(wall_s[name] for name in placing)} if placing else {}
    return {**shown, **{name: seconds for name, seconds in wall_s.items() if name not in placing}}


def of_fit(name: str, fit: Any, network: Any) -> ChipRun:
    """Gather what a mapping says, without any simulation; ``network`` is the user's."""
    mapping, chip = fit.mapping, fit.chip
    return ChipRun(
        name,
        "Ideal reference" if chip is None else chip.title,
        n_neurons=network.n_neurons,
        n_synapses=expected_synapses(network),
        n_cores=mapping.n_cores_used if mapping is not None else 0,
        n_chips=chips_among(mapping.chip, mapping.cores_used) if mapping is not None else 0,
        binding=_binding(mapping),
        approximations=approximations(fit.ledger, chip),
        losses=tuple(fit.ledger),
        weight_error=weight_error(fit.network, fit.ledger),
        cores=tuple(core_uses(mapping)) if mapping is not None else (),
        machine=_machine(mapping) if mapping is not None else (),
        y_points_down=chip is not None and chip.y_points_down,
    )


def chips_among(chip: Any, cores: np.ndarray) -> int:
    """Number of chips that some cores are on."""
    return len(np.unique(chip.chip_numbers(np.asarray(cores, np.int64))))


def _binding(mapping: Any) -> str:
    found = mapping.binding if mapping is not None else None
    if found is None:
        return ""
    return f"{found.resource} {f'{100 * found.fraction:.0f}' if found.fraction >= 0.005 else '< 1'} %"


def approximations(ledger: Ledger, chip: Any) -> tuple[str, ...]:
    """Names of the opt-in approximations that had an effect; a ledger entry begins with its name in quotes."""
    known = chip.approximations if chip is not None else {}
    named = (_first_quoted(loss.detail) for loss in ledger.of("approximation"))
    return tuple(dict.fromkeys(name for name in named if name in known))


def _first_quoted(text: str) -> str:
    return text.split("'")[1] if text.startswith("'") and text.count("'") > 1 else ""


def expected_synapses(network: Any) -> int:
    """Expected number of synapses of all projections, without expanding any."""
    total = sum(projection.rule.expected(network.ends(projection)) for projection in network.projections)
    return round(total) if math.isfinite(total) else 0


def recorded(session: Any, duration_ms: float) -> list[Spikes]:
    """Spikes of every population that has some recorded."""
    network = session.network
    cells: dict[int, list[np.ndarray]] = {}
    for probe in network.probes:
        if probe.variable == "spikes":
            cells.setdefault(probe.population, []).append(np.asarray(probe.indices, np.int64))
    return [
        _spikes(network.populations[number], np.unique(np.concatenate(parts)), session, duration_ms)
        for number, parts in sorted(cells.items())
    ]


def _spikes(population: Any, cells: np.ndarray, session: Any, duration_ms: float) -> Spikes:
    indices, times_ms = session.spikes(population.id)
    return Spikes(population.label, cells, np.asarray(indices, np.int64), np.asarray(times_ms, np.float64), duration_ms)


def hardware_time(chip: Any, duration_ms: float) -> float | None:
    """Seconds the chip itself would take, if its datasheet has a speed-up over biology."""
    if chip is None:
        return None
    speedup = next((float(row.value) for row in chip.sheet.passport() if row.name.endswith("speedup")), 1.0)
    return duration_ms / 1000.0 / speedup if speedup > 1.0 else None


def core_uses(mapping: Any) -> list[CoreUse]:
    """Use of every core that holds neurons."""
    usage, table = mapping.utilisation(), mapping.chip.cores()
    held = np.concatenate([np.empty(0, np.int64), *(np.asarray(column)[np.asarray(column) >= 0] for column in mapping.core_of)])
    n_neurons = np.bincount(held, minlength=len(table.core))
    fraction = usage.fraction
    uses = []
    for row, place in enumerate(np.asarray(usage.places)):
        fullest = int(np.argmax(fraction[row]))
        where = (int(table.chip[place]), int(table.x[place]), int(table.y[place]), int(table.core[place]))
        uses.append(CoreUse(*where, int(n_neurons[place]), float(fraction[row, fullest]), usage.resources[fullest]))
    return uses


def _machine(mapping: Any) -> tuple[tuple[int, int, int], ...]:
    table = mapping.chip.cores()
    shown = np.arange(len(table.core))
    if len(shown) > LARGE_MACHINE:
        shown = np.flatnonzero(np.isin(table.chip, table.chip[np.asarray(mapping.utilisation().places)]))
    return tuple(zip(*(column[shown].tolist() for column in (table.x, table.y, table.core)), strict=True))
