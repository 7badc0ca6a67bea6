"""Improving a placement: unfold it, let forces settle it, anneal it. The result is never worse than what came in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.mapping.placement.anneal import sweep_swaps
from neurosim.mapping.placement.force import sweep_forces
from neurosim.mapping.placement.kernels import random_state
from neurosim.mapping.placement.problem import Deadline, Problem
from neurosim.mapping.placement.relax import diffuse, spread
from neurosim.mapping.structures import Int32

#: Forces stop when a sweep gains less than this part of what the first one gained.
_SETTLED = 1e-3
_MOST_SWEEPS = 300
#: Swaps tried in a sweep over a few cores.
FEWEST_TRIES = 512
_N_QUANTILES = 4096
#: Quantiles of the exponential distribution, from which the losses that are accepted are drawn.
_QUANTILES = (-np.log((np.arange(_N_QUANTILES) + 0.5) / _N_QUANTILES)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Cooling:
    """How to anneal.

    Attributes
    ----------
    n_sweeps
        Sweeps, each of which tries one swap per core, and some hundreds for a few cores.
    hot, cold
        First and last temperature, in root-mean-square packets of a core (as if all its neighbours' packets
        were independent, this is what moving it by one hop typically changes).
    window
        Rows and columns that a core may jump at first; at last one.
    attraction
        Share of the tries (in 256) that go beside a core one talks to.
    """

    n_sweeps: int = 30
    hot: float = 0.3
    cold: float = 0.02
    window: int = 8
    attraction: int = 0


def unfold(problem: Problem, position_of: Int32, deadline: Deadline, n_rounds: int = 20) -> Int32:
    """The best placement found while cores diffuse and are spread in turn; see ``relax.py``.

    Parameters
    ----------
    position_of
        int32 (n_cores,): where to begin. Only coordinates matter, so a random placement serves as well.
    n_rounds
        Rounds, from diffusion over half the side of a square of all cores down to two hops.
    """
    best, best_cost = position_of, problem.scaled_cost(position_of)
    free, places = problem.free_cores, problem.compact_positions
    now = position_of
    for reach in np.geomspace(max(np.sqrt(problem.n_cores) / 2, 3), 2, n_rounds).astype(np.int64):
        if deadline.over:
            break
        coordinates = diffuse(problem.thinned, problem.coordinates[now], problem.held, int(reach))
        now = problem.placed(places[spread(coordinates[free], problem.coordinates[places])])
        cost = problem.scaled_cost(now)
        if cost < best_cost:
            best, best_cost = now, cost
    return best


def settle(problem: Problem, position_of: Int32, deadline: Deadline, potentials: tuple[bool, ...] = (True, False)) -> Int32:
    """A placement in which no two neighbouring cores gain by changing places.

    Parameters
    ----------
    potentials
        One after the other; True: squared distance, False: hops.
    """
    state, sites = problem.state(position_of), problem.positions.sites
    pull = np.zeros((problem.n_cores, sites.near.shape[1]), np.int64)
    for squared in potentials:
        first = gained = sweep_forces(problem.adjacency, sites, state, squared, 0, pull)
        for sweep in range(1, _MOST_SWEEPS):
            if deadline.over or gained <= _SETTLED * first:
                break
            gained = sweep_forces(problem.adjacency, sites, state, squared, sweep, pull)
    return better(problem, position_of, problem.position_of(state))


def anneal(problem: Problem, position_of: Int32, cooling: Cooling, stream: int, deadline: Deadline) -> Int32:
    """The best placement met while annealing.

    Parameters
    ----------
    stream
        Which of the seed's random numbers to use.
    """
    if not len(problem.free_cores):
        return position_of
    state, random = problem.state(position_of), random_state(problem.seed, stream)
    best, saved, best_saved = state.copy(), 0, 0
    weight = problem.adjacency.weight.astype(np.float64)
    n_tries = max(problem.n_cores, FEWEST_TRIES)
    unit = float(np.sqrt(weight @ weight / problem.n_cores))
    for sweep in range(cooling.n_sweeps):
        if deadline.over:
            break
        done = sweep / max(cooling.n_sweeps - 1, 1)
        temperature = unit * cooling.hot * (cooling.cold / cooling.hot) ** done
        window = max(round(cooling.window ** (1 - done)), 1)
        order = state.core_at[(state.core_at >= 0) & (state.fixed == 0)]
        settings = np.array([temperature, window, cooling.attraction])
        saved += sweep_swaps(problem.adjacency, problem.positions.sites, state, order, n_tries, settings, _QUANTILES, random)
        if saved > best_saved:
            best_saved = saved
            _copy_into(state, best)
    return better(problem, position_of, problem.position_of(best))


def better(problem: Problem, one: Int32, other: Int32) -> Int32:
    """The cheaper of two placements; the first if they cost the same."""
    return other if problem.scaled_cost(other) < problem.scaled_cost(one) else one


def _copy_into(state: tuple[np.ndarray, ...], out_state: tuple[np.ndarray, ...]) -> None:
    for array, out_array in zip(state, out_state, strict=True):
        out_array[...] = array
