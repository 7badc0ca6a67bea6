"""Tables of energy and time, and the constants that they are made of with their evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neurosim.chips.loihi.cost.arrays import EVENTS, Floats
from neurosim.chips.loihi.cost.sheet import EVIDENCE, Costs, Evidenced, FitProfile, SimulatedProfile
from neurosim.errors import UnknownNameError

NS = 1e-9


class TimeTable(NamedTuple):
    """Times of single events, s.

    Attributes
    ----------
    access, update, spike
        Of a compartment that a core looks at, more if it is updated, and of a spike.
    message_out, message_in
        Of a message at its sender and at its receiver.
    reads
        float64 (4,): of a synapse by kind of memory, and more if it learns.
    hop_x, hop_y
        Of a link east-west and north-south.
    link_buffer
        Messages that a link holds.
    """

    access: float
    update: float
    spike: float
    message_out: float
    message_in: float
    reads: Floats
    hop_x: float
    hop_y: float
    link_buffer: float


class Evidence(NamedTuple):
    """A constant that a result rests on."""

    name: str
    value: object
    unit: str
    source: str
    confidence: str
    evidence: str


class Barrier(NamedTuple):
    """How long cores wait for each other at the end of each step, and where the number comes from."""

    seconds: float
    basis: str
    constant: str


@dataclass(frozen=True, eq=False)
class Profile:
    """Costs of all events by one source.

    Attributes
    ----------
    name
        ``"nahuku_fit"`` or ``"davies2018"``.
    summary
        One line: what the numbers are.
    energy_pj
        float64 (12,): energy of each event; see ``EVENTS``.
    time
        Times of events.
    constants
        Dotted name and constant of all that this rests on.
    linear
        Are barriers interpolated between numbers of tiles? Else they are steps.
    unknown
        Events that the source has no figure for; they cost nothing here.
    """

    name: str
    summary: str
    energy_pj: Floats
    time: TimeTable
    constants: dict[str, Evidenced]
    linear: bool
    unknown: tuple[str, ...]

    @property
    def static_power_mw(self) -> float:
        """Power of a chip that does nothing, mW; low confidence."""
        return self.constants["cost.machine.static_power"].value

    def barrier(self, n_tiles: int, n_chips: int) -> Barrier:
        """Barrier of a machine by the tiles and chips in use, each 1 or more (0 counts as 1).

        References
        ----------
        Frady et al. 2020 for several chips: measured on 256 and 768 chips, interpolated between
        and constant outside. Else the profile's table of tiles.
        """
        if n_chips > 1:
            name = "cost.machine.barrier_chips"
            x, y = np.array(self.constants[name].value).T
            return Barrier(float(np.interp(n_chips, x, y)) * NS, _basis(n_chips, x), name)
        name = f"cost.{self.name}.time.barrier"
        x, y = np.array(self.constants[name].value).T
        tiles = max(n_tiles, 1)
        if self.linear:
            return Barrier(
                float(np.interp(tiles, x, y)) * NS, f"{tiles} tiles in use, interpolated between those that were simulated", name
            )
        row = max(int(np.searchsorted(x, tiles, side="right")) - 1, 0)
        return Barrier(float(y[row]) * NS, f"{tiles} tiles in use", name)

    def evidence(self, *names: str) -> list[Evidence]:
        """Constants with source, confidence and kind of evidence; all of this profile by default."""
        chosen = names or tuple(name for name in self.constants if not name.startswith("cost.machine."))
        found = [(name, self.constants[name]) for name in chosen]
        return [Evidence(name, c.value, c.unit, c.source, c.confidence, EVIDENCE[c.evidence]) for name, c in found]


def _basis(n_chips: int, measured: Floats) -> str:
    low, high = int(measured[0]), int(measured[-1])
    if n_chips in measured:
        return f"{n_chips} chips in use, as measured"
    if low < n_chips < high:
        return f"{n_chips} chips in use, interpolated between {low} and {high} chips"
    return f"{n_chips} chips in use; the figure is that of {low if n_chips < low else high} chips"


def profile_of(costs: Costs, name: str) -> Profile:
    """Profile called ``name``.

    Raises
    ------
    UnknownNameError
        If there is no such profile.
    """
    makers = {"nahuku_fit": _fit, "davies2018": _simulated}
    if name not in makers:
        raise UnknownNameError.among("cost profile", name, makers, where="Cost")
    machine = {f"cost.machine.{key}": getattr(costs.machine, key) for key in type(costs.machine).model_fields}
    return makers[name](costs, machine)


def _named(name: str, profile: FitProfile | SimulatedProfile) -> dict[str, Evidenced]:
    parts = (("energy", profile.energy), ("time", profile.time))
    return {f"cost.{name}.{part}.{key}": getattr(section, key) for part, section in parts for key in type(section).model_fields}


def _fit(costs: Costs, machine: dict[str, Evidenced]) -> Profile:
    energy, time = costs.nahuku_fit.energy, costs.nahuku_fit.time
    table = {
        "neuron access": energy.neuron_access,
        "neuron update": energy.neuron_update,
        "noise": energy.noise,
        "spike": energy.spike,
        "message out": energy.message_out,
        "message in": energy.message_in,
        "dense read": energy.dense,
        "sparse read": energy.sparse,
        "convolution read": energy.convolution,
        "hop east-west": energy.hop_x,
        "hop north-south": energy.hop_y,
    }
    return Profile(
        name="nahuku_fit",
        summary="a fit to measurements on a Nahuku board, as SANA-FE has it",
        energy_pj=np.array([table[event].value if event in table else 0.0 for event in EVENTS]),
        time=TimeTable(
            access=time.neuron_access.value * NS,
            update=time.neuron_update.value * NS,
            spike=time.spike.value * NS,
            message_out=time.message_out.value * NS,
            message_in=time.message_in.value * NS,
            reads=np.array([time.dense.value, time.sparse.value, time.convolution.value, 0.0]) * NS,
            hop_x=time.hop_x.value * NS,
            hop_y=time.hop_y.value * NS,
            link_buffer=float(costs.machine.link_buffer.value),
        ),
        constants={**_named("nahuku_fit", costs.nahuku_fit), **machine},
        linear=False,
        unknown=tuple(event for event in EVENTS if event not in table),
    )


def _simulated(costs: Costs, machine: dict[str, Evidenced]) -> Profile:
    """Davies 2018 tells active neurons from inactive ones; the difference is what an update costs more.

    A spike on its own has no figure there, and nothing is said of a receiver's time per message;
    the time of a message within a tile is taken as the time its sender is busy.
    """
    energy, time = costs.davies2018.energy, costs.davies2018.time
    table = {
        "neuron access": energy.neuron_inactive.value,
        "neuron update": energy.neuron_active.value - energy.neuron_inactive.value,
        "message out": energy.message.value,
        "dense read": energy.synapse.value,
        "sparse read": energy.synapse.value,
        "convolution read": energy.synapse.value,
        "learning update": energy.learning.value,
        "hop east-west": energy.hop_x.value,
        "hop north-south": energy.hop_y.value,
    }
    read = time.synapse.value
    return Profile(
        name="davies2018",
        summary="simulations of the circuits at 0.75 V before there was silicon (Davies 2018); not measured",
        energy_pj=np.array([table.get(event, 0.0) for event in EVENTS]),
        time=TimeTable(
            access=time.neuron_inactive.value * NS,
            update=(time.neuron_active.value - time.neuron_inactive.value) * NS,
            spike=0.0,
            message_out=time.message.value * NS,
            message_in=0.0,
            reads=np.array([read, read, read, time.learning.value]) * NS,
            hop_x=time.hop_x.value * NS,
            hop_y=time.hop_y.value * NS,
            link_buffer=float(costs.machine.link_buffer.value),
        ),
        constants={**_named("davies2018", costs.davies2018), **machine},
        linear=True,
        unknown=tuple(event for event in EVENTS if event not in table),
    )
