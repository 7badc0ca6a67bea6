"""Loihi in its own numbers: compartments, synapses and spikes as registers and steps, run by the engine's kernels.

What :mod:`neurosim.chips.loihi` makes of a PyNN script ends in these registers. Here they can be set
one by one, for those who know the chip, and to compare with emulators of it.

Examples
--------
>>> cells = Compartments(1, decay_u=409, decay_v=128, threshold=10, bias_mantissa=50)
>>> run(cells, n_steps=40).spike_steps(0).tolist()
[16, 33]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurosim.chips.loihi.arithmetic import Arithmetic, acting_weights, arithmetic_called, checked, one, table
from neurosim.connectivity import Table
from neurosim.errors import MemoryLimitError, ParameterError, UnknownNameError
from neurosim.machine import available_bytes, size_text
from neurosim.network import Network, Population, Probe, Projection, Receptor, Selection, Synapse

Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]

_V_MAX = 2**23 - 1
#: Bytes of a compartment while its network is made and runs, of what is recorded of it in a step, and of a synapse, as measured.
_COMPARTMENT_BYTES, _STEP_BYTES, _SYNAPSE_BYTES = 800, 41, 120
#: Runs that need less are not compared with the memory there is.
_SMALL_BYTES = 200_000_000
#: Range of each register; see the fields of :class:`Compartments`.
_RANGES = {
    "decay_u": (0, 4096), "decay_v": (0, 4096), "threshold": (0, 2**17 - 1), "bias_mantissa": (-4096, 4095), "bias_exponent": (0, 7),
    "refractory": (1, 64), "v_min": (-_V_MAX, 0), "v_max": (0, _V_MAX),
    "noise_exponent": (-1, 23), "noise_offset": (-64, 63), "noise_on_v": (0, 1),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Compartments:
    """Registers of some compartments; each a number or one per compartment.

    Attributes
    ----------
    n
        Number of compartments, 1 or more.
    decay_u, decay_v
        Decay per step of current and voltage, in 1/4096; 4096 is no memory.
    threshold
        Mantissa, 0 to 131,071: a spike where v > 64 times it.
    bias_mantissa, bias_exponent
        Added to v in every step: mantissa (-4096 to 4095) times 2^exponent (0 to 7).
    refractory
        Fewest steps between two spikes, 1 to 64 (the chip has 63 at most by most accounts).
    v_min, v_max
        Limits that the voltage saturates at.
    noise_exponent, noise_offset, noise_on_v
        A uniform number of -127 to 127 plus 64 times the offset, times 2^(exponent - 7), is added to the current
        (or, with ``noise_on_v`` = 1, to the voltage) in every step; an exponent of -1 is no noise. The chip's
        random numbers are not published: these are others.
    """

    n: int
    decay_u: ArrayLike = 0
    decay_v: ArrayLike = 0
    threshold: ArrayLike = 100
    bias_mantissa: ArrayLike = 0
    bias_exponent: ArrayLike = 0
    refractory: ArrayLike = 1
    v_min: ArrayLike = -_V_MAX
    v_max: ArrayLike = _V_MAX
    noise_exponent: ArrayLike = -1
    noise_offset: ArrayLike = 0
    noise_on_v: ArrayLike = 0
    seed: int = 0

    def registers(self) -> dict[str, Floats]:
        """All registers, checked, float64 (n,) each.

        Raises
        ------
        ParameterError
            If a register is outside its range, not whole, or has another length.
        """
        one(self.n, 1, 2**31 - 1, "n", "Compartments")
        one(self.seed, 0, 2**53, "seed", "Compartments")
        found = {}
        for name, (low, high) in _RANGES.items():
            values = checked(getattr(self, name), low, high, name, "Compartments")
            if values.shape not in ((), (self.n,)):
                text = f"{name} has {values.size:,} values for {self.n:,} compartments."
                raise ParameterError(text, where="Compartments", used=values.size, limit=self.n, remedy="Give one, or one for each.")
            found[name] = np.broadcast_to(values, (self.n,))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Synapses:
    """Synapses of one format.

    Attributes
    ----------
    pre, post
        Whole numbers (n_synapses,): number of the input (or of the compartment, with ``source="compartments"``), and of the compartment.
    mantissa
        Weight, a number or one for each; see :func:`~neurosim.chips.loihi.arithmetic.acting_weights`.
    delay
        Steps, 0 to 62, a number or one for each: a spike of step t acts in step t + 1 + delay.
    exponent, bits, sign_mode
        Of all these weights.
    source
        ``"inputs"`` or ``"compartments"``.
    """

    pre: ArrayLike
    post: ArrayLike
    mantissa: ArrayLike
    delay: ArrayLike = 0
    exponent: int = 0
    bits: int = 8
    sign_mode: str = "mixed"
    source: str = "inputs"

    @classmethod
    def dense(cls, mantissa: ArrayLike, **settings: object) -> Synapses:
        """All to all: ``mantissa`` has a row per source and a column per compartment.

        Parameters
        ----------
        settings
            ``delay``, ``exponent``, ``bits``, ``sign_mode`` and ``source`` of these synapses.

        Raises
        ------
        ParameterError, UnknownNameError
            If the matrix has not two axes, or there is no such setting.
        """
        known = [field.name for field in fields(cls) if field.name not in ("pre", "post", "mantissa")]
        for name in settings:
            if name not in known:
                raise UnknownNameError.among("setting", name, known, where="Synapses.dense")
        weights = table(mantissa, "mantissa", "Synapses.dense")
        if weights.ndim != 2:
            text = f"a dense matrix of weights has 2 axes, this has {weights.ndim}."
            raise ParameterError(text, where="Synapses.dense", used=weights.ndim, limit=2, remedy="Give a row per source.")
        pre, post = (axis.ravel() for axis in np.indices(weights.shape))
        return cls(pre, post, weights.ravel(), **settings)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class Graded:
    """Spikes of an input that carry numbers, as those of Loihi 2: each acts with its payload times the weight.

    Attributes
    ----------
    steps
        Whole numbers (n,): steps in which the input spikes, at most once per step.
    payloads
        Signed whole numbers of 32 bits, a number or one for each spike.

    Notes
    -----
    Only inputs can be graded: spikes of compartments carry no numbers here. The product is taken of the weight as it
    acts, after its exponent, as in lava.

    Examples
    --------
    >>> cell = Compartments(1, decay_u=4095, threshold=1000)
    >>> run(cell, [Synapses([0], [0], 2)], [Graded([0, 3], [5, -1])], n_steps=6).u.tolist()
    [[0, 640, 0, 0, -128, 0]]
    """

    steps: ArrayLike
    payloads: ArrayLike


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """What compartments did, step by step.

    Attributes
    ----------
    u, v
        Registers after each step, int64 (n, n_steps).
    spikes
        int64 (n, n_steps): 1 where a compartment fired.
    """

    u: Int64
    v: Int64
    spikes: Int64

    def spike_steps(self, compartment: int) -> Int64:
        """Steps in which one compartment fired."""
        return np.flatnonzero(self.spikes[compartment])


def run(
    compartments: Compartments,
    synapses: Sequence[Synapses] = (),
    inputs: Sequence[ArrayLike | Graded] = (),
    *,
    n_steps: int,
    arithmetic: str = "chip",
    threads: int = 1,
) -> Traces:
    """Run compartments for some steps from zero and record everything.

    Parameters
    ----------
    inputs
        Per input the steps in which it spikes, 0 to n_steps - 1, at most once per step; or :class:`Graded` spikes.
    arithmetic
        ``"chip"``, ``"lava"``, ``"nengo_loihi"`` or ``"brian2_loihi"``; see
        :class:`~neurosim.chips.loihi.arithmetic.Arithmetic`.

    Raises
    ------
    ParameterError
        If a register, weight, delay, index or step is outside its range.
    UnknownNameError
        If the arithmetic, a sign mode or a source is not known.
    MemoryLimitError
        If the compartments, what is recorded of them and the synapses need more memory than there is.
    """
    from neurosim.engine import Simulation

    choices = arithmetic_called(arithmetic, "run")
    one(n_steps, 1, 2**31, "n_steps", "run")
    one(threads, 1, 2**16, "threads", "run")
    _check_kinds(compartments, synapses, inputs)
    _check_memory(compartments, synapses, n_steps)
    network = network_of(compartments, synapses, inputs, choices)
    simulation = Simulation(network, threads=threads)
    simulation.run_until(float(n_steps))
    u, v = (np.rint(simulation.samples(1, name)[2][1:]).astype(np.int64).T for name in ("current.gsyn", "v"))
    spikes = np.zeros((compartments.n, n_steps), np.int64)
    who, when_ms = simulation.spikes(1)
    spikes[who, np.rint(when_ms).astype(np.int64) - 1] = 1
    return Traces(u, v, spikes)


def _check_kinds(compartments: object, synapses: object, inputs: object) -> None:
    """Refuse what is not what :func:`run` takes; lists of one kind are often forgotten."""
    if not isinstance(compartments, Compartments):
        _refuse(compartments, "compartments", "Compartments", "Give Compartments(n, ...).")
    if not isinstance(synapses, Sequence) or not all(isinstance(group, Synapses) for group in synapses):
        _refuse(synapses, "synapses", "a list of Synapses", "Give [Synapses(...)].")
    if not isinstance(inputs, Sequence | np.ndarray):
        _refuse(inputs, "inputs", "a list with the spikes of each input", "Give for example [[0, 5], [3]].")


def _check_memory(compartments: Compartments, synapses: Sequence[Synapses], n_steps: int) -> None:
    """Refuse what does not fit in memory; the engine would do so only once all registers are arrays."""
    one(compartments.n, 1, 2**31 - 1, "n", "Compartments")
    recorded = compartments.n * n_steps * _STEP_BYTES
    needs = compartments.n * _COMPARTMENT_BYTES + recorded + sum(table(g.post, "post", "run").size for g in synapses) * _SYNAPSE_BYTES
    limit = available_bytes() if needs > _SMALL_BYTES else None
    if limit is None or needs <= limit:
        return
    text = f"{compartments.n:,} compartments that are recorded for {n_steps:,} steps need about {size_text(needs)} of memory"
    text += f", {size_text(recorded)} of it for what is recorded; {size_text(limit)} are available."
    raise MemoryLimitError(text, where="run", used=needs, limit=limit, remedy="Use fewer compartments, or run fewer steps.")


def _refuse(given: object, name: str, wanted: str, remedy: str) -> None:
    text = f"{name} is {type(given).__name__}, not {wanted}."
    raise ParameterError(text, where="run", used=type(given).__name__, limit=wanted, remedy=remedy)


def network_of(
    compartments: Compartments, synapses: Sequence[Synapses], inputs: Sequence[ArrayLike | Graded], choices: Arithmetic
) -> Network:
    """The network that :func:`run` simulates: a step is 1 ms, a register of voltage 1 mV, one of current 1 nA."""
    # a spike acts in the step at whose end it arrives, and delays are one step or more
    lines = [line for number, train in enumerate(inputs) for line in _lines(number, train)]
    trains = tuple(line.steps + float(choices.input_delay) for line in lines)
    source = Population(0, "inputs", len(trains), "array_source", spike_times=trains)
    cells = _population(compartments, choices)
    sides = {"inputs": source, "compartments": cells}
    projections = tuple(_projection(number, group, sides, lines, choices) for number, group in enumerate(synapses))
    everyone = np.arange(compartments.n)
    probes = (Probe(1, "v", everyone, 1.0), Probe(1, "current.gsyn", everyone, 1.0), Probe(1, "spikes", everyone))
    return Network(1.0, compartments.seed, (source, cells), projections, (), probes)


class _Line(NamedTuple):
    """Spikes of one payload of one input; the engine's spikes carry no numbers, so each payload has a source of its own."""

    number: int
    steps: Floats
    payload: float


