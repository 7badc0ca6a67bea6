"""Names of PyNN that neurosim does not have: they can be imported, and say so when used."""

from __future__ import annotations

from typing import Any, NoReturn

from neurosim.errors import UnsupportedError


class _Refused:
    instead = ""

    def __new__(cls, *_arguments: Any, **_parameters: Any) -> NoReturn:
        raise UnsupportedError(f"the model '{cls.__name__}' is not available.", where="neurosim", used=cls.__name__, remedy=cls.instead)


class IF_cond_exp_gsfa_grr(_Refused):
    """Refused: use EIF_cond_exp_isfa_ista for spike-frequency adaptation."""

    instead = "Use EIF_cond_exp_isfa_ista for spike-frequency adaptation."


class IF_facets_hardware1(_Refused):
    """Refused: use IF_cond_exp with cm = 0.2 nF and tau_refrac = 1 ms."""

    instead = "Use IF_cond_exp with cm=0.2 and tau_refrac=1.0."


class GIF_cond_exp(_Refused):
    """Refused: use EIF_cond_exp_isfa_ista."""

    instead = "Use EIF_cond_exp_isfa_ista, which is deterministic."


class SpikeSourceInhGamma(_Refused):
    """Refused: use SpikeSourceGamma, or SpikeSourceArray with times of your own."""

    instead = "Use SpikeSourceGamma, or SpikeSourceArray with times of your own."


class MultiCompartmentNeuron(_Refused):
    """Refused: neurosim has point neurons only."""

    instead = "Use a point neuron, for example PointNeuron(AdExp(), ...)."


class ElectricalSynapse(_Refused):
    """Refused: there are no gap junctions."""

    instead = "Use a chemical synapse, for example StaticSynapse."


class StochasticTsodyksMarkramSynapse(_Refused):
    """Refused: use TsodyksMarkramSynapse or SimpleStochasticSynapse."""

    instead = "Use TsodyksMarkramSynapse, or SimpleStochasticSynapse for random release."


class MultiQuantalSynapse(_Refused):
    """Refused: use SimpleStochasticSynapse."""

    instead = "Use SimpleStochasticSynapse."


class Vogels2011Rule(_Refused):
    """Refused: use SpikePairRule."""

    instead = "Use SpikePairRule."
