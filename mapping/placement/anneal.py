"""Simulated annealing: two slots change what they hold if that saves hops, or at times if it does not.

References
----------
Kirkpatrick, Gelatt and Vecchi, "Optimization by simulated annealing", Science 220, 1983.
Betz and Rose, "VPR: a new packing, placement and routing tool for FPGA research", FPL 1997: moves
within a window that shrinks while it cools.
"""

from __future__ import annotations

import numpy as np

from neurosim._jit import entry, inner
from neurosim.mapping.placement.kernels import below, draw, gain_of_moving, swap


@inner()
def nearby(sites, random, site, window):
    """A random slot of a site within ``window`` rows and columns, -1 where there is none."""
    n_rows, n_columns = sites.raster.shape
    row = sites.cell[site, 0] - window + below(random, 2 * window + 1)
    column = sites.cell[site, 1] - window + below(random, 2 * window + 1)
    if sites.wrap[1] > 0:
        row = (row + n_rows) % n_rows
    if sites.wrap[0] > 0:
        column = (column + n_columns) % n_columns
    if row < 0 or column < 0 or row >= n_rows or column >= n_columns:
        return np.int64(-1)
    found = sites.raster[row, column]
    if found < 0:
        return np.int64(-1)
    return np.int64(sites.begin[found]) + below(random, sites.begin[found + 1] - sites.begin[found])


@inner()
def propose(graph, sites, state, random, core, window, attraction):
    """A slot to try for a core: near one that it talks to, or near where it is."""
    first, n = graph.indptr[core], graph.indptr[core + 1] - graph.indptr[core]
    if n > 0 and below(random, 256) < attraction:
        other = graph.neighbour[first + below(random, n)]
        return nearby(sites, random, sites.site[state.slot_of[other]], 1)
    return nearby(sites, random, sites.site[state.slot_of[core]], window)


@inner()
def try_swap(graph, sites, state, one, other, allowed):
    """Exchange two slots if the loss is at most ``allowed``; gives what was saved."""
    a, b = state.core_at[one], state.core_at[other]
    here, there = sites.site[one], sites.site[other]
    saved = gain_of_moving(graph, sites, state, a, there)
    if b >= 0:
        # With the first one moved, packets between the two cancel out.
        state.spot[a, 0], state.spot[a, 1] = sites.place[there, 0], sites.place[there, 1]
        saved += gain_of_moving(graph, sites, state, b, here)
    if saved + allowed < 0:
        state.spot[a, 0], state.spot[a, 1] = sites.place[here, 0], sites.place[here, 1]
        return np.int64(0)
    swap(sites, state, one, other)
    return saved


@entry()
def sweep_swaps(graph, sites, state, order, n_tries, settings, quantiles, random):
    """Try random swaps; gives the weighted hops that were saved in all.

    Parameters
    ----------
    order
        int32 (n,): cores to try to move, one after the other; neighbours in turn find each other in the cache.
    n_tries
        Number of swaps to try.
    settings
        float64 (3,): temperature in weighted hops, window in rows and columns, share of tries
        (in 256) beside a core that one talks to.
    quantiles
        float32 (n,): of the exponential distribution with mean 1, n a power of two.
    random
        uint64 (1,): state of the random numbers.
    """
    total = np.int64(0)
    window, attraction = np.int64(settings[1]), np.int64(settings[2])
    for k in range(n_tries):
        core = np.int64(order[k % order.size])
        one = np.int64(state.slot_of[core])
        other = propose(graph, sites, state, random, core, window, attraction)
        if other < 0 or state.fixed[other] != 0 or sites.site[one] == sites.site[other]:
            continue
        allowed = np.int64(settings[0] * quantiles[np.int64(draw(random)) & (quantiles.size - 1)])
        total += try_swap(graph, sites, state, one, other, allowed)
    return total
