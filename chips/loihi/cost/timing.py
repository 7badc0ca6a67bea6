"""How long each step takes without its barrier: the sum of a core's work, whichever core is slowest.

:mod:`.noc` follows the messages one by one instead.
"""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry
from neurosim.chips.loihi.cost.arrays import Activity, Cells, Cores, Fanout, Floats
from neurosim.chips.loihi.cost.profile import TimeTable


def simple(cores: Cores, cells: Cells, fanout: Fanout, activity: Activity, table: TimeTable) -> Floats:
    """Duration of each step without its barrier, s, float64 (n_steps,).

    Notes
    -----
    The longest of two sums over any core: of its neurons and the messages they send, and of the
    messages it receives with the synapses these read. Messages take no time on their way.

    References
    ----------
    The definition is that of SANA-FE's simple model (Boyle, TCAD 2025).
    """
    out = np.zeros(activity.n_steps)
    busy, taking = np.zeros(cores.n_cores), np.zeros(cores.n_cores)
    if cores.n_cores:
        _simple(cells.first, cells.before, cells.core, fanout, activity, table, busy, taking, out)
    return out


@entry(nogil=True)
def _simple(first, before, core_of, fanout, activity, table, busy, taking, out_s):
    for step in range(out_s.size):
        for core in range(busy.size):
            compartments = before[first[core + 1]] - before[first[core]]
            busy[core] = compartments * (table.access + table.update) if activity.all_updated else compartments * table.access
            taking[core] = 0.0
        if not activity.all_updated:
            for u in range(activity.update_ptr[step], activity.update_ptr[step + 1]):
                cell = activity.update[u]
                if core_of[cell] >= 0:
                    busy[core_of[cell]] += (before[cell + 1] - before[cell]) * table.update
        for s in range(activity.spike_ptr[step], activity.spike_ptr[step + 1]):
            cell = activity.spike[s]
            start, stop = fanout.indptr[cell], fanout.indptr[cell + 1]
            if core_of[cell] >= 0:
                busy[core_of[cell]] += table.spike + (stop - start) * table.message_out
            for m in range(start, stop):
                time = table.message_in
                for kind in range(table.reads.size):
                    time += fanout.reads[m, kind] * table.reads[kind]
                taking[fanout.core[m]] += time
        longest = 0.0
        for core in range(busy.size):
            longest = max(longest, busy[core], taking[core])
        out_s[step] = longest
