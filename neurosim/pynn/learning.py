"""A synapse type whose weights learn by sums of products, on chips with such a learning engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pyNN.standardmodels import synapses

from neurosim.errors import ParameterError
from neurosim.network import Selection
from neurosim.plasticity import SumOfProducts
from neurosim.pynn import checks, simulator
from neurosim.pynn._errors import InvalidValueError, UnknownParameterError, other_setup
from neurosim.pynn.synapses import SynapseModel

_TRACES = ("x1", "x2", "y1", "y2", "y3", "r1")


class SumOfProductsSynapse(SynapseModel, synapses.StaticSynapse):
    """Synapse whose weight changes by sums of products of spikes, traces and weights, as Loihi's learning engine has them.

    Only chips with such an engine have it (``chip="loihi"``). Traces are whole numbers from 0 to 127: a spike
    adds the impulse, and they decay with their time constant. A weight is a mantissa from 0 to 255; rules
    are in mantissas.

    Parameters
    ----------
    dw
        Rule for the weight, as NxSDK and Lava write it: ``"2^-2*x1*y0 - 2^-2*y1*x0"``, with or without ``dw =``.
        x0, x1, x2 are the presynaptic spike and traces, y0 to y3 postsynaptic ones, r0 and r1 those of rewards, w the weight,
        t the tag, u0 to u9 are 1 at every 2^k-th epoch; see :mod:`neurosim.chips.loihi.learning.grammar`.
    w_max
        Weight of mantissa 255, with the sign of the weights.
    dt
        Rule for the tag, a second variable of the synapse: -256 to 255, 0 at the beginning. ``get("tag")`` reads it.
    reward
        Population, view or assembly whose spikes are rewards: those of all its cells, in the epoch in which they are fired. A
        reward is for all synapses of the projection, as on the chip, where reward spikes come by an axon of their own and act
        on all synapses of a core that learn with it. They need no projection; their way to the cores is not simulated.
    t_epoch
        Steps between two updates, 1 to 63.
    decay
        ``"exponential"``: exp(-dt / tau) in every step; ``"linear"``: 1 - dt / tau.
    weight, delay
        As of any synapse.
    **traces
        ``x1_impulse`` (0 to 127) and ``x1_tau`` (ms) of each trace that the rules read; ``r1`` is that of rewards.

    Raises
    ------
    ParameterError
        If a rule does not parse, names where; if an impulse or time constant is missing or out of its range; if a rule reads
        rewards and there is no ``reward``.

    Examples
    --------
    The tag keeps what STDP would do, and rewards that come later turn it into weight (products lose what they have more than
    15 bits: 5 for ``t*r1``; the tag fades by 1/32 in every epoch of 4 steps):

    >>> import neurosim.pynn as sim
    >>> _ = sim.setup(timestep=1.0, chip="loihi", rng_seed=1)
    >>> pre = sim.Population(1, sim.SpikeSourceArray(spike_times=[10.0, 60.0]))
    >>> drive = sim.Population(1, sim.SpikeSourceArray(spike_times=[12.0, 62.0]))
    >>> reward = sim.Population(1, sim.SpikeSourceArray(spike_times=[80.0]))
    >>> post = sim.Population(1, sim.IF_curr_delta(tau_m=5.0, tau_refrac=2.0))
    >>> _ = sim.Projection(drive, post, sim.OneToOneConnector(), sim.StaticSynapse(weight=20.0, delay=1.0))
    >>> pair = {"x1_impulse": 100, "x1_tau": 20.0, "y1_impulse": 100, "y1_tau": 20.0}
    >>> synapse = sim.SumOfProductsSynapse(
    ...     "2^-2*u0*t*r1", dt="2^-1*x1*y0 - 2^-1*y1*x0 - 2^-5*u0*t", reward=reward, r1_impulse=40, r1_tau=10.0,
    ...     t_epoch=4, w_max=1.0, weight=0.5, delay=1.0, **pair,
    ... )
    >>> learning = sim.Projection(pre, post, sim.OneToOneConnector(), synapse)
    >>> def state():
    ...     return [[round(float(x), 2) for x in row] for row in learning.get(["weight", "tag"], format="list", with_address=False)]
    >>> _ = sim.run(76.0)
    >>> state()
    [[0.5, 62.0]]
    >>> _ = sim.run(74.0)
    >>> state()
    [[0.71, 36.0]]
    >>> sim.end()
    """

    network_model = "sum_of_products"

    def __init__(
        self,
        dw: str,
        *,
        w_max: float,
        dt: str | None = None,
        reward: Any = None,
        t_epoch: int = 1,
        decay: str = "exponential",
        weight: Any = 0.0,
        delay: Any = None,
        **traces: float,
    ) -> None:
        where = type(self).__name__
        _number("w_max", w_max, where)
        if w_max == 0:
            raise InvalidValueError("w_max is 0; mantissas are measured in it.", where=where, used=w_max, remedy="Give the largest weight.")
        text = "\n".join(_named(name, rule) for name, rule in (("dw", dw), ("dt", dt)) if rule is not None)
        self._products = SumOfProducts(text, float(w_max), _traces(traces, where), t_epoch, decay)
        self._tagged = _check(self._products, reward, where)
        self._reward = reward
        super().__init__(weight=weight, delay=self._get_minimum_delay() if delay is None else delay)

    def products(self) -> SumOfProducts:
        """The rules and their traces."""
        return self._products

    def reward(self) -> Selection | None:
        """Cells whose spikes are rewards."""
        if self._reward is None:
            return None
        for population, _ in self._reward.selection_parts():
            if population._epoch != simulator.state.epoch:
                raise other_setup(f"Population '{population.label}'")
        return self._reward.selection

    @property
    def learned_names(self) -> tuple[str, ...]:
        """The tag, if there is a rule with one."""
        return ("tag",) if self._tagged else ()


def _named(name: str, rule: Any) -> str:
    text = str(rule)
    return text if "=" in text else f"{name} = {text}"


def _traces(given: Mapping[str, float], where: str) -> dict[str, tuple[float, float]]:
    """Impulse and time constant by trace."""
    known = [f"{name}_{what}" for name in _TRACES for what in ("impulse", "tau")]
    for name, value in given.items():
        if name not in known:
            raise UnknownParameterError(name, where, known)
        _number(name, value, where)
    found = {}
    for name in _TRACES:
        impulse, tau_ms = given.get(f"{name}_impulse"), given.get(f"{name}_tau")
        if impulse is not None and tau_ms is not None:
            found[name] = (float(impulse), float(tau_ms))
        elif impulse is not None or tau_ms is not None:
            missing = f"{name}_impulse" if impulse is None else f"{name}_tau"
            raise ParameterError(f"'{missing}' is missing.", where=where, used=None, limit=missing, remedy="Give both of a trace, or none.")
    return found


def _number(name: str, value: Any, where: str) -> None:
    """Refuse what is not one finite number."""
    checks.number(name, value, where)
    if np.ndim(value) or not np.isfinite(float(value)):
        raise InvalidValueError(f"'{name}' is {value!r}; it must be one number.", where=where, used=value, remedy="Give a finite number.")


def _check(products: SumOfProducts, reward: Any, where: str) -> bool:
    """Refuse rules that do not parse, or read what is not there; tell whether they have a tag."""
    from neurosim.chips.loihi.learning import Trace, TraceSettings, parse
    from neurosim.chips.loihi.learning.rules import check_rewards

    rules = parse(products.rules)
    if reward is not None and not hasattr(reward, "selection_parts"):
        text = f"reward must be a Population, PopulationView or Assembly, not {type(reward).__name__}."
        raise ParameterError(text, where=where, used=reward, limit=None, remedy="Give the cells whose spikes are rewards.")
    check_rewards(rules, reward is not None, where)
    TraceSettings({name: Trace(*values) for name, values in products.traces.items()}, products.epoch_steps, products.decay)  # type: ignore[arg-type]
    for name in sorted((rules.names & set(_TRACES)) - products.traces.keys()):
        text, remedy = f"the rules read the trace {name}, which has no impulse.", f"Give {name}_impulse and {name}_tau."
        raise ParameterError(text, where=where, used=name, limit=sorted(products.traces), remedy=remedy)
    if rules.products_of("d"):
        text = "delays that learn ('dd') are not simulated."
        raise ParameterError(text, where=where, used="dd", limit="dw, dt", remedy="Leave the rule for d out.")
    return rules.has("t")
