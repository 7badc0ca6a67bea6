"""What differs between two mappings of one network on one machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import NetworkError, ParameterError
from neurosim.mapping.fingerprint import chip_fingerprint, text_digest
from neurosim.mapping.inspection.loads import LinkLoad
from neurosim.mapping.pins import Pin, describe, machine

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping

Int64 = NDArray[np.int64]
_MAX_RUNS = 12
_MAX_POPULATIONS = 8
_UNITS = {"hops": "links", "mean hops": "links per packet", "tree hops": "links", "largest link load": "packets"}


class Moved(NamedTuple):
    """Neighbouring neurons of one population that went together from one core to another; -1 is off chip."""

    population: str
    population_id: int
    first: int
    last: int
    before: int
    after: int

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.population}[{self.first if self.first == self.last else f'{self.first}-{self.last}'}]"


class Share(NamedTuple):
    """Moved neurons of one population."""

    population: str
    population_id: int
    moved: int
    size: int


class Change(NamedTuple):
    """A number before and after."""

    name: str
    before: float
    after: float
    unit: str = ""

    def __str__(self) -> str:
        relative = f", {100 * (self.after / self.before - 1):+.3g} %" if self.before else ""
        return f"{_number(self.before)} -> {_number(self.after)} {self.unit}".rstrip() + f" ({_signed(self.after - self.before)}{relative})"


class _Figure(NamedTuple):
    """A number of one mapping."""

    name: str
    value: float
    unit: str = ""


class Setting(NamedTuple):
    """A setting of placement before and after, as text."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.before or 'none'} -> {self.after or 'none'}"


@dataclass(frozen=True)
class MappingDiff:
    """Differences between two mappings; false if there are none.

    Attributes
    ----------
    machine
        The machine of both, in words.
    moved
        Runs of neurons that are on another core.
    renumbered
        Neurons that are on the same core with another local number.
    by_population
        Number of moved neurons of each population that has any.
    n_neurons
        Number of cells of the network.
    sizes
        Changed numbers of used cores, routers and chips.
    resources
        Per limited resource with any change: its total use over the machine and its largest use by one core or chip.
    traffic
        Changed packets, hops and, if link loads were given, tree hops and largest load.
    settings
        Changed seed and pins.
    places
        Names of the cores in ``moved``, by core.
    """

    machine: str
    moved: tuple[Moved, ...] = ()
    renumbered: int = 0
    by_population: tuple[Share, ...] = ()
    n_neurons: int = 0
    sizes: tuple[Change, ...] = ()
    resources: tuple[Change, ...] = ()
    traffic: tuple[Change, ...] = ()
    settings: tuple[Setting, ...] = ()
    places: tuple[tuple[int, str], ...] = ()

    @property
    def n_moved(self) -> int:
        """Number of neurons on another core."""
        return sum(run.n_neurons for run in self.moved)

    @property
    def inverse(self) -> MappingDiff:
        """The same differences seen from the other mapping."""
        return replace(
            self,
            moved=tuple(run._replace(before=run.after, after=run.before) for run in self.moved),
            settings=tuple(setting._replace(before=setting.after, after=setting.before) for setting in self.settings),
            **{
                name: tuple(c._replace(before=c.after, after=c.before) for c in getattr(self, name))
                for name in ("sizes", "resources", "traffic")
            },
        )

    def rows(self) -> list[dict[str, object]]:
        """One dictionary per moved run: population, neurons, cores and their names."""
        names = {-1: "host", **dict(self.places)}
        return [
            {**run._asdict(), "n_neurons": run.n_neurons, "place_before": names[run.before], "place_after": names[run.after]}
            for run in self.moved
        ]

    def __bool__(self) -> bool:
        return bool(self.moved or self.renumbered or self.sizes or self.resources or self.traffic or self.settings)

    def __str__(self) -> str:
        if not self:
            return f"No differences on {self.machine}"
        rows = list(self._lines())
        width = max(len(name) for name, _ in rows)
        return "\n".join([f"Differences on {self.machine}", *(f"  {name:<{width}}  {text}" for name, text in rows), *self._runs()])

    def _lines(self) -> Iterator[tuple[str, str]]:
        share = 100 * self.n_moved / max(self.n_neurons, 1)
        where = ", ".join(f"{row.moved:,} of {row.size:,} of {row.population}" for row in self.by_population[:_MAX_POPULATIONS])
        n = len(self.by_population) - _MAX_POPULATIONS
        where += f" and {n:,} more population{'s' if n > 1 else ''}" if n > 0 else ""
        yield "moved", f"{self.n_moved:,} of {self.n_neurons:,} cells ({share:.3g} %)" + (f": {where}" if where else "")
        if self.renumbered:
            yield "renumbered", f"{self.renumbered:,} cells have another local number on the same core"
        for change in (*self.sizes, *self.resources, *self.traffic, *self.settings):
            yield change.name, str(change)

    def _runs(self) -> Iterator[str]:
        """The longest moves, in the order of the network."""
        rows = sorted(self.rows(), key=lambda row: -int(row["n_neurons"]))[:_MAX_RUNS]  # type: ignore[call-overload]
        chosen = {(row["population_id"], row["first"]) for row in rows}
        if rows:
            yield "  moves"
        for run, row in zip(self.moved, self.rows(), strict=True):
            if (run.population_id, run.first) in chosen:
                yield f"    {run}: {row['place_before']} -> {row['place_after']}"
        if len(self.moved) > _MAX_RUNS:
            yield f"    ... and {len(self.moved) - _MAX_RUNS:,} smaller ones"


