"""Loihi's learning engine: rules as text, traces, sums of products, synapses that learn.

:mod:`.grammar` reads rules (:mod:`.rules`), :mod:`.traces` has the traces, :mod:`.projection` the
synapses of a projection, and :mod:`.translate` writes PyNN's pair STDP as such a rule. Underneath,
:mod:`.plan` turns rules into arrays, :mod:`.tables` multiplies out what belongs to neurons once per epoch,
and :mod:`.products` is the arithmetic of the synapses. Arrays and text only; nothing here knows an engine.
"""

from __future__ import annotations

from neurosim.chips.loihi.learning.grammar import parse
from neurosim.chips.loihi.learning.projection import Changes, LearningProjection, Spikes, VariableFormat, weight_format
from neurosim.chips.loihi.learning.rules import Factor, Product, Rule, RuleSet
from neurosim.chips.loihi.learning.traces import Trace, TraceSettings
from neurosim.chips.loihi.learning.translate import StdpTranslation, translate_stdp
from neurosim.chips.loihi.learning.window import WindowError

__all__ = [
    "Changes",
    "Factor",
    "LearningProjection",
    "Product",
    "Rule",
    "RuleSet",
    "Spikes",
    "StdpTranslation",
    "Trace",
    "TraceSettings",
    "VariableFormat",
    "WindowError",
    "parse",
    "translate_stdp",
    "weight_format",
]
