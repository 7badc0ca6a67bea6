"""The whole cost model in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.chips.chip import Placed
from neurosim.chips.loihi.cost import noc, timing
from neurosim.chips.loihi.cost.events import count
from neurosim.chips.loihi.cost.fanout import bare, fanout_of
from neurosim.chips.loihi.cost.place import activity, placed
from neurosim.chips.loihi.cost.profile import profile_of
from neurosim.chips.loihi.cost.report import CostReport
from neurosim.chips.operations import operations
from neurosim.chips.spikes import Events
from neurosim.network import Network

if TYPE_CHECKING:
    from neurosim.chips.loihi.chip import LoihiChip


def cost(
    chip: LoihiChip,
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
    """Time and energy of a run; see :meth:`neurosim.chips.loihi.chip.LoihiChip.cost`."""
    chosen = profile_of(chip.sheet.cost, profile)
    cores, cells, places = placed(chip, network, mapping)
    active = activity(network, cells, places, spikes, n_steps, updates=updates)
    fanout = fanout_of(network, places, chip.sheet)
    counts = count(cores, cells, fanout, active)
    if detailed:
        work = noc.detailed(cores, cells, fanout, active, chosen.time, counts)
    else:
        work = timing.simple(cores, cells, fanout, active, chosen.time)
    return CostReport(
        title=chip.title,
        dt_ms=network.dt,
        profile=chosen,
        counts=counts,
        work_s=work,
        detailed=detailed,
        barrier=chosen.barrier(cores.n_tiles, cores.n_chips),
        all_updated=updates is None,
        core_labels=[chip.core_label(core) for core in cores.core.tolist()],
        population_labels=[population.label for population in network.populations],
        n_chips=cores.n_chips,
        static=static,
        begin_ms=begin_ms,
        operations=operations(bare(network), spikes, int(n_steps), chip.word_bits()),
    )
