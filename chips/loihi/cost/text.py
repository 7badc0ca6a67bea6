"""A cost report on one screen, and its formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.chips.loihi.cost.arrays import EVENTS, READ, READS, Floats
from neurosim.chips.loihi.cost.report import busiest
from neurosim.chips.loihi.cost.sheet import EVIDENCE

if TYPE_CHECKING:
    from neurosim.chips.loihi.cost.report import CostReport

NS_PER_S = 1e9
#: Rows of the tables of cores and populations.
MAX_ROWS = 6
_SYMBOLS = {
    "neuron access": "N_access",
    "neuron update": "N_update",
    "noise": "N_noise",
    "spike": "N_spike",
    "message out": "N_out",
    "message in": "N_in",
    "dense read": "N_dense",
    "sparse read": "N_sparse",
    "convolution read": "N_conv",
    "learning update": "N_learn",
    "hop east-west": "N_x",
    "hop north-south": "N_y",
}


def summary_text(report: CostReport) -> str:
    """One screen: time, energy, what it goes into, what it rests on, what is left out."""
    head = f"Cost on {report.title}, profile {report.profile.name}: {report.profile.summary}"
    rows = [
        ("algorithmic time", _span(report)),
        ("time", _time(report)),
        ("a step", _steps(report)),
        ("energy", _energy(report)),
        ("memory and operations", report.operations.line),
        *[(("not in it" if k == 0 else ""), text) for k, text in enumerate(report.not_modelled)],
        ("rests on", _rests_on(report)),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [head, *(f"  {name:<{width}}  {text}" for name, text in rows), ""]
    return "\n".join([*lines, _events(report), "", _places(report)])


def amount(value: float, unit: str) -> str:
    """A value with a prefix: ``amount(2.5e-6, "s")`` is ``"2.5 us"``."""
    for factor, prefix in ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n")):
        if abs(value) >= factor or value == 0:
            return f"{value / factor:.4g} {prefix}{unit}"
    return f"{value / 1e-12:.4g} p{unit}"


def _span(report: CostReport) -> str:
    text = f"{report.n_steps:,} steps of {report.dt_ms:g} ms: {amount(report.biological_s, 's')}"
    return text if not report.begin_ms else f"{text}, from {report.begin_ms:g} ms on; what was before is not in it"


def _time(report: CostReport) -> str:
    ratio = report.biological_s / report.time_s
    how = "every message followed" if report.detailed else "sums over cores"
    return f"{amount(report.time_s, 's')} ({how}), {ratio:.3g} times as fast as biology, if no step waits for a clock"


def _steps(report: CostReport) -> str:
    mean, longest = report.time_s / report.n_steps, float(report.step_s.max())
    barrier = f"of it {amount(report.barrier.seconds, 's')} barrier ({report.barrier.basis})"
    return f"{amount(mean, 's')} on average, {amount(longest, 's')} at most (step {int(np.argmax(report.step_s)):,}); {barrier}"


def _energy(report: CostReport) -> str:
    each = amount(report.energy_uj * 1e-6 / report.n_steps, "J")
    text = f"{amount(report.energy_uj * 1e-6, 'J')}, {each} a step, {report.power_mw:.4g} mW"
    if report.static:
        share = f"{amount(report.static_uj * 1e-6, 'J')} static power of {_chips(report)}, low confidence"
        text += f"; of it {share}"
    if report.all_updated:
        text += f"; {amount(report.least_uj * 1e-6, 'J')} if no neuron needed updating (all are taken to)"
    return text


def _chips(report: CostReport) -> str:
    return f"{report.n_chips} chip{'s' * (report.n_chips != 1)}"


def _rests_on(report: CostReport) -> str:
    found = [row.evidence for row in report.evidence]
    text = "constants: " + ", ".join(f"{found.count(text)} {text}" for text in EVIDENCE.values() if text in found)
    low = [row.name.rpartition(".")[2] for row in report.evidence if row.confidence == "low"]
    return f"{text}; low confidence: {', '.join(low)}" if low else text


def _events(report: CostReport) -> str:
    total, energy = report.counts.total, report.event_pj
    share = energy / max(float(energy.sum()), 1e-300)
    rows = [
        [EVENTS[k], f"{total[k]:,}", f"{report.profile.energy_pj[k]:g}", amount(energy[k] * 1e-12, "J"), f"{100 * share[k]:.1f} %"]
        for k in range(len(EVENTS))
        if total[k]
    ]
    return table(["event", "number", "pJ each", "energy", "share"], rows)


def _places(report: CostReport) -> str:
    """Populations and cores with the most energy."""
    parts = (("population", report.population_labels, report.population_pj), ("core", report.core_labels, report.core_pj))
    return "\n\n".join(_most(noun, labels, energy) for noun, labels, energy in parts)


def _most(noun: str, labels: Sequence[str], energy: Floats) -> str:
    share = energy / max(float(energy.sum()), 1e-300)
    rows = [[labels[k], amount(float(energy[k]) * 1e-12, "J"), f"{100 * share[k]:.1f} %"] for k in busiest(energy, MAX_ROWS).tolist()]
    text = table([noun, "energy", "share"], rows)
    return text if len(labels) <= MAX_ROWS else f"{text}\n... and {len(labels) - MAX_ROWS:,} more"


def formula_text(report: CostReport) -> str:
    """How energy and time follow from the events of a step, with the numbers of the profile."""
    used = [(k, pj) for k, pj in enumerate(report.profile.energy_pj.tolist()) if pj]
    energy = " + ".join(f"{pj:g} {_SYMBOLS[EVENTS[k]]}" for k, pj in used)
    static = f" + {report.profile.static_power_mw:g} mW x {_chips(report)} x T" if report.static else ""
    names = ", ".join(f"{symbol} {event}" for event, symbol in _SYMBOLS.items())
    return "\n".join(
        [
            "Energy of a step: the sum over all events of their number times the energy of one, in pJ.",
            f"  E = {energy}{static}",
            *_time_formula(report),
            f"Numbers of events in a step: {names}.",
        ]
    )


def _time_formula(report: CostReport) -> list[str]:
    time, barrier = report.profile.time, f"{report.barrier.seconds * NS_PER_S:g}"
    kinds = (_SYMBOLS[event] for event in EVENTS[READ : READ + len(READS)])
    reads = _terms(*zip(time.reads.tolist(), kinds, strict=True))
    sending = _terms((time.access, "N_access"), (time.update, "N_update"), (time.spike, "N_spike"), (time.message_out, "N_out"))
    if not report.detailed:
        return [
            "Time of a step: the longest work of any core, as a sender or as a receiver, and the barrier, in ns.",
            f"  T = max over cores (max({sending}, {_terms((time.message_in, 'N_in'))} + {reads})) + {barrier}",
        ]
    return [
        "Time of a step: cores work and messages travel until the last core is done, then comes the barrier, in ns.",
        f"  a core sends after {sending}; a message takes max({_terms((time.hop_x, 'n_x'), (time.hop_y, 'n_y'))}, w m / (n_x + n_y + 1))",
        f"  to a core that is busy with it for {time.message_in * NS_PER_S:g} + {reads}; T = end of the last + {barrier}",
        "  w: messages on the links of the route, 1 / (links + 2) of each; m: mean time of their receivers;",
        f"  above {time.link_buffer:g} messages per link the sender waits",
    ]


def _terms(*terms: tuple[float, str]) -> str:
    """Sum of times (s) and symbols, in ns."""
    return " + ".join(f"{seconds * NS_PER_S:g} {symbol}" for seconds, symbol in terms if seconds) or "0"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain text table: the first column flush left, the others flush right."""
    widths = [max(len(line[column]) for line in (head, *rows)) for column in range(len(head))]
    lines = []
    for line in (head, *rows):
        cells = [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
