"""A synapse type whose weights learn by sums of products, on chips with such a learning engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pyNN.standardmodels import synapses

from neurosim.errors import ParameterError
from neurosim.plasticity import SumOfProducts
from neurosim.pynn import checks
from neurosim.pynn._errors import InvalidValueError, UnknownParameterError
from neurosim.pynn.synapses import SynapseModel

_TRACES = ("x1", "x2", "y1", "y2", "y3")


class SumOfProductsSynapse(SynapseModel, synapses.StaticSynapse):
    """Synapse whose weight changes by sums of products of spikes, traces and weights, as Loihi's learning engine has them.

    Only chips with such an engine have it (``chip="loihi"``). Traces are whole numbers from 0 to 127: a spike
    adds the impulse, and they decay with their time constant. A weight is a mantissa from 0 to 255; rules
    are in mantissas.

    Parameters
    ----------
    dw
        Rule for the weight, as NxSDK and Lava write it: ``"2^-2*x1*y0 - 2^-2*y1*x0"``, with or without ``dw =``.
        x0, x1, x2 are the presynaptic spike and traces, y0 to y3 postsynaptic ones, w the weight, t the tag, u0 to
        u9 are 1 at every 2^k-th epoch; see :mod:`neurosim.chips.loihi.learning.grammar`.
    w_max
        Weight of mantissa 255, with the sign of the weights.
    dt
        Rule for the tag, a second variable of the synapse.
    t_epoch
        Steps between two updates, 1 to 63.
    decay
        ``"exponential"``: exp(-dt / tau) in every step; ``"linear"``: 1 - dt / tau.
    weight, delay
        As of any synapse.
    **traces
        ``x1_impulse`` (0 to 127) and ``x1_tau`` (ms) of each trace that the rules read.

    Raises
    ------
    ParameterError
        If a rule does not parse, names where; if an impulse or time constant is missing or out of its range.
    """

    network_model = "sum_of_products"

    def __init__(
        self,
        dw: str,
        *,
        w_max: float,
        dt: str | None = None,
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
        _check(self._products, where)
        super().__init__(weight=weight, delay=self._get_minimum_delay() if delay is None else delay)

    def products(self) -> SumOfProducts:
        """The rules and their traces."""
        return self._products


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


def _check(products: SumOfProducts, where: str) -> None:
    """Refuse rules that do not parse, or read what is not there."""
    from neurosim.chips.loihi.learning import Trace, TraceSettings, parse

    rules = parse(products.rules)
    TraceSettings({name: Trace(*values) for name, values in products.traces.items()}, products.epoch_steps, products.decay)  # type: ignore[arg-type]
    for name in sorted((rules.names & set(_TRACES)) - products.traces.keys()):
        text, remedy = f"the rules read the trace {name}, which has no impulse.", f"Give {name}_impulse and {name}_tau."
        raise ParameterError(text, where=where, used=name, limit=sorted(products.traces), remedy=remedy)
    for name, text in (("r0", "there is nothing that gives rewards"), ("r1", "there is nothing that gives rewards")):
        if name in rules.names:
            raise ParameterError(f"the rules read {name}, and {text}.", where=where, used=name, limit="x, y, w, t, u", remedy="Use others.")
    if rules.products_of("d"):
        text = "delays that learn ('dd') are not simulated."
        raise ParameterError(text, where=where, used="dd", limit="dw, dt", remedy="Leave the rule for d out.")
