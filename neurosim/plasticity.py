"""How synapses change: pair STDP by its parameters, and whatever else teaches them epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from neurosim.network import Rows

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]


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


class Learner(Protocol):
    """The synapses of one projection while they learn; in the order of expansion, by source."""

    def advance(self, pre: Indices, pre_steps: Indices, post: Indices, post_steps: Indices) -> tuple[Indices, Floats]:
        """End an epoch: which synapses have another weight, and these.

        Spikes are given as indices of the two selections, and steps from 1 to the length of the epoch.
        """
        ...

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Copies of everything that evolves, by name."""
        ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what :meth:`state` gave."""
        ...


class Teacher(Protocol):
    """How the weights of a projection change at the end of epochs; set by chips only."""

    epoch_steps: int

    def begin(self, rows: Rows, n_pre: int, n_post: int, seed: int) -> Learner:
        """Start with the synapses of a projection as they are realised."""
        ...
