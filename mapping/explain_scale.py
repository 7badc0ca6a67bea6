"""Smaller copies of a network, for finding out how much of it fits: fewer cells, or fewer inputs per neuron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np

from neurosim.columns import Expression
from neurosim.connectivity import AllToAll, Bernoulli, DistanceDependent, FixedIn, FixedOut, FixedTotal, Table
from neurosim.errors import ParameterError
from neurosim.mapping.pins import Pin
from neurosim.mapping.structures import Int64
from neurosim.network import Network, Population, Projection, Receptor, Rule, Selection


def with_fewer_cells(network: Network, factor: float) -> Network:
    """The network with a part of the cells of every population, evenly spread over it.

    Parameters
    ----------
    network
        Not changed.
    factor
        Part of the cells that is kept, above 0 and at most 1; of a population that has cells at least one stays.

    Returns
    -------
    Network
        Probabilities stay; numbers of synapses per cell shrink with the factor, totals with its square; lists
        keep the synapses between cells that stay.

    Raises
    ------
    ParameterError
        If the factor is not above 0 and at most 1.

    Examples
    --------
    >>> from neurosim.network import Network, Population
    >>> with_fewer_cells(Network(0.1, 1, (Population(0, "exc", 100, "lif"),)), 0.25).populations[0].size
    25
    """
    _check(factor, "with_fewer_cells")
    kept = [kept_cells(population.size, factor) for population in network.populations]
    number = [_numbers(population.size, cells) for population, cells in zip(network.populations, kept, strict=True)]
    return replace(
        network,
        populations=tuple(_population(population, cells) for population, cells in zip(network.populations, kept, strict=True)),
        projections=tuple(_projection(projection, number, factor) for projection in network.projections),
        currents=tuple(replace(current, targets=_selection(current.targets, number)) for current in network.currents),
        probes=tuple(replace(probe, indices=_renumbered(probe.indices, number[probe.population])) for probe in network.probes),
    )


def pins_of_fewer_cells(network: Network, pins: tuple[Pin, ...], factor: float) -> tuple[Pin, ...]:
    """Pins for :func:`with_fewer_cells`: of the cells that stay, each where it was."""
    found = []
    for pin in pins:
        size = network.populations[pin.population].size
        number = _numbers(size, kept_cells(size, factor))
        found.append(pin if pin.indices is None else replace(pin, indices=_renumbered(np.asarray(pin.indices), number)))
    return tuple(found)


def with_fewer_inputs(network: Network, factor: float, population: int | None = None) -> Network:
    """The network with a part of the synapses onto one population, or onto all of them.

    Parameters
    ----------
    network
        Not changed. What projects onto ``population`` is thinned as a whole, other targets included.
    factor
        Part of the synapses that is kept, above 0 and at most 1. One to one connections stay.
    population
        Id; ``None`` for all.

    Raises
    ------
    ParameterError
        If the factor is not above 0 and at most 1.

    Examples
    --------
    >>> from neurosim.connectivity import Bernoulli
    >>> from neurosim.network import Network, Population, Projection, Selection, Synapse
    >>> cells = Population(0, "exc", 100, "lif")
    >>> ends = (Selection.whole(cells), Selection.whole(cells), "excitatory")
    >>> some = Projection(0, "c", *ends, Bernoulli(0.5), Synapse("static", {"weight": 1.0, "delay": 1.0}), 7)
    >>> with_fewer_inputs(Network(0.1, 1, (cells,), (some,)), 0.1).projections[0].rule.p
    0.05
    """
    _check(factor, "with_fewer_inputs")
    return replace(network, projections=tuple(_thinned(p, factor) if _onto(p, population) else p for p in network.projections))


def _check(factor: float, where: str) -> None:
    if not 0 < factor <= 1:
        text = f"the factor is {factor!r}; it must be above 0 and at most 1."
        raise ParameterError(text, where=where, used=factor, limit=1, remedy="Use 0.5 for a half.")


# --- fewer cells -------------------------------------------------------------------------------
def kept_cells(size: int, factor: float) -> Int64:
    """Cells of a population that stay, int64, evenly spread."""
    n_kept = min(size, max(1, int(size * factor + 1e-9)))
    return np.arange(n_kept, dtype=np.int64) * size // max(n_kept, 1)


def _numbers(size: int, kept: Int64) -> Int64:
    """New number of each cell, -1 for those that go."""
    number = np.full(size, -1, np.int64)
    number[kept] = np.arange(len(kept))
    return number


def _renumbered(indices: Int64, number: Int64) -> Int64:
    found = number[indices]
    return found[found >= 0]


def _selection(selection: Selection, number: list[Int64]) -> Selection:
    return Selection(tuple((p, _renumbered(indices, number[p])) for p, indices in selection.parts))


def _stays(selection: Selection, number: list[Int64]) -> np.ndarray:
    """Which cells of a selection stay, bool (size,)."""
    return np.concatenate([np.empty(0, bool), *(number[p][indices] >= 0 for p, indices in selection.parts)])


def _population(population: Population, kept: Int64) -> Population:
    if len(kept) == population.size:
        return population
    times = population.spike_times
    return replace(
        population,
        size=len(kept),
        parameters=_of_cells(population.parameters, population.size, kept),
        initial=_of_cells(population.initial, population.size, kept),
        receptors=tuple(_receptor(receptor, population.size, kept) for receptor in population.receptors),
        spike_times=None if times is None else tuple(times[cell] for cell in kept.tolist()),
        positions=None if population.positions is None else population.positions[kept],
    )


def _receptor(receptor: Receptor, size: int, kept: Int64) -> Receptor:
    return replace(receptor, parameters=_of_cells(receptor.parameters, size, kept))


def _of_cells(columns: Mapping[str, Any], size: int, kept: Int64) -> dict[str, Any]:
    return {name: value[kept] if isinstance(value, np.ndarray) and value.shape == (size,) else value for name, value in columns.items()}


def _projection(projection: Projection, number: list[Int64], factor: float) -> Projection:
    pre, post = _stays(projection.pre, number), _stays(projection.post, number)
    rule, kept = projection.rule, None
    if isinstance(rule, Table):
        kept = pre[rule.pre] & post[rule.post]
        rule = _listed(rule, kept, np.cumsum(pre) - 1, np.cumsum(post) - 1)
    else:
        rule = _counts(rule, factor, pre, post)
    columns = {name: _of_pairs(value, pre, post, kept) for name, value in projection.synapse.columns.items()}
    reward = projection.synapse.reward
    synapse = replace(projection.synapse, columns=columns, reward=None if reward is None else _selection(reward, number))
    return replace(projection, pre=_selection(projection.pre, number), post=_selection(projection.post, number), rule=rule, synapse=synapse)


def _of_pairs(value: Any, pre: np.ndarray, post: np.ndarray, kept: np.ndarray | None) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    if value.shape == (len(pre), len(post)):
        return value[np.ix_(pre, post)]
    return value[kept] if kept is not None and value.shape == kept.shape else value


def _listed(rule: Table, kept: np.ndarray, pre: Int64, post: Int64) -> Table:
    columns = {name: value[kept] if isinstance(value, np.ndarray) else value for name, value in rule.columns.items()}
    return Table(pre[rule.pre[kept]], post[rule.post[kept]], columns)


def _counts(rule: Rule, factor: float, pre: np.ndarray, post: np.ndarray) -> Rule:
    """Rules with fixed numbers of synapses, with what is left of them."""
    if isinstance(rule, FixedIn):
        return replace(rule, n=_fewer(rule.n if isinstance(rule.n, int) else rule.n[post], factor))
    if isinstance(rule, FixedOut):
        return replace(rule, n=_fewer(rule.n if isinstance(rule.n, int) else rule.n[pre], factor))
    if isinstance(rule, FixedTotal):
        return replace(rule, n=_fewer(rule.n, pre.sum() * post.sum() / max(pre.size * post.size, 1)))
    return rule


def _fewer(n: Any, factor: float) -> Any:
    """Part of a number, or of an array of numbers; rounded down."""
    return int(n * factor + 1e-9) if isinstance(n, int) else (n * factor + 1e-9).astype(np.int64)


# --- fewer inputs ------------------------------------------------------------------------------
def _onto(projection: Projection, population: int | None) -> bool:
    return population is None or any(p == population and len(indices) for p, indices in projection.post.parts)


def _thinned(projection: Projection, factor: float) -> Projection:
    rule = projection.rule
    if isinstance(rule, AllToAll):
        return replace(projection, rule=Bernoulli(factor, rule.allow_self))
    if isinstance(rule, Bernoulli):
        return replace(projection, rule=replace(rule, p=rule.p * factor))
    if isinstance(rule, FixedIn | FixedOut | FixedTotal):
        return replace(projection, rule=replace(rule, n=_fewer(rule.n, factor)))
    if isinstance(rule, DistanceDependent):
        return replace(projection, rule=replace(rule, probability=_lower(rule.probability, factor)))
    return _thinned_list(projection, rule, factor) if isinstance(rule, Table) else projection


def _lower(probability: Expression, factor: float) -> Expression:
    function = probability.function
    return replace(probability, function=lambda *pair: factor * np.clip(function(*pair), 0.0, 1.0))


def _thinned_list(projection: Projection, rule: Table, factor: float) -> Projection:
    """Every target keeps the same part of its synapses, evenly spread over its sources."""
    order = np.argsort(rule.post, kind="stable")
    degree = np.bincount(rule.post, minlength=1)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(degree) - degree, degree)
    kept = np.zeros(len(order), bool)
    kept[order] = np.floor((rank + 1) * factor + 1e-9) > np.floor(rank * factor + 1e-9)
    n_cells = (rule.highest[0] + 1, rule.highest[1] + 1)
    columns = {
        name: value[kept] if isinstance(value, np.ndarray) and value.shape == kept.shape else value
        for name, value in projection.synapse.columns.items()
    }
    thinner = _listed(rule, kept, *(np.arange(n) for n in n_cells))
    return replace(projection, rule=thinner, synapse=replace(projection.synapse, columns=columns))


def inputs_of(network: Network, population: int) -> int:
    """Synapses that no neuron of a population exceeds, nearly certainly."""
    return sum(ceil(p.rule.degree_bound(network.ends(p), side="in")) for p in network.projections if _onto(p, population))