def _lines(number: int, train: ArrayLike | Graded) -> list[_Line]:
    if not isinstance(train, Graded):
        return [_Line(number, _steps(number, train), 1.0)]
    steps = np.atleast_1d(checked(train.steps, 0, 2**31, "a spike's step", f"Input {number}"))
    payloads = checked(train.payloads, -(2**31), 2**31 - 1, "a payload", f"Input {number}")
    if payloads.shape not in ((), steps.shape):
        text = f"there are {payloads.size:,} payloads for {steps.size:,} spikes."
        raise ParameterError(text, where=f"Input {number}", used=payloads.size, limit=steps.size, remedy="Give one, or one for each.")
    _steps(number, train.steps)
    each = np.broadcast_to(payloads, steps.shape)
    if not len(steps):
        return [_Line(number, steps, 1.0)]
    return [_Line(number, np.sort(steps[each == payload]), float(payload)) for payload in np.unique(each)]


def _steps(number: int, train: ArrayLike) -> Floats:
    steps = np.atleast_1d(checked(train, 0, 2**31, "a spike's step", f"Input {number}"))
    if steps.ndim > 1:
        text = f"the steps of an input are a list; these have {steps.ndim} axes."
        raise ParameterError(text, where=f"Input {number}", used=steps.ndim, limit=1, remedy="Give one list for each input.")
    if len(np.unique(steps)) < len(steps):
        text = "an input spikes twice in one step."
        raise ParameterError(text, where=f"Input {number}", used=2, limit=1, remedy="Use two inputs.")
    return np.sort(steps)


