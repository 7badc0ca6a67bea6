"""The whole way from a network to a mapping: limits, partition, place, check."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from math import ceil
from typing import NamedTuple

import numpy as np

from neurosim._message import message
from neurosim.chips.chip import Chip
from neurosim.connectivity import AllToAll
from neurosim.errors import NeurosimError, ParameterError, PlacementError
from neurosim.mapping.budget import Budget
from neurosim.mapping.fanout import bases, rate_of
from neurosim.mapping.mapping import Mapping
from neurosim.mapping.options import Options
from neurosim.mapping.partition import Partition, partition
from neurosim.mapping.pins import Pin, check_pins, machine
from neurosim.mapping.place import assign, place
from neurosim.mapping.reach import listed_of, table_of
from neurosim.mapping.refit import Overfull, counts_jointly, hope, refitted, too_far
from neurosim.mapping.routes import Routing, on_real_cores, route
from neurosim.mapping.site import Site
from neurosim.mapping.stages import Reach, cluster, connect, flat_cores, locate, residents_of
from neurosim.mapping.structures import Fanout, Float32, Int32, Int64
from neurosim.network import Network

_TRIES = 4
_MAX_CORES_TO_TRY = 2_000_000
_KERNELS = "kernels are compiled once per installation, which takes some ten seconds"


def map_network(network: Network, chip: Chip, *, pins: Sequence[Pin] = (), options: Options | None = None, seed: int = 0) -> Mapping:
    """Place a network on a chip.

    Parameters
    ----------
    network
        In the chip's terms, as :meth:`Chip.translate` gives it. Connectivity is expanded only where it
        matters which cells share a core.
    chip
        The machine; pins may configure it further.
    pins
        Manual placements, put down first and in this order.
    options
        Effort, time, rates, what to avoid; see :class:`Options`.
    seed
        Kept in the mapping; same network, chip, pins, options and seed give the same mapping.

    Returns
    -------
    Mapping
        Verified.

    Raises
    ------
    PlacementError
        If the network, a single neuron or a pin does not fit; with resource, use, limit and remedy.
    UnknownNameError, ParameterError
        If a pin names a population or neuron that does not exist.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> mapping = map_network(network, chips.load(chips.available()[0]))
    >>> mapping.where(("exc", 17))[0].local
    17
    """
    seconds: dict[str, float] = {}
    _check_seed(seed)
    check_pins(network, pins)
    options = options or Options()
    configured = chip.configure(network, tuple(pins))
    try:
        with nullcontext() if options.progress else message(f"placing on {machine(chip)}; {_KERNELS}", after_s=3.0):
            parts, real, routing = _solve(network, configured, pins, options, seed, seconds)
    except PlacementError as error:
        raise _with_remedy(error, network, chip, pins, options) from None
    core_of, local_of = assign(parts, real, [p.size for p in network.populations])
    kept = replace(options, progress=None, placer=None)  # a mapping is pickled, functions of the user's need not be
    mapping = Mapping(network, configured, core_of, local_of, tuple(pins), seed, seconds=seconds, options=kept, routed=routing)
    with _timed(seconds, "verify", options):
        mapping.verify()
    return mapping


def _check_seed(seed: int) -> None:
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError("the seed must be a whole number, 0 or more.", where="map_network", used=seed, limit=0, remedy="Use seed=0.")


def _solve(
    network: Network, chip: Chip, pins: Sequence[Pin], options: Options, seed: int, seconds: dict[str, float]
) -> tuple[Partition, Int64, Routing]:
    """Partition, real cores and routes; on the largest connected part of the machine if cells cannot reach each other else."""
    with _timed(seconds, "limits", options):
        site = Site.of(chip, options.avoid, options.avoid_links)
    try:
        return _solve_on(site, network, pins, options, seed, seconds)
    except PlacementError as error:
        if error.resource != "routes":
            raise
        with suppress(PlacementError):
            return _solve_on(site.largest_part(), network, pins, options, seed, seconds)
        raise


def _solve_on(
    site: Site, network: Network, pins: Sequence[Pin], options: Options, seed: int, seconds: dict[str, float]
) -> tuple[Partition, Int64, Routing]:
    """Partition, real cores and routes, with less comfort if there is no room.

    First pinned neurons have their cores for themselves; then others may join them (not where
    cores of a chip compete for something); then limits that only cost synapses are given up.
    """
    has_soft = not all(limit.hard for limit in site.chip.limits())
    tries = [(True, False), *([(True, True)] if pins else []), *([(False, bool(pins))] if has_soft else [])]
    for soft, share in tries[:-1]:
        with suppress(PlacementError):
            return _attempt(network, site, pins, options, seed, seconds, soft, share)
    return _attempt(network, site, pins, options, seed, seconds, *tries[-1])


def _attempt(
    network: Network, site: Site, pins: Sequence[Pin], options: Options, seed: int, seconds: dict[str, float], soft: bool, share: bool
) -> tuple[Partition, Int64, Routing]:
    chip = site.chip
    with _timed(seconds, "limits", options):
        budget = Budget.of(network, chip, soft=soft)
        rate = rate_of(network, options.rates)
    sharing, over = share and not budget.chip_limits, None
    with _timed(seconds, "partition", options):
        budget, first = _first_fit(budget, site, pins, options, share_pinned=sharing)
        if not counts_jointly(chip):
            place(first, budget, site)  # refuse before anything that takes time
        fanout = table_of(network, options)
    for abroad in (False, True):
        with _timed(seconds, "partition", options):
            try:
                parts = refitted(budget, first, pins, share_pinned=sharing, fanout=fanout, usable=site.usable, abroad=abroad)
                place(parts, budget, site)
            except PlacementError as error:
                if over is None or error.resource == "cores":
                    raise
                break
            together = cluster(budget, parts, fanout, options, seed)
        for each in (together, parts) if abroad and together is not parts else (together,):
            found = _laid_out(site, budget, each, fanout, rate, options, seed, seconds)
            if found.over is None:
                with _timed(seconds, "route", options):
                    nets = on_real_cores(found.reach.sent(chip.delivery), found.real)
                    routing = route(chip, site, nets, *residents_of(found.cells, len(site.usable)))
                return each, found.real, routing
            over = over or found.over.error(network, found.cells, chip.core_label)
    assert over is not None  # or it had returned
    raise over


def _first_fit(budget: Budget, site: Site, pins: Sequence[Pin], options: Options, *, share_pinned: bool) -> tuple[Budget, Partition]:
    """First fit, and the budget with all synapses where those are counted; what only seems too much is put down all the same."""
    refused = None
    try:
        first = partition(budget, pins, share_pinned=share_pinned, usable=site.usable)
    except PlacementError as error:
        refused = error
    names = {limit.resource for limit in budget.limits if limit.counts == "synapses"}
    if refused is not None and refused.resource not in names:
        raise refused
    if any(not isinstance(projection.rule, AllToAll) for projection in budget.network.projections):  # else slices say what they take
        budget = replace(budget, synapses=listed_of(budget.network, budget.chip, options))
    if refused is None:
        return budget, first
    if budget.synapses is None:
        raise refused
    hoping = budget.sharing(dict.fromkeys(range(len(budget.network.populations)), hope(budget, names)))
    first = partition(hoping, pins, share_pinned=share_pinned, usable=site.usable)
    try:
        return budget, refitted(budget, first, pins, share_pinned=share_pinned, fanout=None, usable=site.usable)
    except PlacementError:
        raise refused from None


class _Layout(NamedTuple):
    """Who sends to whom, where cores and cells are, and the core that breaks a limit because of that."""

    reach: Reach
    real: Int64
    cells: list[Int32]
    over: Overfull | None


def _laid_out(
    site: Site,
    budget: Budget,
    parts: Partition,
    fanout: Fanout | None,
    rate: Float32,
    options: Options,
    seed: int,
    seconds: dict[str, float],
) -> _Layout:
    """Cores on the whole site; where they reach too many of other chips, on as few chips as hold them, at last in fill order."""
    network, chip = budget.network, budget.chip
    with _timed(seconds, "packets", options):
        core_of = flat_cores(network, parts)
        reach = connect(network, core_of, parts.n_cores, fanout, rate)
    with _timed(seconds, "place", options):
        filled = place(parts, budget, site)
        few = site.on_chips_of(filled)
        for where in (site, few, None) if len(few.cores) < len(site.cores) else (site, None):
            real = filled if where is None else locate(budget, where, parts, reach, options, seed)
            cells = np.split(np.append(real, -1)[core_of], bases(network)[1:-1])  # -1 stays -1
            over = too_far(network, chip, cells, fanout)
            if over is None or np.array_equal(real, filled):
                break
    return _Layout(reach, real, cells, over)


@contextmanager
def _timed(seconds: dict[str, float], stage: str, options: Options) -> Iterator[None]:
    start = time.perf_counter()
    if options.progress is not None:
        options.progress(stage, 0.0)
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start


# --- when it does not fit --------------------------------------------------------------------
def boards_needed(network: Network, chip: Chip, pins: Sequence[Pin], error: PlacementError, options: Options | None = None) -> int | None:
    """Smallest number of boards that was tried and holds the network; ``None`` if none does.

    ``error`` is what the chip as it is answered; only a lack of cores or chips can be helped.
    """
    used, limit = error.used, error.limit
    if error.remedy or not isinstance(used, int) or not isinstance(limit, int) or limit < 1:
        return None
    first = max(chip.n_boards + 1, ceil(used * chip.n_boards / limit))
    most = getattr(chip.sheet, "max_boards", first + _TRIES)
    for n_boards in range(first, min(first + _TRIES, most + 1)):
        if len(chip.cores().core) / chip.n_boards * n_boards > _MAX_CORES_TO_TRY:
            return None
        try:
            larger = chip.with_boards(n_boards).configure(network, tuple(pins))
            _solve(network, larger, pins, replace(options or Options(), effort="fast"), 0, {})
        except NeurosimError:
            continue
        return n_boards
    return None


def _with_remedy(error: PlacementError, network: Network, chip: Chip, pins: Sequence[Pin], options: Options) -> PlacementError:
    """The same error with a remedy that was tried, where more boards can help."""
    if error.remedy:
        return error
    n_boards = boards_needed(network, chip, pins, error, options)
    most = getattr(chip.sheet, "max_boards", None)
    if n_boards is not None:
        remedy = f"Use {n_boards} {chip.board_noun}s (n_boards={n_boards}; tried: it fits), or fewer neurons."
    elif most is not None and most <= chip.n_boards:
        noun = chip.board_noun if most == 1 else f"{chip.board_noun}s"
        remedy = f"There are no machines with more than {most} {noun}: use fewer neurons or another chip."
    elif most is not None:
        remedy = f"No number of {chip.board_noun}s that was tried holds it (at most {most}): use fewer neurons or another chip."
    else:
        remedy = "Use fewer neurons or another chip."
    return error.with_remedy(remedy)


@dataclass(frozen=True, slots=True, eq=False)
class FitReport:
    """Answer to whether a network fits a chip.

    Attributes
    ----------
    fits
        True if it was placed.
    cores, cores_available
        Cores used, or needed if it does not fit (0 if that is not the reason); usable cores.
    chips, chips_available
        Chips used (0 if it does not fit) and present.
    boards, boards_needed
        Boards of the machine; boards that hold the network, ``None`` if no number that was tried does.
    binding, fraction
        Fullest resource in words and its used share (above 1: why it does not fit).
    error
        Why not, else ``None``.
    mapping
        The mapping if it fits.
    """

    fits: bool
    machine: str
    cores: int
    cores_available: int
    chips: int
    chips_available: int
    boards: int
    boards_needed: int | None
    binding: str
    fraction: float
    error: NeurosimError | None = None
    mapping: Mapping | None = None


def fit_report(network: Network, chip: Chip, *, pins: Sequence[Pin] = ()) -> FitReport:
    """Whether a network fits, on how many cores, chips and boards, and which limit binds.

    Does not raise if the network does not fit; the reason is in ``error``.
    """
    table = chip.cores()
    available = (len(table.core), len(np.unique(chip.chip_numbers(np.arange(len(table.core))))))
    try:
        mapping = map_network(network, chip, pins=pins)
    except PlacementError as error:
        return _refusal(error, network, chip, pins, available)
    binding = mapping.binding
    return FitReport(
        True,
        machine(chip),
        mapping.n_cores_used,
        mapping.n_cores,
        mapping.n_chips_used,
        mapping.n_chips,
        chip.n_boards,
        chip.n_boards,
        str(binding or ""),
        binding.fraction if binding else 0.0,
        mapping=mapping,
    )


def _refusal(error: PlacementError, network: Network, chip: Chip, pins: Sequence[Pin], available: tuple[int, int]) -> FitReport:
    plain = PlacementError(error.message, resource=error.resource, used=error.used, limit=error.limit)
    numbers = isinstance(error.used, int) and isinstance(error.limit, int) and error.limit > 0
    machine_wide = error.resource == "cores"
    return FitReport(
        False,
        machine(chip),
        error.used if machine_wide and isinstance(error.used, int) else 0,
        available[0],
        0,
        available[1],
        chip.n_boards,
        boards_needed(network, chip, pins, plain) if machine_wide else None,
        error.resource,
        error.used / error.limit if numbers else 0.0,  # type: ignore[operator]
        error=error,
    )