def diff(before: Mapping, after: Mapping, *, loads: tuple[LinkLoad, LinkLoad] | None = None) -> MappingDiff:
    """Differences between two mappings of one network on one machine.

    Parameters
    ----------
    before, after
        The mappings.
    loads
        Link loads of both, if there are any: then tree hops and the largest load are compared too.

    Returns
    -------
    MappingDiff
        Empty and false if nothing differs.

    Raises
    ------
    NetworkError
        If the mappings are of different networks.
    ParameterError
        If they are on different chips, numbers of boards or datasheets.

    Examples
    --------
    >>> from neurosim import chips
    >>> from neurosim.mapping import map_network
    >>> from neurosim.network import Network, Population
    >>> network = Network(0.1, 1, (Population(0, "exc", 100, "lif"),))
    >>> mapping = map_network(network, chips.load("loihi"))
    >>> print(diff(mapping, mapping))
    No differences on Loihi (1 board)
    """
    _check_comparable(before, after)
    moved = tuple(_moved(before, after))
    counts = {run.population_id: 0 for run in moved}
    for run in moved:
        counts[run.population_id] += run.n_neurons
    populations = before.network.populations
    cores = sorted({core for run in moved for core in (run.before, run.after)} - {-1})
    return MappingDiff(
        machine=machine(before.chip),
        moved=moved,
        renumbered=_renumbered(before, after),
        by_population=tuple(Share(populations[p].label, p, n, populations[p].size) for p, n in counts.items()),
        n_neurons=sum(p.size for p in populations),
        sizes=_changes(_sizes(before), _sizes(after)),
        resources=_changes(_resources(before), _resources(after)),
        traffic=_changes(_traffic(before, loads and loads[0]), _traffic(after, loads and loads[1])),
        settings=tuple(_settings(before, after)),
        places=tuple((core, before.chip.core_label(core)) for core in cores),
    )


def _check_comparable(before: Mapping, after: Mapping) -> None:
    if before.fingerprint != after.fingerprint:
        sizes = [f"{len(m.network.populations)} populations, {sum(p.size for p in m.network.populations):,} cells" for m in (before, after)]
        raise NetworkError(
            f"the mappings are of different networks ({sizes[0]}; {sizes[1]}).",
            where="diff",
            remedy="Compare mappings of one network; labels, sizes, rules and seeds of projections must be the same.",
        )
    facts = (("chip", lambda c: c.name), ("number of boards", lambda c: c.n_boards), ("datasheet", chip_fingerprint))
    for what, fact in facts:
        used, limit = fact(after.chip), fact(before.chip)
        if used != limit:
            raise ParameterError(
                f"the mappings differ in their {what}: {limit} and {used}.",
                where="diff",
                used=used,
                limit=limit,
                remedy="Compare mappings on one machine; `neurosim compare` puts chips side by side.",
            )


def _moved(before: Mapping, after: Mapping) -> Iterator[Moved]:
    for p, old, new in zip(before.network.populations, before.core_of, after.core_of, strict=True):
        neurons = np.flatnonzero(old != new)
        cuts = (np.diff(neurons) != 1) | (np.diff(old[neurons]) != 0) | (np.diff(new[neurons]) != 0)
        for run in np.split(neurons, np.flatnonzero(cuts) + 1):
            if len(run):
                yield Moved(p.label, p.id, int(run[0]), int(run[-1]), int(old[run[0]]), int(new[run[0]]))


