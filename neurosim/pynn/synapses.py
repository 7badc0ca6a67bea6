"""Synapse types, plasticity rules and weight dependences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pyNN.standardmodels import STDPWeightDependence, synapses

from neurosim.errors import NeurosimError, ParameterError
from neurosim.network import Selection
from neurosim.plasticity import Plasticity, SumOfProducts
from neurosim.pynn import checks, simulator
from neurosim.pynn._errors import InvalidValueError
from neurosim.pynn.cells import NamedParameters, identity


class SynapseModel(NamedParameters):
    """What a synapse type tells the network description."""

    network_model: ClassVar[str]
    default_parameters: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.translations = identity(cls.default_parameters)  # type: ignore[attr-defined]

    def _get_minimum_delay(self) -> float:
        return simulator.state.default_delay()

    def plasticity(self, values: Mapping[str, float]) -> Plasticity | None:
        """The plasticity rule; ``None`` for synapses without."""
        return None

    def products(self) -> SumOfProducts | None:
        """Rules of sums of products; ``None`` for synapses without."""
        return None

    def reward(self) -> Selection | None:
        """Cells whose spikes are rewards; ``None`` for synapses without."""
        return None

    @property
    def learned_names(self) -> tuple[str, ...]:
        """What synapses learn besides their weights; 0 before they run."""
        return ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Parameters that may differ from synapse to synapse."""
        return tuple(self.default_parameters)


class StaticSynapse(SynapseModel, synapses.StaticSynapse):
    """Synapse with fixed weight and delay."""

    network_model = "static"


class TsodyksMarkramSynapse(SynapseModel, synapses.TsodyksMarkramSynapse):
    """Synapse with short-term depression and facilitation."""

    network_model = "tsodyks_markram"


class SimpleStochasticSynapse(SynapseModel, synapses.SimpleStochasticSynapse):
    """Synapse that transmits each spike with probability ``p``."""

    network_model = "stochastic"


class _Rule(NamedParameters):
    possible_models = frozenset({"stdp"})
    default_parameters: ClassVar[dict[str, Any]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.translations = identity(cls.default_parameters)  # type: ignore[attr-defined]


class SpikePairRule(_Rule, synapses.SpikePairRule):
    """Weight change depends on the intervals of all pairs of spikes."""

    timing = "pair"


class AdditiveWeightDependence(_Rule, synapses.AdditiveWeightDependence):
    """The change does not depend on the weight."""

    dependence = "additive"


class MultiplicativeWeightDependence(_Rule, synapses.MultiplicativeWeightDependence):
    """The change is proportional to the distance from the limit it moves towards."""

    dependence = "multiplicative"


class AdditivePotentiationMultiplicativeDepression(_Rule, synapses.AdditivePotentiationMultiplicativeDepression):
    """Additive potentiation, depression proportional to the weight."""

    dependence = "additive_multiplicative"


class GutigWeightDependence(_Rule, synapses.GutigWeightDependence):
    """Powers of the distance from the limits (Guetig et al. 2003)."""

    dependence = "gutig"


class PowerLawWeightDependence(_Rule, STDPWeightDependence):
    """Potentiation with a power of the weight, depression proportional to the weight; not part of PyNN.

    With the traces K of the pair rule::

        post after pre:  w += A_plus  w_0 (w / w_0)^mu_plus  K_plus
        pre after post:  w -= A_minus w  K_minus

    There is no largest weight; the smallest is 0. The rule of Morrison, Aertsen and Diesmann has
    A_plus = lambda and A_minus = lambda alpha.

    Parameters
    ----------
    w_0
        Reference weight, in the unit of the weights; negative where these are.
    mu_plus
        Exponent.

    References
    ----------
    Morrison A, Aertsen A, Diesmann M (2007) Spike-timing-dependent plasticity in balanced random
    networks. Neural Computation 19:1437-1467.
    """

    dependence = "power_law"
    default_parameters = {"w_0": 1.0, "mu_plus": 0.4}

    def __init__(self, w_0: float = 1.0, mu_plus: float = 0.4) -> None:
        if w_0 == 0:
            raise InvalidValueError(
                "w_0 is 0; weights are measured in it.", where="PowerLawWeightDependence", used=w_0, remedy="Give a typical weight."
            )
        super().__init__(w_0=w_0, mu_plus=mu_plus)


class STDPMechanism(SynapseModel, synapses.STDPMechanism):
    """Spike-timing-dependent plasticity: a timing rule and a weight dependence."""

    timing_dependence: Any
    weight_dependence: Any

    network_model = "stdp"
    default_parameters = {"weight": 0.0, "delay": None}

    def __init__(
        self,
        timing_dependence: Any = None,
        weight_dependence: Any = None,
        voltage_dependence: Any = None,
        dendritic_delay_fraction: float = 1.0,
        weight: Any = 0.0,
        delay: Any = None,
    ) -> None:
        if voltage_dependence is not None:
            raise NeurosimError("voltage dependence is not available.", where="STDPMechanism", remedy="Leave voltage_dependence out.")
        for rule, kind in ((timing_dependence, "timing_dependence"), (weight_dependence, "weight_dependence")):
            if not isinstance(rule, _Rule):
                raise ParameterError(
                    f"'{kind}' is not a rule of neurosim.",
                    where="STDPMechanism",
                    used=rule,
                    remedy="Give SpikePairRule() and a weight dependence.",
                )
        if not 0 <= dendritic_delay_fraction <= 1:
            raise InvalidValueError(
                f"dendritic_delay_fraction is {dendritic_delay_fraction:g}; it lies between 0 and 1.",
                where="STDPMechanism",
                used=dendritic_delay_fraction,
                limit=(0, 1),
                remedy="Give a fraction.",
            )
        synapses.STDPMechanism.__init__(
            self,
            timing_dependence,
            weight_dependence,
            None,
            float(dendritic_delay_fraction),
            weight,
            self._get_minimum_delay() if delay is None else delay,
        )

    def _build_translations(self) -> None:
        names = ["weight", "delay", "dendritic_delay_fraction"]
        names += [*self.timing_dependence.get_parameter_names(), *self.weight_dependence.get_parameter_names()]
        self.translations = identity(names)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Weight and delay; the parameters of the rule are shared by all synapses."""
        return ("weight", "delay")

    def get_schema(self) -> dict[str, type]:
        """Every parameter is a number."""
        return dict.fromkeys(self.translations, float)

    def plasticity(self, values: Mapping[str, float]) -> Plasticity | None:
        """The rule with its parameters."""
        for name, value in values.items():
            checks.number(name, value, "STDPMechanism")
        if self.weight_dependence.dependence == "power_law":
            limits = {"w_min": 0.0, "w_max": math.copysign(math.inf, values["w_0"])}
            return Plasticity(self.timing_dependence.timing, "power_law", **values, **limits)
        inhibiting = values["w_max"] < 0 and values["w_min"] <= 0  # negative weights, w_max is the strongest
        if values["w_min"] > values["w_max"] and not inhibiting:
            raise InvalidValueError(
                f"w_min ({values['w_min']:g}) is above w_max ({values['w_max']:g}).",
                where="STDPMechanism",
                used=values["w_min"],
                limit=values["w_max"],
                remedy="Exchange them.",
            )
        return Plasticity(self.timing_dependence.timing, self.weight_dependence.dependence, **values)