def _population(compartments: Compartments, choices: Arithmetic) -> Population:
    r = compartments.registers()
    free = 2.0**50
    parameters = {
        "decay_v": r["decay_v"],
        "bias": r["bias_mantissa"] * 2.0 ** r["bias_exponent"],
        "threshold": 64 * r["threshold"],
        "v_low": r["v_min"] if choices.wraps else np.where(r["v_min"] == -_V_MAX, -free, r["v_min"]),
        "v_high": r["v_max"] if choices.wraps else np.where(r["v_max"] == _V_MAX, free, r["v_max"]),
        "refractory": r["refractory"],
        "noise_exponent": r["noise_exponent"],
        "noise_offset": r["noise_offset"],
        "noise_on_v": r["noise_on_v"],
        "noise_key": np.random.default_rng(compartments.seed).integers(0, 2**24, compartments.n).astype(np.float64),
    }
    fixed = {
        "bits": 24.0 if choices.wraps else 0.0,
        "unit_v": 1.0,
        "zero_v": 0.0,
        "per_nA": 0.0,
        "decay_a": 0.0,
        "step_a": 0.0,
        "unit_a": 1.0,
    }
    current = {
        "decay_u": np.minimum(r["decay_u"] + choices.offset_u, 4096),
        "unit": 1.0,
        "grain": 64.0 if choices.exponent_of_sum else 1.0,
        "bits_in": 22.0 if choices.wraps else 0.0,
        "bits": fixed["bits"],
        "closed": float(choices.closed),
    }
    receptors = (Receptor("current", "fixed", current),)
    return Population(1, "compartments", compartments.n, "lif_fixed", parameters={**parameters, **fixed}, receptors=receptors)


