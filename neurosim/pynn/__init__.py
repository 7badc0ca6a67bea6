"""The PyNN backend: ``import neurosim.pynn as sim`` (or ``import neurosim as sim``).

Translates PyNN's objects to a :class:`~neurosim.network.Network` and results to Neo; owns no
numbers. Start at ``control`` (setup, run), then ``populations``, ``projections`` and
``connectors``; ``freeze`` is the way out to the rest of neurosim, ``simulator`` holds what one
``setup()`` owns. Only this room imports PyNN and Neo.
"""

from __future__ import annotations

import sys
from importlib import import_module

from neurosim import errors as _own_errors
from neurosim._callable import answer_for
from neurosim.errors import MissingExtraError

try:
    import pyNN
except ImportError:
    raise MissingExtraError("this needs the package 'PyNN'.", used="PyNN", remedy="pip install 'PyNN>=0.13,<0.14'") from None

from neurosim.pynn.postponed import postponed

with postponed("scipy.sparse", "numpy.f2py", "numpy.testing", "numpy.ma", "numpy.polynomial", "numpy.fft"):
    import lazyarray  # noqa: F401
with postponed("csa"):
    import pyNN.connectors

from pyNN import errors, random, space
from pyNN.connectors import (
    AllToAllConnector,
    ArrayConnector,
    CloneConnector,
    CSAConnector,
    DisplacementDependentProbabilityConnector,
    DistanceDependentProbabilityConnector,
    FromFileConnector,
    FromListConnector,
    IndexBasedProbabilityConnector,
    OneToOneConnector,
)
from pyNN.network import Network
from pyNN.random import GSLRNG
from pyNN.space import Space

from neurosim.pynn import simulator
from neurosim.pynn.assemblies import Assembly
from neurosim.pynn.cells import (
    EIF_cond_alpha_isfa_ista,
    EIF_cond_exp_isfa_ista,
    HH_cond_exp,
    IF_cond_alpha,
    IF_cond_exp,
    IF_curr_alpha,
    IF_curr_delta,
    IF_curr_exp,
    Izhikevich,
    SpikeInjector,
    SpikeSourceArray,
    SpikeSourceGamma,
    SpikeSourcePoisson,
    SpikeSourcePoissonRefractory,
)
from neurosim.pynn.composed import (
    LIF,
    AdExp,
    AlphaPSR,
    BetaPSR,
    CondAlphaPostSynapticResponse,
    CondBetaPostSynapticResponse,
    CondExpPostSynapticResponse,
    CurrExpPostSynapticResponse,
    ExpPSR,
    PointNeuron,
)
from neurosim.pynn.connector_checks import (
    FixedNumberPostConnector,
    FixedNumberPreConnector,
    FixedProbabilityConnector,
    FixedTotalNumberConnector,
)
from neurosim.pynn.control import (
    end,
    get_current_time,
    get_max_delay,
    get_min_delay,
    get_time_step,
    num_processes,
    rank,
    reset,
    run,
    run_for,
    run_until,
    setup,
)
from neurosim.pynn.costs import cost
from neurosim.pynn.electrodes import ACSource, DCSource, NoisyCurrentSource, StepCurrentSource
from neurosim.pynn.learning import SumOfProductsSynapse
from neurosim.pynn.live import live_input, live_output, live_report, realtime_report
from neurosim.pynn.placement import explain, losses, mapping, place
from neurosim.pynn.populations import Population, PopulationView
from neurosim.pynn.procedural import connect, create, initialize, record, record_gsyn, record_v
from neurosim.pynn.procedural import set_parameters as set  # noqa: A004 - PyNN's name
from neurosim.pynn.projections import Projection
from neurosim.pynn.refused import (
    ElectricalSynapse,
    GIF_cond_exp,
    IF_cond_exp_gsfa_grr,
    IF_facets_hardware1,
    MultiCompartmentNeuron,
    MultiQuantalSynapse,
    SpikeSourceInhGamma,
    StochasticTsodyksMarkramSynapse,
    Vogels2011Rule,
)
from neurosim.pynn.rng import NativeRNG, NumpyRNG, RandomDistribution
from neurosim.pynn.saving import load_state, save_state
from neurosim.pynn.smallworld import SmallWorldConnector
from neurosim.pynn.synapses import (
    AdditivePotentiationMultiplicativeDepression,
    AdditiveWeightDependence,
    GutigWeightDependence,
    MultiplicativeWeightDependence,
    PowerLawWeightDependence,
    SimpleStochasticSynapse,
    SpikePairRule,
    StaticSynapse,
    STDPMechanism,
    TsodyksMarkramSynapse,
)

