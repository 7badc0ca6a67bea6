"""Projections that learn, as the chip does it: pair STDP and sums of products by its learning engine.

Weights are mantissas there, whole numbers with a sign; the learning engine (:mod:`.learning`) changes them
at the end of every epoch, and the simulation goes on with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.loihi.learning import LearningProjection, RuleSet, Spikes, Trace, TraceSettings, VariableFormat, parse, weight_format
from neurosim.chips.loihi.learning.projection import Sign
from neurosim.chips.loihi.learning.rules import check_rewards
from neurosim.chips.loihi.learning.traces import Decay
from neurosim.chips.loihi.learning.translate import translate_stdp
from neurosim.chips.loihi.weights import MantissaFormat
from neurosim.chips.realise import Chain, weight_unit
from neurosim.chips.values import Values, at
from neurosim.columns import Floats
from neurosim.errors import NeurosimError, UnsupportedError
from neurosim.losses import Loss
from neurosim.network import Network, Projection, Rows

Int64 = NDArray[np.int64]

#: Spikes in quick succession that a trace of STDP holds; bursts of more learn less than they should.
HEADROOM = 6.0
#: Part of ``w_max`` that the weight of the largest mantissa may be off by without an entry.
_NEAR = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class LoihiTeacher:
    """How the weights of a projection change; a :class:`~neurosim.network.Teacher`.

    Attributes
    ----------
    rules, settings
        What is learned, and the traces it reads.
    weight
        Values that mantissas may have.
    unit
        Weight of mantissa 1: one, or one per postsynaptic index.
    dt_ms
        Time step.
    """

    rules: RuleSet
    settings: TraceSettings
    weight: VariableFormat
    unit: Values
    dt_ms: float

    @property
    def epoch_steps(self) -> int:
        """Steps between two updates."""
        return self.settings.epoch_steps

    def begin(self, rows: Rows, n_pre: int, n_post: int, seed: int) -> LoihiLearner:
        """Start with the mantissas of a projection."""
        unit, step = at(self.unit, rows.post), 2**self.weight.coarse
        mantissas = np.broadcast_to(np.rint(np.divide(rows.columns["weight"], unit) / step) * step, (rows.size,))
        delays = np.broadcast_to(np.rint(np.divide(rows.columns["delay"], self.dt_ms)) - 1, (rows.size,))
        learning = LearningProjection(
            rows.indptr - rows.indptr[0],
            rows.post,
            n_post,
            np.clip(mantissas, self.weight.low, self.weight.high).astype(np.int64),
            self.rules,
            self.settings,
            weight=self.weight,
            delays=delays.astype(np.int64),
            seed=seed,
        )
        return LoihiLearner(learning, unit)


@dataclass(slots=True, eq=False)
class LoihiLearner:
    """One projection while it learns; a :class:`~neurosim.network.Learner`."""

    learning: LearningProjection
    unit: Values

    def advance(self, pre: Int64, pre_at: Int64, post: Int64, post_at: Int64, reward_at: Int64) -> tuple[Int64, Floats]:
        """End an epoch."""
        changes = self.learning.advance(Spikes(pre, pre_at), Spikes(post, post_at), reward_at)
        return changes.synapses, np.multiply(changes.weights, at(self.unit, changes.synapses), dtype=np.float64)

    def learned(self) -> Mapping[str, Floats]:
        """Tags, if there is a rule with one."""
        return {"tag": self.learning.tags.astype(np.float64)} if self.learning.rules.has("t") else {}

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Copies of everything that evolves."""
        return {name: np.atleast_1d(np.asarray(value)) for name, value in self.learning.state().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what :meth:`state` gave."""
        self.learning.restore({**state, "epoch": int(state["epoch"][0])})


def teach(network: Network) -> tuple[Network, list[Loss]]:
    """A realised network whose learning projections are taught, and the errors of that.

    Raises
    ------
    UnsupportedError, ParameterError
        If the learning engine cannot hold a rule; names the projection.
    """
    projections, losses = list(network.projections), []
    for number, projection in enumerate(projections):
        if projection.synapse.plasticity is not None or projection.synapse.products is not None:
            try:
                teacher, loss = _teacher(network, projection)
            except NeurosimError as error:
                error.where = f"Projection '{projection.label}'"
                raise
            losses += loss
            projections[number] = replace(projection, synapse=replace(projection.synapse, model="taught", teacher=teacher))
    return replace(network, projections=tuple(projections)), losses


def _teacher(network: Network, projection: Projection) -> tuple[LoihiTeacher, list[Loss]]:
    form = cast(MantissaFormat, cast(Chain, projection.realisation).format)
    rule, products = projection.synapse.plasticity, projection.synapse.products
    if products is None:
        assert rule is not None
        found = translate_stdp(rule, unit=float(np.mean(form.unit)), dt_ms=network.dt, headroom=HEADROOM)
        said = ("Delays do not count in learning.", f"Traces hold bursts of {found.headroom:.2g} spikes.")
        detail = " ".join((f"Pair STDP as '{found.rules.rules[0]}'.", *found.notes, *said))
        size = (1, 1, found.error.mean_relative, found.error.largest_relative, "1", detail)
        loss = Loss("rounded", f"Projection '{projection.label}'", "plasticity", *size)
        return LoihiTeacher(found.rules, found.settings, found.weight, form.unit, network.dt), [loss]
    rules = parse(products.rules)
    if rules.products_of("d"):
        text = "delays that learn ('dd') are not simulated."
        raise UnsupportedError(text, where="", used="dd", limit="dw, dt", remedy="Leave the rule for d out.")
    check_rewards(rules, projection.synapse.reward is not None, where="")
    traces = {name: Trace(impulse, tau_ms / network.dt) for name, (impulse, tau_ms) in products.traces.items()}
    settings = TraceSettings(traces, products.epoch_steps, cast(Decay, products.decay))
    sign: Sign = "mixed" if form.mixed else "inhibitory" if products.w_max < 0 else "excitatory"
    return LoihiTeacher(rules, settings, weight_format(sign), form.unit, network.dt), _other_reach(
        network, projection, form, products.w_max
    )


def _other_reach(network: Network, projection: Projection, form: MantissaFormat, w_max: float) -> list[Loss]:
    """Ledger entry where the largest mantissa is another weight than ``w_max``: rules act on mantissas, so they act on other weights."""
    reach = float(np.mean(form.unit)) * (form.largest - form.mixed)
    error = abs(reach - abs(w_max))
    if error <= _NEAR * abs(w_max):
        return []
    why = "larger weights that were given, or other synapses onto these cells, set the scale."
    detail = f"Weights end at {reach:.4g}, not at {abs(w_max):.4g}: {why}"
    where = f"Projection '{projection.label}'"
    return [Loss("rounded", where, "w_max", 1, 1, error, error, weight_unit(network, projection), detail)]