def _projection(number: int, group: Synapses, sides: dict[str, Population], lines: Sequence[_Line], choices: Arithmetic) -> Projection:
    where = f"Synapses {number}"
    if not isinstance(group.source, str) or group.source not in sides:
        raise UnknownNameError.among("source", group.source, sides, where=where)
    pre, post = sides[group.source], sides["compartments"]
    n = np.asarray(group.pre).size
    n_pre = pre.size if group.source == "compartments" else 1 + max((line.number for line in lines), default=-1)
    if n_pre == 0 and n:
        text = "there are synapses of inputs, and no inputs."
        raise ParameterError(text, where=where, used=0, limit=1, remedy="Give inputs, or source='compartments'.")
    lists = {
        "pre": checked(group.pre, 0, n_pre - 1, "pre", where),
        "post": checked(group.post, 0, post.size - 1, "post", where),
        "weight": acting_weights(
            group.mantissa, group.exponent, bits=group.bits, sign_mode=group.sign_mode, arithmetic=choices.name, where=where
        ),
        "delay": 1.0 + checked(group.delay, 0, 62, "delay", where),
    }
    for name, values in lists.items():
        if values.shape != (n,) and not (values.ndim == 0 and name in ("weight", "delay")):
            text = f"{name} has {values.size:,} values for {n:,} synapses."
            raise ParameterError(text, where=where, used=values.size, limit=n, remedy="Give one for each synapse.")
    columns = {name: np.broadcast_to(lists[name], (n,)).astype(np.float64) for name in ("weight", "delay")}
    first, second = lists["pre"].astype(np.int64), lists["post"].astype(np.int64)
    rule = Table(first, second, columns) if group.source == "compartments" else _of_lines(first, second, columns, lines)
    synapse = Synapse("static", {"weight": 0.0, "delay": 1.0})
    return Projection(number, where, Selection.whole(pre), Selection.whole(post), "current", rule, synapse, number)


def _of_lines(pre: Int64, post: Int64, columns: dict[str, Floats], lines: Sequence[_Line]) -> Table:
    """Synapses of inputs as those of their lines: once per payload, with the weight times it."""
    number = np.array([line.number for line in lines], np.int64)
    start, stop = np.searchsorted(number, pre, "left"), np.searchsorted(number, pre, "right")
    each = stop - start
    synapse = np.repeat(np.arange(len(pre)), each)
    source = np.repeat(start - (np.cumsum(each) - each), each) + np.arange(len(synapse))
    payload = np.array([line.payload for line in lines])[source]
    return Table(source, post[synapse], {"weight": columns["weight"][synapse] * payload, "delay": columns["delay"][synapse]})