_CELL_TYPES = (
    EIF_cond_alpha_isfa_ista,
    EIF_cond_exp_isfa_ista,
    HH_cond_exp,
    IF_cond_alpha,
    IF_cond_exp,
    IF_curr_alpha,
    IF_curr_delta,
    IF_curr_exp,
    Izhikevich,
    PointNeuron,
    SpikeSourceArray,
    SpikeSourceGamma,
    SpikeSourcePoisson,
    SpikeSourcePoissonRefractory,
)


def list_standard_models() -> list[str]:
    """Names of the cell types this backend has."""
    return [cell_type.__name__ for cell_type in _CELL_TYPES]


def register() -> None:
    """Make this backend known as ``pyNN.neurosim``, for scripts that choose one by name."""
    sys.modules["pyNN.neurosim"] = sys.modules[__name__]
    pyNN.neurosim = sys.modules[__name__]  # type: ignore[attr-defined]


# `neurosim.mapping` and `neurosim.losses` are modules; called, they answer as the functions here do.
answer_for("neurosim.mapping", mapping)
answer_for("neurosim.losses", losses)


# With `import neurosim as sim`, `sim.errors` is our module; it answers for PyNN's classes too.
for _name, _value in vars(errors).items():
    if isinstance(_value, type):
        _own_errors.__dict__.setdefault(_name, _value)


def __getattr__(name: str) -> object:
    if name == "chips":
        return import_module("neurosim.chips")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


# `chips` is not in it: it is loaded when first used.
__all__ = [  # noqa: RUF022 - in plain alphabetical order
    "ACSource",
    "AdExp",
    "AdditivePotentiationMultiplicativeDepression",
    "AdditiveWeightDependence",
    "AllToAllConnector",
    "AlphaPSR",
    "ArrayConnector",
    "Assembly",
    "BetaPSR",
    "CSAConnector",
    "CloneConnector",
    "CondAlphaPostSynapticResponse",
    "CondBetaPostSynapticResponse",
    "CondExpPostSynapticResponse",
    "CurrExpPostSynapticResponse",
    "DCSource",
    "DisplacementDependentProbabilityConnector",
    "DistanceDependentProbabilityConnector",
    "EIF_cond_alpha_isfa_ista",
    "EIF_cond_exp_isfa_ista",
    "ElectricalSynapse",
    "ExpPSR",
    "FixedNumberPostConnector",
    "FixedNumberPreConnector",
    "FixedProbabilityConnector",
    "FixedTotalNumberConnector",
    "FromFileConnector",
    "FromListConnector",
    "GIF_cond_exp",
    "GSLRNG",
    "GutigWeightDependence",
    "HH_cond_exp",
    "IF_cond_alpha",
    "IF_cond_exp",
    "IF_cond_exp_gsfa_grr",
    "IF_curr_alpha",
    "IF_curr_delta",
    "IF_curr_exp",
    "IF_facets_hardware1",
    "IndexBasedProbabilityConnector",
    "Izhikevich",
    "LIF",
    "MultiCompartmentNeuron",
    "MultiQuantalSynapse",
    "MultiplicativeWeightDependence",
    "NativeRNG",
    "Network",
    "NoisyCurrentSource",
    "NumpyRNG",
    "OneToOneConnector",
    "PointNeuron",
    "Population",
    "PopulationView",
    "PowerLawWeightDependence",
    "Projection",
    "RandomDistribution",
    "STDPMechanism",
    "SimpleStochasticSynapse",
    "SmallWorldConnector",
    "Space",
    "SpikeInjector",
    "SpikePairRule",
    "SpikeSourceArray",
    "SpikeSourceGamma",
    "SpikeSourceInhGamma",
    "SpikeSourcePoisson",
    "SpikeSourcePoissonRefractory",
    "StaticSynapse",
    "StepCurrentSource",
    "StochasticTsodyksMarkramSynapse",
    "SumOfProductsSynapse",
    "TsodyksMarkramSynapse",
    "Vogels2011Rule",
    "connect",
    "cost",
    "create",
    "end",
    "errors",
    "explain",
    "get_current_time",
    "get_max_delay",
    "get_min_delay",
    "get_time_step",
    "initialize",
    "list_standard_models",
    "live_input",
    "live_output",
    "live_report",
    "load_state",
    "losses",
    "mapping",
    "num_processes",
    "place",
    "random",
    "rank",
    "realtime_report",
    "record",
    "record_gsyn",
    "record_v",
    "register",
    "reset",
    "run",
    "run_for",
    "run_until",
    "save_state",
    "set",
    "setup",
    "simulator",
    "space",
]
