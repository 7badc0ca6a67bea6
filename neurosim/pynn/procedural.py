"""PyNN's older procedural calls, for scripts that still use them."""

from __future__ import annotations

from typing import Any

from pyNN import common
from pyNN.connectors import FixedProbabilityConnector

from neurosim.pynn import simulator
from neurosim.pynn.populations import Population
from neurosim.pynn.projections import Projection
from neurosim.pynn.synapses import StaticSynapse

create = common.build_create(Population)
connect = common.build_connect(Projection, FixedProbabilityConnector, StaticSynapse)
record = common.build_record(simulator)
initialize = common.initialize
set_parameters = common.set


def record_v(source: Any, filename: Any) -> None:
    """Record the membrane potential to a file."""
    record(["v"], source, filename)


def record_gsyn(source: Any, filename: Any) -> None:
    """Record the synaptic conductances to a file."""
    record(["gsyn_exc", "gsyn_inh"], source, filename)
