"""Cell types. Parameters keep PyNN's names and units all the way down, so nothing is converted.

Each class names the network model it becomes (``network_model``) and the shape of its synapses
(``synapse_kind``); the mixin writes both into the network description.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, ClassVar

from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import StandardCellType, build_translations, cells

from neurosim.network import Receptor
from neurosim.pynn._errors import UnknownParameterError


def identity(names: Any) -> dict[str, Any]:
    """Translations that keep names and values as they are."""
    return build_translations(*((name, name) for name in names))


class NamedParameters:
    """Refuses parameter names the model does not have, naming the nearest."""

    def __init__(self, *arguments: Any, **parameters: Any) -> None:
        known = type(self).get_parameter_names()  # type: ignore[attr-defined]
        for name in parameters:
            if name not in known:
                raise UnknownParameterError(name, type(self).__name__, known)
        super().__init__(*arguments, **parameters)


class CellModel(NamedParameters):
    """What a cell type tells the network description."""

    network_model: ClassVar[str]
    synapse_kind: ClassVar[str] = ""
    default_parameters: ClassVar[dict[str, Any]]
    fires_when_told: ClassVar[bool] = False
    receptor_suffixes: ClassVar[Mapping[str, str]] = {"excitatory": "E", "inhibitory": "I"}

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.translations = identity(cls.default_parameters)  # type: ignore[attr-defined]

    def translate(self, parameters: ParameterSpace, copy: bool = True) -> ParameterSpace:
        """The same values, with random generators of their own (as in PyNN)."""
        return ParameterSpace({name: deepcopy(value) for name, value in parameters.items()}, shape=parameters.shape)

    def network_receptors(self, values: Mapping[str, Any]) -> tuple[Receptor, ...]:
        """Input ports of the model, with the parameters that belong to each."""
        if not self.synapse_kind:
            return ()
        return tuple(
            Receptor(
                name, self.synapse_kind, {key: values[f"{key}_{suffix}"] for key in ("tau_syn", "e_rev") if f"{key}_{suffix}" in values}
            )
            for name, suffix in self.receptor_suffixes.items()
        )

    def network_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of the membrane or source."""
        return {
            name: value
            for name, value in values.items()
            if not name.startswith(("tau_syn_", "e_rev_E", "e_rev_I")) and name != "spike_times"
        }

    @staticmethod
    def network_variable(variable: str) -> str:
        """Name of a recordable variable in the network description."""
        head, _, tail = variable.rpartition(".")
        if tail == "isyn":
            return f"{head}.gsyn"
        return {"isyn_exc": "excitatory.gsyn", "isyn_inh": "inhibitory.gsyn"}.get(variable, variable)


class IF_curr_exp(CellModel, cells.IF_curr_exp):
    """Leaky integrate-and-fire neuron with exponential synaptic currents."""

    network_model = "lif"
    synapse_kind = "curr_exp"
    recordable = ["spikes", "v", "isyn_exc", "isyn_inh"]


class IF_curr_alpha(CellModel, cells.IF_curr_alpha):
    """Leaky integrate-and-fire neuron with alpha-shaped synaptic currents."""

    network_model = "lif"
    synapse_kind = "curr_alpha"
    recordable = ["spikes", "v", "isyn_exc", "isyn_inh"]


class IF_curr_delta(CellModel, cells.IF_curr_delta):
    """Leaky integrate-and-fire neuron whose synapses step the membrane potential (weights in mV)."""

    network_model = "lif"
    synapse_kind = "curr_delta"


class IF_cond_exp(CellModel, cells.IF_cond_exp):
    """Leaky integrate-and-fire neuron with exponential synaptic conductances."""

    network_model = "lif"
    synapse_kind = "cond_exp"


class IF_cond_alpha(CellModel, cells.IF_cond_alpha):
    """Leaky integrate-and-fire neuron with alpha-shaped synaptic conductances."""

    network_model = "lif"
    synapse_kind = "cond_alpha"


class EIF_cond_exp_isfa_ista(CellModel, cells.EIF_cond_exp_isfa_ista):
    """Adaptive exponential integrate-and-fire neuron with exponential synaptic conductances."""

    network_model = "adex"
    synapse_kind = "cond_exp"


class EIF_cond_alpha_isfa_ista(CellModel, cells.EIF_cond_alpha_isfa_ista):
    """Adaptive exponential integrate-and-fire neuron with alpha-shaped synaptic conductances."""

    network_model = "adex"
    synapse_kind = "cond_alpha"


class Izhikevich(CellModel, cells.Izhikevich):
    """Izhikevich's two-variable neuron; synapses step the membrane potential (weights in mV)."""

    network_model = "izhikevich"
    synapse_kind = "curr_delta"


class HH_cond_exp(CellModel, cells.HH_cond_exp):
    """Hodgkin-Huxley neuron (Traub and Miles) with exponential synaptic conductances."""

    network_model = "hh"
    synapse_kind = "cond_exp"
    receptor_types = ("excitatory", "inhibitory")


class SpikeSourceArray(CellModel, cells.SpikeSourceArray):
    """Source that fires at given times."""

    network_model = "array_source"


class SpikeInjector(CellModel, StandardCellType):
    """Source that fires when told to while the simulation runs; see :func:`neurosim.live_input`.

    An extension of PyNN's cell types; it has no parameters.
    """

    network_model = "array_source"
    default_parameters = {}
    recordable = ["spikes"]
    injectable = False
    receptor_types = ()
    fires_when_told = True


class SpikeSourcePoisson(CellModel, cells.SpikeSourcePoisson):
    """Source that fires as a Poisson process."""

    network_model = "poisson_source"


class SpikeSourcePoissonRefractory(CellModel, cells.SpikeSourcePoissonRefractory):
    """Source that fires as a Poisson process with dead time."""

    network_model = "poisson_refractory_source"


class SpikeSourceGamma(CellModel, cells.SpikeSourceGamma):
    """Source that fires as a gamma process with shape ``alpha`` and rate ``beta`` (Hz)."""

    network_model = "gamma_source"

    def get_schema(self) -> dict[str, type]:
        """Types of the parameters; ``alpha`` may be any positive number."""
        return dict.fromkeys(self.default_parameters, float)
