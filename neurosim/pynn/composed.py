"""``PointNeuron``: any membrane model with any number of named receptors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pyNN.models import BaseModelType
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import cells, receptors

from neurosim.errors import NetworkError
from neurosim.network import Receptor
from neurosim.pynn.cells import CellModel, NamedParameters, identity


class MembraneModel(NamedParameters):
    """Membrane of a composed neuron."""

    network_model: ClassVar[str]
    scale_factors: ClassVar[dict[str, float]] = {}
    default_parameters: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.translations = identity(cls.default_parameters)  # type: ignore[attr-defined]


class LIF(MembraneModel, cells.LIF):
    """Leaky integrate-and-fire membrane."""

    network_model = "lif"


class AdExp(MembraneModel, cells.AdExp):
    """Adaptive exponential integrate-and-fire membrane."""

    network_model = "adex"


class PostSynapticResponse(NamedParameters):
    """Receptor of a composed neuron."""

    receptor_kind: ClassVar[str]
    scale_factors: ClassVar[dict[str, float]] = {}
    recordable: ClassVar[list[str]] = ["gsyn"]
    default_parameters: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.translations = identity(cls.default_parameters)  # type: ignore[attr-defined]


class CurrExpPostSynapticResponse(PostSynapticResponse, receptors.CurrExpPostSynapticResponse):
    """Exponentially decaying synaptic current."""

    receptor_kind = "curr_exp"
    recordable = ["isyn"]


class CondExpPostSynapticResponse(PostSynapticResponse, receptors.CondExpPostSynapticResponse):
    """Exponentially decaying synaptic conductance."""

    receptor_kind = "cond_exp"


class CondAlphaPostSynapticResponse(PostSynapticResponse, receptors.CondAlphaPostSynapticResponse):
    """Alpha-shaped synaptic conductance."""

    receptor_kind = "cond_alpha"


class CondBetaPostSynapticResponse(PostSynapticResponse, receptors.CondBetaPostSynapticResponse):
    """Synaptic conductance with separate rise and decay times."""

    receptor_kind = "cond_beta"


ExpPSR = CondExpPostSynapticResponse
AlphaPSR = CondAlphaPostSynapticResponse
BetaPSR = CondBetaPostSynapticResponse


class PointNeuron(CellModel, cells.PointNeuron):
    """A membrane and named receptors, for example ``PointNeuron(AdExp(), AMPA=ExpPSR(tau_syn=2.0))``.

    Parameters of a receptor are written ``"AMPA.tau_syn"``, variables ``"AMPA.gsyn"``.
    """

    network_model = ""

    def __init__(self, neuron: MembraneModel, **post_synaptic_receptors: PostSynapticResponse) -> None:
        self.neuron = neuron
        self.post_synaptic_receptors = post_synaptic_receptors
        self.network_model = neuron.network_model  # type: ignore[misc]
        if not post_synaptic_receptors:
            raise NetworkError("has no receptor.", where="PointNeuron", remedy="Give at least one, for example excitatory=ExpPSR().")
        for receptor in post_synaptic_receptors.values():
            receptor.set_parent(self)  # type: ignore[attr-defined]
        flat = dict(neuron.parameter_space.items())  # type: ignore[attr-defined]
        for name, receptor in post_synaptic_receptors.items():
            space = receptor.parameter_space  # type: ignore[attr-defined]
            flat.update({f"{name}.{key}": value for key, value in space.items() if key != "locations"})
        self.translations = identity(flat)
        self.parameter_space = ParameterSpace(flat, self.get_schema(), component=type(self))

    @property
    def conductance_based(self) -> bool:
        """True if the receptors are conductances, false if they are currents."""
        kinds = {receptor.conductance_based for receptor in self.post_synaptic_receptors.values()}  # type: ignore[attr-defined]
        if len(kinds) > 1:
            raise NetworkError(
                "mixes conductance-based and current-based receptors.", where="PointNeuron", remedy="Use receptors of one of the two kinds."
            )
        return kinds.pop()

    def get_schema(self) -> dict[str, type]:
        """Every parameter is a number."""
        return dict.fromkeys(self.translations, float)

    def get_parameter_names(self) -> list[str]:  # type: ignore[override]
        """Names of all parameters, those of receptors with their prefix."""
        return list(self.translations)

    def has_parameter(self, name: str) -> bool:  # type: ignore[override]
        """True if there is a parameter of that name."""
        return name in self.translations

    def computed_parameters(self) -> list[str]:
        """None: nothing is computed from several parameters."""
        return []

    def computed_parameters_include(self, parameter_names: Any) -> bool:
        """False: nothing is computed from several parameters."""
        return False

    def network_receptors(self, values: Mapping[str, Any]) -> tuple[Receptor, ...]:
        """One port per receptor, in alphabetical order."""
        out = []
        for name in self.receptor_types:
            receptor = self.post_synaptic_receptors[name]
            keys = [key for key in receptor.default_parameters if key != "locations"]
            parameters = {"e_rev" if key == "e_syn" else key: values[f"{name}.{key}"] for key in keys}
            out.append(Receptor(name, receptor.receptor_kind, parameters))
        return tuple(out)

    def network_parameters(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of the membrane."""
        return {name: value for name, value in values.items() if "." not in name}

    describe = BaseModelType.describe
