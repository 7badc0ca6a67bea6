"""Text views of a mapping: one screen, plain strings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.mapping.pins import machine

if TYPE_CHECKING:
    from neurosim.mapping.mapping import Mapping
    from neurosim.mapping.usage import Utilisation

_MAX_ROWS = 20


def summary_text(mapping: Mapping) -> str:
    """One screen: cores and chips used, binding limit, packets, mean hops, losses."""
    rows = [
        ("neurons", _neurons(mapping)),
        ("cores", _share(mapping.n_cores_used, mapping.n_cores)),
        *_chip_rows(mapping),
        ("binding limit", str(mapping.binding or "nothing is used")),
        *_traffic_rows(mapping),
        ("lost", _lost(mapping)),
    ]
    if mapping.seconds:
        rows.append(("time", ", ".join(f"{stage} {1e3 * spent:.3g} ms" for stage, spent in mapping.seconds.items())))
    width = max(len(name) for name, _ in rows)
    return "\n".join([f"Mapping on {machine(mapping.chip)}", *(f"  {name:<{width}}  {text}" for name, text in rows)])


def utilisation_text(usage: Utilisation) -> str:
    """Table of use and capacity, fullest places first, at most twenty of them."""
    if not usage.used.size:
        return f"no limited resource of a {usage.scope} is used"
    order = np.argsort(-usage.fraction.max(axis=1, initial=0.0), kind="stable")
    rows = [[usage.labels[row], *_cells(usage, int(row))] for row in order[:_MAX_ROWS]]
    names = [name if hard else f"{name} (soft)" for name, hard in zip(usage.resources, usage.hard, strict=True)]
    lines = table([usage.scope, *names], rows).splitlines()
    if len(order) > _MAX_ROWS:
        lines.append(f"... and {len(order) - _MAX_ROWS:,} more, less full")
    return "\n".join([*lines, f"binding: {usage.binding}"])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain text table: the first column flush left, the others flush right."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    lines = []
    for line in (head, *rows):
        cells = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _cells(usage: Utilisation, row: int) -> list[str]:
    pairs = zip(usage.used[row], usage.capacity, usage.fraction[row], strict=True)
    return [f"{used:,}/{capacity:,} {100 * share:.0f} %" for used, capacity, share in pairs]


def _share(used: int, available: int) -> str:
    return f"{used:,} of {available:,} used ({100 * used / max(available, 1):.3g} %)"


def _chip_rows(mapping: Mapping) -> list[tuple[str, str]]:
    """Chips, and their routers where a chip has several."""
    routers = (f"{mapping.chip.router_noun}s", _share(mapping.n_routers_used, mapping.n_routers))
    if mapping.n_routers == mapping.n_chips:
        return [routers]
    return [("chips", _share(mapping.n_chips_used, mapping.n_chips)), routers]


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