def _renumbered(before: Mapping, after: Mapping) -> int:
    columns = zip(before.core_of, after.core_of, before.local_of, after.local_of, strict=True)
    return sum(int(((old == new) & (local_old != local_new)).sum()) for old, new, local_old, local_new in columns)


def _changes(before: Sequence[_Figure], after: Sequence[_Figure]) -> tuple[Change, ...]:
    """Numbers that differ, by name; one that is missing on a side counts as 0."""
    old, new = ({figure.name: figure.value for figure in figures} for figures in (before, after))
    units = {figure.name: figure.unit for figure in (*before, *after)}
    both = [Change(name, old.get(name, 0), new.get(name, 0), unit) for name, unit in units.items()]
    return tuple(change for change in both if not np.isclose(change.before, change.after, rtol=1e-12, atol=0.0))


def _sizes(mapping: Mapping) -> list[_Figure]:
    chips = [_Figure("chips used", mapping.n_chips_used)] if mapping.n_chips != mapping.n_routers else []
    return [_Figure("cores used", mapping.n_cores_used), *chips, _Figure(f"{mapping.chip.router_noun}s used", mapping.n_routers_used)]


def _resources(mapping: Mapping) -> list[_Figure]:
    found = []
    for scope in ("core", "chip"):
        usage = mapping.utilisation(scope)
        for column, (name, unit) in enumerate(zip(usage.resources, usage.units, strict=True)):
            total, largest = int(usage.used[:, column].sum()), int(usage.used[:, column].max(initial=0))
            plain = "" if unit == "1" or unit == name else unit
            found += [_Figure(name, total, plain), _Figure(f"{name}, fullest {scope}", largest, plain)]
    return found


def _traffic(mapping: Mapping, load: LinkLoad | None) -> list[_Figure]:
    traffic = mapping.traffic
    numbers = {
        "packets": traffic.packets,
        "packets from the host": traffic.host_packets,
        "hops": traffic.hops,
        "mean hops": traffic.mean_hops,
    }
    if load is not None:
        numbers.update({"tree hops": load.total, "largest link load": load.largest})
    return [_Figure(name, value, _UNITS.get(name, "")) for name, value in numbers.items()]


def _settings(before: Mapping, after: Mapping) -> Iterator[Setting]:
    if before.seed != after.seed:
        yield Setting("seed", str(before.seed), str(after.seed))
    told = [_options_text(mapping) for mapping in (before, after)]
    yield from (Setting(name, told[0][name], told[1][name]) for name in told[0] if told[0][name] != told[1][name])
    old, new = ([_pin_text(mapping, pin) for pin in mapping.pins] for mapping in (before, after))
    gone, added = [text for text in old if text not in new], [text for text in new if text not in old]
    if gone or added:
        yield Setting("pins", "; ".join(gone), "; ".join(added))
    elif old != new:
        yield Setting("order of pins", "; ".join(old), "; ".join(new))


def _options_text(mapping: Mapping) -> dict[str, str]:
    """Options as text, the same however a place was written down."""
    options, populations = mapping.options, mapping.network.populations
    rates = [(populations[number].label, np.asarray(rate, np.float64)) for number, rate in sorted(options.rates.items())]
    return {
        "effort": options.effort,
        "seconds": str(options.seconds),
        "rates": ", ".join(f"{label} {_rate_text(rate)}" for label, rate in rates),
        "avoid": ", ".join(map(describe, options.avoid)),
        "avoid_links": ", ".join(" - ".join(map(describe, pair)) for pair in options.avoid_links),
    }


def _rate_text(rate: NDArray[np.float64]) -> str:
    """A rate, or the mean of many with what tells them from others of this mean."""
    if rate.size <= 1:
        return f"{rate.sum():g} Hz"
    return f"{rate.mean():g} Hz on average ({text_digest(str(rate.tolist()))[:8]})"


def _pin_text(mapping: Mapping, pin: Pin) -> str:
    label = mapping.network.populations[pin.population].label
    chosen = "" if pin.indices is None else str(np.asarray(pin.indices).tolist())
    place = "" if pin.coordinate is None else f" at {describe(pin.coordinate)}"
    size = "" if pin.neuron_size is None else f" with neuron size {pin.neuron_size}"
    return f"{label}{chosen}{place}{size}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else '-'}{_number(abs(value))}"
