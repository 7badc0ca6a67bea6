"""Mappings as JSON files, with a schema version and a checksum per section."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neurosim.chips.chip import Chip
from neurosim.errors import MappingFileError, NeurosimError
from neurosim.losses import Ledger, Loss
from neurosim.mapping.fanout import rate_of
from neurosim.mapping.fingerprint import chip_fingerprint, network_fingerprint, text_digest
from neurosim.mapping.mapping import Mapping
from neurosim.mapping.options import Options
from neurosim.mapping.pins import Pin, Place, as_place, check_pins
from neurosim.mapping.site import Site
from neurosim.mapping.structures import CoreGraph
from neurosim.mapping.traffic import Traffic
from neurosim.mapping.usage import Utilisation
from neurosim.network import Network, Population

FORMAT = "neurosim mapping"
VERSION = 2
_MAX_GRAPH = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """What a loaded mapping knows without computing it."""

    fingerprint: str
    core_usage: Utilisation
    chip_usage: Utilisation
    traffic: Traffic
    has_network: bool


# --- schema --------------------------------------------------------------------------------
class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _ChipSection(_Section):
    name: str
    n_boards: int = Field(ge=1)
    sheet: str


class _PopulationRow(_Section):
    label: str
    size: int = Field(ge=0)
    model: str
    cell_type: str


class _NetworkSection(_Section):
    fingerprint: str
    dt: float
    populations: tuple[_PopulationRow, ...]


class _PinRow(_Section):
    population: int = Field(ge=0)
    indices: tuple[int, ...] | None
    coordinate: int | tuple[int, int, int | None, int | None] | None
    neuron_size: int | None


class _UsageSection(_Section):
    places: tuple[int, ...]
    labels: tuple[str, ...]
    resources: tuple[str, ...]
    units: tuple[str, ...]
    hard: tuple[bool, ...]
    used: tuple[tuple[int, ...], ...]
    capacity: tuple[int, ...]


class _TrafficSection(_Section):
    method: str
    synapses: float
    packets: float
    local: float
    host_packets: float
    hops: float
    graph: tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]] | None


class _OptionsSection(_Section):
    effort: str
    seconds: float | None
    avoid: tuple[int | tuple[int, int, int | None, int | None], ...]
    avoid_links: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    rates: tuple[tuple[int, float | tuple[float, ...]], ...] = ()


class _LossRow(_Section):
    kind: str
    where: str
    what: str
    count: int
    total: int
    error_mean: float
    error_max: float
    unit: str
    detail: str


class _File(_Section):
    format: str
    version: int
    chip: _ChipSection
    network: _NetworkSection
    seed: int = Field(ge=0)
    pins: tuple[_PinRow, ...]
    options: _OptionsSection
    placement: tuple[tuple[tuple[int, int, int, int], ...], ...]
    usage: dict[str, _UsageSection]
    traffic: _TrafficSection
    losses: tuple[_LossRow, ...]
    checksums: dict[str, str]


# --- writing -------------------------------------------------------------------------------
def to_json(mapping: Mapping) -> str:
    """Mapping as JSON text; a function of the mapping alone, without times."""
    network = mapping.network
    populations = [{"label": p.label, "size": p.size, "model": p.model, "cell_type": p.cell_type} for p in network.populations]
    sections: dict[str, Any] = {
        "chip": {"name": mapping.chip.full_name, "n_boards": mapping.chip.n_boards, "sheet": chip_fingerprint(mapping.chip)},
        "network": {"fingerprint": mapping.fingerprint, "dt": network.dt, "populations": populations},
        "seed": mapping.seed,
        "pins": [_pin_row(pin) for pin in mapping.pins],
        "options": _options_section(mapping.options),
        "placement": [runs(core, local) for core, local in zip(mapping.core_of, mapping.local_of, strict=True)],
        "usage": {scope: _usage_section(mapping.utilisation(scope)) for scope in ("core", "chip")},
        "traffic": _traffic_section(mapping.traffic),
        "losses": [asdict(loss) for loss in mapping.losses],
    }
    sections["checksums"] = {name: _checksum(section) for name, section in sections.items()}
    return json.dumps({"format": FORMAT, "version": VERSION, **sections}, default=_plain)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _checksum(section: Any) -> str:
    return text_digest(json.dumps(section, sort_keys=True, default=_plain))


def _place_row(place: object) -> int | list[int | None]:
    if isinstance(place, int | np.integer):
        return int(place)
    plain = as_place(place)
    return [plain.x, plain.y, plain.core, plain.chip]


def _options_section(options: Options) -> dict[str, Any]:
    links = [[[as_place(end).x, as_place(end).y] for end in pair] for pair in options.avoid_links]
    avoid = [_place_row(place) for place in options.avoid]
    found = {"effort": options.effort, "seconds": options.seconds, "avoid": avoid, "avoid_links": links}
    rates = [[int(number), np.asarray(rate, np.float64).tolist()] for number, rate in sorted(options.rates.items())]
    return {**found, "rates": rates} if rates else found


def _pin_row(pin: Pin) -> dict[str, Any]:
    place = None if pin.coordinate is None else _place_row(pin.coordinate)
    indices = None if pin.indices is None else np.asarray(pin.indices).tolist()
    return {"population": pin.population, "indices": indices, "coordinate": place, "neuron_size": pin.neuron_size}


def runs(core: NDArray[np.int32], local: NDArray[np.int32]) -> list[list[int]]:
    """Rows ``[first neuron, number of neurons, core, first local number]`` of a population."""
    if not len(core):
        return []
    same = (np.diff(core) == 0) & ((np.diff(local) == 1) | (core[1:] < 0))
    starts = np.concatenate([[0], np.flatnonzero(~same) + 1])
    lengths = np.diff(np.append(starts, len(core)))
    return np.stack([starts, lengths, core[starts], local[starts]], axis=1).tolist()


def _usage_section(usage: Utilisation) -> dict[str, Any]:
    names = ("places", "labels", "resources", "units", "hard", "used", "capacity")
    return {name: _plain(value) if isinstance(value := getattr(usage, name), np.ndarray) else list(value) for name in names}


def _traffic_section(traffic: Traffic) -> dict[str, Any]:
    names = ("synapses", "packets", "local", "host_packets", "hops")
    small = traffic.graph is not None and len(traffic.graph.source) <= _MAX_GRAPH
    graph = [column.tolist() for column in traffic.graph] if small and traffic.graph is not None else None
    return {"method": traffic.method, **{name: float(getattr(traffic, name)) for name in names}, "graph": graph}


# --- reading -------------------------------------------------------------------------------
def from_json(path_or_text: str | Path, network: Network | None = None, chip: Chip | None = None) -> Mapping:
    """Mapping from a file or text; see :meth:`Mapping.from_json`."""
    text, where = _text(path_or_text)
    content = _parse(text, where)
    _check_sections(content, where)
    file = _validated(content, where)
    chip = _checked_chip(file, chip, where)
    if network is not None and network_fingerprint(network) != file.network.fingerprint:
        text, remedy = "the mapping belongs to another network.", "Load it with the network it was made for, or map again."
        raise _mismatch(where, "network.fingerprint", text, remedy)
    known = network or _skeleton(file)
    pins = tuple(_pin(row) for row in file.pins)
    try:
        check_pins(known, pins)
        chip = chip.configure(known, pins)
    except NeurosimError as error:
        raise _mismatch(where, "pins", f"the chip refuses them: {error}", "Map the network again.") from error
    core_of, local_of = _unpack(file, known, len(chip.cores().core), where)
    usage = (_usage(file, "core", where), _usage(file, "chip", where))
    saved = Saved(file.network.fingerprint, *usage, _traffic(file, where), network is not None)
    return Mapping(known, chip, core_of, local_of, pins, file.seed, _losses(file, where), {}, saved, _options(file, known, chip, where))


def _options(file: _File, network: Network, chip: Chip, where: str) -> Options:
    row = file.options
    avoid = tuple(Place(*place) if isinstance(place, tuple) else place for place in row.avoid)
    try:
        options = Options(row.effort, row.seconds, rates=dict(row.rates), avoid=avoid, avoid_links=row.avoid_links)
        rate_of(network, options.rates)
        Site.of(chip, options.avoid, options.avoid_links)
    except NeurosimError as error:
        raise _mismatch(where, "options", f"they cannot be: {error}", "Map the network again.") from error
    return options


def _losses(file: _File, where: str) -> Ledger:
    try:
        return Ledger([Loss(**row.model_dump()) for row in file.losses])
    except ValueError as error:
        raise _mismatch(where, "losses", f"{error}.", "Save the mapping again.") from None


def _mismatch(where: str, field: str, text: str, remedy: str, **values: object) -> MappingFileError:
    return MappingFileError(f"field '{field}': {text}", where=where, remedy=remedy, **values)


def _text(path_or_text: str | Path) -> tuple[str, str]:
    if isinstance(path_or_text, str) and path_or_text.lstrip().startswith("{"):
        return path_or_text, "Mapping text"
    where = f"Mapping file '{path_or_text}'"
    try:
        return Path(path_or_text).read_text(encoding="utf-8"), where
    except (OSError, TypeError, UnicodeDecodeError) as error:
        raise MappingFileError(f"cannot be read: {error}.", where=where, used=str(path_or_text), remedy="Check the path.") from None


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise MappingFileError(f"is not valid JSON: {error}.", where=where, remedy="Save the mapping again.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _mismatch(where, "format", f"is not '{FORMAT}'.", "Give a file written by Mapping.to_json().")
    if content.get("version") != VERSION:
        found = content.get("version")
        text = f"version {found} is not the one this release reads ({VERSION})."
        raise _mismatch(where, "version", text, "Map the network again with this release.", used=found, limit=VERSION)
    return content


def _check_sections(content: dict[str, Any], where: str) -> None:
    sections = set(_File.model_fields) - {"format", "version", "checksums"}
    sums = content.get("checksums")
    if not isinstance(sums, dict):
        raise _mismatch(where, "checksums", "is missing.", "Save the mapping again.")
    for name in sorted(sections):
        if name not in content:
            raise _mismatch(where, name, "is missing.", "Save the mapping again.")
        if sums.get(name) != _checksum(content[name]):
            raise _mismatch(where, name, "was edited: its checksum does not match.", "Save the mapping again; use pins to move neurons.")


def _validated(content: dict[str, Any], where: str) -> _File:
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise _mismatch(where, field, f"{first['msg']}.", "Save the mapping again.", used=str(first["input"])[:80]) from None


def _checked_chip(file: _File, chip: Chip | None, where: str) -> Chip:
    if chip is None:
        from neurosim.chips import load

        try:
            chip = load(file.chip.name, n_boards=file.chip.n_boards)
        except NeurosimError as error:
            raise _mismatch(where, "chip.name", f"there is no such chip: {error}", "Pass chip=.") from error
    for name, given in (("name", chip.full_name), ("n_boards", chip.n_boards), ("sheet", chip_fingerprint(chip))):
        saved = getattr(file.chip, name)
        if saved != given:
            text = f"the mapping was made for {saved!r}, the chip given has {given!r}."
            raise _mismatch(where, f"chip.{name}", text, "Pass the chip it was made for as chip=, or map again.", used=given, limit=saved)
    return chip


def _skeleton(file: _File) -> Network:
    rows = enumerate(file.network.populations)
    return Network(file.network.dt, 0, tuple(Population(i, row.label, row.size, row.model, cell_type=row.cell_type) for i, row in rows))


def _pin(row: _PinRow) -> Pin:
    coordinate = Place(*row.coordinate) if isinstance(row.coordinate, tuple) else row.coordinate
    indices = None if row.indices is None else np.array(row.indices, np.int64)
    return Pin(row.population, indices, coordinate, row.neuron_size)


def _unpack(file: _File, network: Network, n_cores: int, where: str) -> tuple[tuple[NDArray[np.int32], ...], tuple[NDArray[np.int32], ...]]:
    if len(file.placement) != len(network.populations):
        raise _mismatch(where, "placement", "does not have one row per population.", "Save the mapping again.")
    columns = []
    for index, (population, runs) in enumerate(zip(network.populations, file.placement, strict=True)):
        table = np.array(runs, np.int64).reshape(-1, 4)
        covered = np.array_equal(np.cumsum(table[:, 1]) - table[:, 1], table[:, 0]) and table[:, 1].sum() == population.size
        if not covered or (table[:, 1] < 1).any() or (table[:, 2] >= n_cores).any():
            raise _mismatch(where, f"placement.{index}", "does not place every neuron on a core that exists.", "Save the mapping again.")
        columns.append(_expanded(table))
    return tuple(core for core, _ in columns), tuple(local for _, local in columns)


def _expanded(table: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    first, _, core, local = (np.repeat(column, table[:, 1]) for column in table.T)
    within = np.arange(len(first)) - first
    return core.astype(np.int32), np.where(core < 0, -1, local + within).astype(np.int32)


def _usage(file: _File, scope: str, where: str) -> Utilisation:
    if scope not in file.usage:
        raise _mismatch(where, f"usage.{scope}", "is missing.", "Save the mapping again.")
    row = file.usage[scope]
    n_places, n_resources = len(row.places), len(row.resources)
    columns = (row.units, row.hard, row.capacity, *row.used)
    if len(row.labels) != n_places or len(row.used) != n_places or any(len(column) != n_resources for column in columns):
        raise _mismatch(where, f"usage.{scope}", "is not a full table.", "Save the mapping again.")
    used = np.array(row.used, np.int64).reshape(n_places, n_resources)
    places, capacity = np.array(row.places, np.int64), np.array(row.capacity, np.int64)
    return Utilisation(scope, places, row.labels, row.resources, row.units, row.hard, used, capacity)


def _traffic(file: _File, where: str) -> Traffic:
    fields = file.traffic.model_dump(exclude={"graph"})
    graph = file.traffic.graph
    if graph is None:
        return Traffic(**fields)
    if len({len(column) for column in graph}) > 1:
        raise _mismatch(where, "traffic.graph", "has columns of different lengths.", "Save the mapping again.")
    return Traffic(**fields, graph=CoreGraph(np.array(graph[0], np.int64), np.array(graph[1], np.int64), np.array(graph[2], np.float64)))
