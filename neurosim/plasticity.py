"""How weights change: pair STDP by its parameters, and sums of products of spikes and traces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plasticity:
    """Pair-based STDP with a weight dependence.

    Attributes
    ----------
    timing
        ``pair`` (all pairs, traces).
    dependence
        ``additive``, ``multiplicative``, ``additive_multiplicative`` (additive potentiation,
        multiplicative depression), ``gutig`` or ``power_law`` (potentiation with the power
        ``mu_plus`` of ``w / w_0``, depression proportional to w, no largest weight).
    tau_plus, tau_minus
        ms. A_plus, A_minus: dimensionless. w_min, w_max: unit of the weight.
    mu_plus, mu_minus
        Exponents of the distance from the limits. Yours for ``gutig``, else those of the
        dependence: 0 is additive, 1 multiplicative.
    dendritic_delay_fraction
        Share of the delay that is dendritic, 0 to 1.
    w_0
        Reference weight of ``power_law``, with the sign of the weights.
    """

    timing: str
    dependence: str
    tau_plus: float
    tau_minus: float
    A_plus: float
    A_minus: float
    w_min: float
    w_max: float
    mu_plus: float = 0.0
    mu_minus: float = 0.0
    dendritic_delay_fraction: float = 1.0
    w_0: float = 1.0

    def __post_init__(self) -> None:
        for name, exponent in _EXPONENTS.get(self.dependence, {}).items():
            object.__setattr__(self, name, exponent)


_EXPONENTS = {
    "additive": {"mu_plus": 0.0, "mu_minus": 0.0},
    "multiplicative": {"mu_plus": 1.0, "mu_minus": 1.0},
    "additive_multiplicative": {"mu_plus": 0.0, "mu_minus": 1.0},
    "power_law": {"mu_minus": 1.0},
}


#: Models of synapses that learn, as a user describes them.
LEARNING = ("stdp", "sum_of_products")


@dataclass(frozen=True, slots=True)
class SumOfProducts:
    """Weights that change by sums of products, as on Loihi.

    Attributes
    ----------
    rules
        Text, for example ``"dw = 2^-2*x1*y0 - 2^-2*y1*x0"``; see :mod:`neurosim.chips.loihi.learning.grammar`.
    w_max
        Weight of the largest mantissa, in the unit of the weights and with their sign.
    traces
        By name impulse (0 to 127) and time constant in ms; ``r1`` is that of rewards (``Synapse.reward``).
    epoch_steps
        Steps between two updates.
    decay
        ``exponential`` or ``linear``.
    """

    rules: str
    w_max: float
    traces: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    epoch_steps: int = 1
    decay: str = "exponential"
