"""Networks that fit no machine as they are asked to, one for each way in which that happens to users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from neurosim import chips
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedTotal, Table
from neurosim.mapping import Options, Pin
from neurosim.network import Network, Population, Projection, Receptor, Rule, Selection, Synapse

_RECEPTORS = (Receptor("excitatory", "curr_exp", {"tau_syn": 5.0}),)
_NEURON = {"v_rest": -60.0, "cm": 0.2, "tau_m": 20.0, "tau_refrac": 5.0, "v_thresh": -50.0, "v_reset": -60.0, "i_offset": 0.0}


class Misfit(NamedTuple):
    """What to map, and what an explanation must say: kind of reason, the object's name, resource, amount (``None``: there is none)."""

    network: Network
    chip: Any
    kind: str
    named: str
    resource: str
    available: int | None
    pins: tuple[Pin, ...] = ()
    options: Options = Options("fast")


def cells(number: int, size: int, label: str) -> Population:
    """Current-based integrate-and-fire neurons."""
    return Population(number, label, size, "lif", _NEURON, _RECEPTORS, {"v": -60.0})


def noise(number: int, size: int, label: str = "noise") -> Population:
    """Poisson sources."""
    return Population(number, label, size, "poisson_source", {"rate": 100.0, "start": 0.0, "duration": 1e10})


def network(populations: list[Population], links: list[tuple[int, int, Rule]]) -> Network:
    """Populations and links ``(from, to, rule)`` of one weight."""
    synapse, whole = Synapse("static", {"weight": 0.1, "delay": 1.0}), Selection.whole
    rows = [
        Projection(
            n,
            f"{populations[a].label} to {populations[b].label}",
            whole(populations[a]),
            whole(populations[b]),
            "excitatory",
            r,
            synapse,
            n,
        )
        for n, (a, b, r) in enumerate(links)
    ]
    return Network(0.1, 1, tuple(populations), tuple(rows))


def _inputs_of_one_neuron() -> Misfit:
    net = network([cells(0, 1, "reader"), noise(1, 1_000_000)], [(1, 0, AllToAll())])
    return Misfit(net, chips.load("loihi"), "neuron", "reader", "synaptic memory", 16_384)


def _axons_of_one_neuron() -> Misfit:
    net = network([cells(0, 50, "conv"), noise(1, 512 * 3 * 3, "maps")], [(1, 0, FixedIn(4608))])
    return Misfit(net, chips.load("loihi"), "neuron", "conv", "input axons", 4096)


def _memory_of_one_neuron() -> Misfit:
    net = network([cells(0, 1, "reader"), noise(1, 1000)], [(1, 0, FixedTotal(40_000_000))])
    return Misfit(net, chips.load("spinnaker"), "neuron", "reader", "SDRAM", 122_504_066)


def _memory_of_a_population() -> Misfit:
    net = network([cells(0, 4000, "exc"), noise(1, 20_000)], [(1, 0, AllToAll())] * 30)
    return Misfit(net, chips.load("spinnaker"), "population", "exc", "SDRAM", 48 * 122_504_066)


def _cores_of_a_population() -> Misfit:
    return Misfit(network([cells(0, 200_000, "exc")], []), chips.load("loihi"), "population", "exc", "cores", 128)


def _cores_of_all() -> Misfit:
    return Misfit(network([cells(0, 30_000, "exc"), cells(1, 30_000, "inh")], []), chips.load("hicann"), "machine", "inh", "cores", 384)


def _routing_entries() -> Misfit:
    n = 1100
    populations = [cells(0, 1, "reader"), *(noise(1 + k, 1, f"s{k}") for k in range(n))]
    pre = Selection(tuple((p.id, np.arange(1)) for p in populations[1:]))
    synapse = Synapse("static", {"weight": np.full(n, 0.1), "delay": 1.0})
    rule = Table(np.arange(n), np.zeros(n, np.int64))
    link = Projection(0, "in", pre, Selection.whole(populations[0]), "excitatory", rule, synapse, 1)
    return Misfit(
        Network(0.1, 1, tuple(populations), (link,)), chips.load("spinnaker", n_boards=2), "routing", "chip (0, 0)", "routing entries", 1023
    )


def _dead_links() -> Misfit:
    net = network([cells(0, 50, "a"), cells(1, 50, "b")], [(0, 1, Bernoulli(0.5))])
    around = tuple(((0, 0), end) for end in ((1, 0), (1, 1), (0, 1)))
    pins, options = (Pin(0, None, (0, 0)), Pin(1, None, (4, 4))), Options("fast", avoid_links=around)
    return Misfit(net, chips.load("spinnaker"), "reach", "(4, 4)", "routes", None, pins, options)


MISFITS: dict[str, Callable[[], Misfit]] = {
    "a million inputs of one neuron, Loihi": _inputs_of_one_neuron,
    "more inputs than axons, Loihi": _axons_of_one_neuron,
    "rows longer than the memory, SpiNNaker": _memory_of_one_neuron,
    "a population beyond the memory, SpiNNaker": _memory_of_a_population,
    "a population of too many cores, Loihi": _cores_of_a_population,
    "two populations too many, HICANN": _cores_of_all,
    "too many routing entries, SpiNNaker": _routing_entries,
    "links cut off, SpiNNaker": _dead_links,
}
