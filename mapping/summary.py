"""Text views of a mapping: one screen, plain strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import UnknownNameError
from neurosim.mapping.pins import machine

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping
    from neurosim.mapping.usage import Utilisation

#: Rows of a table of use that are printed if nothing else is asked for.
MAX_ROWS = 20
_BAR = 10


def summary_text(mapping: Mapping) -> str:
    """One screen: cores and chips used, binding limit, packets, mean hops, losses."""
    rows = [
        ("neurons", _neurons(mapping)),
        ("cores", _share(mapping.n_cores_used, mapping.n_cores)),
        *_chip_rows(mapping),
        ("binding limit", str(mapping.binding or "nothing is used")),
        *_traffic_rows(mapping),
        *_routing_rows(mapping),
        ("lost", _lost(mapping)),
    ]
    if mapping.seconds:
        rows.append(("time", ", ".join(f"{stage} {1e3 * spent:.3g} ms" for stage, spent in mapping.seconds.items())))
    width = max(len(name) for name, _ in rows)
    return "\n".join([f"Mapping on {machine(mapping.chip)}", *(f"  {name:<{width}}  {text}" for name, text in rows)])


def utilisation_text(usage: Utilisation, *, sort: str = "fullest", top: int | None = MAX_ROWS, at_least: float = 0.0) -> str:
    """Table of use and capacity; see :meth:`Utilisation.text`."""
    if not usage.used.size:
        return f"no limited resource of a {usage.scope} is used"
    key = _sort_key(usage, sort)
    order = np.arange(len(usage)) if sort == "place" else np.argsort(-key, kind="stable")
    order = order[key[order] >= at_least]
    shown = order[:top]
    rows = [[usage.labels[row], _bar(key[row]), *_cells(usage, int(row))] for row in shown]
    names = [name if hard else f"{name} (soft)" for name, hard in zip(usage.resources, usage.hard, strict=True)]
    lines = table([usage.scope, sort if sort in usage.resources else "fullest", *names], rows).splitlines()
    if len(order) > len(shown):
        rest = ", less full" if sort == "fullest" else ""
        lines.append(f"... and {len(order) - len(shown):,} more{rest}")
    if len(order) < len(usage):
        lines.append(f"{len(usage) - len(order):,} below {100 * at_least:g} % left out")
    mark = " (*)" if int(np.argmax(usage.fraction)) // len(usage.resources) in shown else ""
    return "\n".join([*lines, f"binding: {usage.binding}{mark}"])


def _sort_key(usage: Utilisation, sort: str) -> NDArray[np.float64]:
    """Used share that rows are sorted and filtered by."""
    known = ("fullest", "place", *usage.resources)
    if sort not in known:
        raise UnknownNameError.among("sort key", sort, known, where="Utilisation.text")
    if sort in usage.resources:
        return usage.fraction[:, usage.resources.index(sort)]
    return usage.fraction.max(axis=1)


def _bar(fraction: float) -> str:
    """Ten characters, full at the limit."""
    eighths = round(8 * _BAR * min(fraction, 1.0))
    return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8] * (eighths % 8 > 0)).ljust(_BAR, "·")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain text table: the first column flush left, the others flush right."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    lines = []
    for line in (head, *rows):
        cells = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _cells(usage: Utilisation, row: int) -> list[str]:
    """Use of each resource by one place; the binding one is marked."""
    fraction = usage.fraction
    place, resource = divmod(int(np.argmax(fraction)), fraction.shape[1])
    cells = [
        f"{used:,}/{capacity:,} {100 * share:.0f} %"
        for used, capacity, share in zip(usage.used[row], usage.capacity, fraction[row], strict=True)
    ]
    cells[resource] += "*" if row == place else " "
    return cells


def _share(used: int, available: int) -> str:
    return f"{used:,} of {available:,} used ({100 * used / max(available, 1):.3g} %)"


def _chip_rows(mapping: Mapping) -> list[tuple[str, str]]:
    """Chips, and their routers where a chip has several."""
    routers = (f"{mapping.chip.router_noun}s", _share(mapping.n_routers_used, mapping.n_routers))
    if mapping.n_routers == mapping.n_chips:
        return [routers]
    return [("chips", _share(mapping.n_chips_used, mapping.n_chips)), routers]


def _routing_rows(mapping: Mapping) -> list[tuple[str, str]]:
    """Links that packets pass, the fullest link, the longest way and the fullest table."""
    routing = mapping.routing
    if routing is None or not routing.nets.n_nets:
        return []
    kind = {"multicast": "trees", "unicast": "paths", "bus": "rows and columns"}[routing.delivery]
    most = routing.congestion
    at = f"({routing.topology.x[most.router]}, {routing.topology.y[most.router]})"
    fullest = f"{most.max_load:,.0f} packets on the fullest, at {mapping.chip.router_noun} {at}" if most.max_load else "none is used"
    rows = [("routes", f"{routing.hops:,.0f} links along {kind}, at most {int(routing.depths.max())} in a row; {fullest}")]
    if routing.entries is not None:
        limit = next((f" of {limit.capacity:,}" for limit in mapping.chip.limits() if limit.scope == "router"), "")
        rows.append(("routing tables", f"{int(routing.entries_used.max(initial=0)):,}{limit} entries in the largest"))
    return rows


def _neurons(mapping: Mapping) -> str:
    sources = [core for p, core in zip(mapping.network.populations, mapping.core_of, strict=True) if p.is_source]
    on_core, on_host = (sum(int(found(core).sum()) for core in sources) for found in (lambda c: c >= 0, lambda c: c < 0))
    counts = [f"{mapping.n_placed - on_core:,} placed"]
    counts += [f"{on_core:,} spike sources placed"] if on_core else []
    counts += [f"{on_host:,} spike sources fed in by the host"] if on_host else []
    return ", ".join(counts)


def _traffic_rows(mapping: Mapping) -> list[tuple[str, str]]:
    traffic = mapping.traffic
    how = "counted" if traffic.method == "exact" else "expected from the rules"
    host = f"; {traffic.host_packets:,.0f} from the host" if traffic.host_packets else ""
    return [
        ("packets", f"{traffic.packets:,.0f} between cores if every neuron fires once ({how}, {traffic.synapses:,.0f} synapses){host}"),
        ("mean hops", f"{traffic.mean_hops:.3g} links between chips per packet"),
    ]


def _lost(mapping: Mapping) -> str:
    ledger = mapping.losses
    counts = [f"{ledger.count(kind):,} {noun}" for kind, noun in (("neuron", "neurons"), ("synapse", "synapses")) if ledger.count(kind)]
    others = [kind for kind in ledger.kinds() if kind not in ("neuron", "synapse", "uncertain")]
    text = ", ".join(counts) or "no neuron, no synapse"
    return f"{text}; also changed (see losses): {', '.join(others)}" if others else text
