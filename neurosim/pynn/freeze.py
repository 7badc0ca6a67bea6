"""From the objects of a script to the network description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.network import Network

if TYPE_CHECKING:
    from neurosim.pynn.simulator import State


def freeze(state: State) -> Network:
    """The network as it stands.

    Each part is frozen by its owner, which hands out the same object as long as nothing about it
    changes; a running session tells by identity what is new.
    """
    return Network(
        dt=state.dt,
        seed=state.rng_seed,
        populations=tuple(population.freeze() for population in state.populations),
        projections=tuple(projection.freeze() for projection in state.projections),
        currents=tuple(current.freeze() for current in state.currents),
        probes=tuple(probe for population in state.populations for probe in population.recorder.freeze()),
        weight_probes=tuple(probe for projection in state.projections for probe in projection._weight_probes.values()),
    )
