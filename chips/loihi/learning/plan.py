"""Rules as arrays for the kernels: which factor is read where, and the shifts of each product."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.chips.loihi.learning.rules import TARGETS, Factor, Product, RuleSet

if TYPE_CHECKING:
    from neurosim.chips.loihi.sheet import Learning

Ints = NDArray[np.int32]

AT_PRE, AT_POST, AT_END = range(3)
"""When a product acts: at a presynaptic spike, a postsynaptic one, the end of an epoch."""

PRE, POST, GLOBAL, SYNAPSE = range(4)
"""What a factor belongs to: the presynaptic neuron, the postsynaptic one, all synapses, the synapse."""

#: Side and number of every name; number 0 is the spike, 1 and up are traces. ``uk`` has the number 2 of GLOBAL.
_PLACES = {
    **{f"x{n}": (PRE, n) for n in range(3)},
    **{f"y{n}": (POST, n) for n in range(4)},
    **{f"r{n}": (GLOBAL, n) for n in range(2)},
    **{name: (SYNAPSE, n) for n, name in enumerate(TARGETS)},
}
DECIMATED = 2


class Plan(NamedTuple):
    """All products of a rule set, those of one target next to each other.

    Attributes
    ----------
    first
        Products of target z (w, d, t) are ``first[z] .. first[z + 1] - 1``.
    when
        ``AT_PRE``, ``AT_POST`` or ``AT_END``.
    mantissa, down, up
        Factor, right shift before and left shift after; the accumulator has ``fraction`` bits behind the point.
    factors
        Factors of product p are ``factors[p] .. factors[p + 1] - 1``.
    side, number, constant, width, sign
        What a factor is: :data:`PRE` and so on, its number there, C, bits it saturates at, whether its sign counts.
    fraction, top
        Bits of the accumulator behind the point; its largest value, also of a product.
    """

    first: Ints
    when: Ints
    mantissa: Ints
    down: Ints
    up: Ints
    factors: Ints
    side: Ints
    number: Ints
    constant: Ints
    width: Ints
    sign: NDArray[np.bool_]
    fraction: int
    top: int


def plan_of(rules: RuleSet, limits: Learning) -> Plan:
    """Arrays of a rule set."""
    groups = [rules.products_of(target) for target in TARGETS]
    products = [product for group in groups for product in group]
    factors = [factor for product in products for factor in product.factors]
    places = [_place(factor) for factor in factors]
    fraction = limits.accumulator_bits.value - limits.variable_bits.value
    exponents = [product.exponent + fraction for product in products]
    return Plan(
        first=_starts([len(group) for group in groups]),
        when=_ints(_when(product) for product in products),
        mantissa=_ints(product.mantissa for product in products),
        down=_ints(product.shift(limits) + max(0, -up) for product, up in zip(products, exponents, strict=True)),
        up=_ints(max(0, up) for up in exponents),
        factors=_starts([len(product.factors) for product in products]),
        side=_ints(side for side, _ in places),
        number=_ints(number for _, number in places),
        constant=_ints(factor.constant for factor in factors),
        width=_ints(factor.width(limits) for factor in factors),
        sign=np.array([factor.is_sign for factor in factors], np.bool_),
        fraction=fraction,
        top=2 ** (limits.accumulator_bits.value - 1) - 1,
    )


def _place(factor: Factor) -> tuple[int, int]:
    return (GLOBAL, DECIMATED) if factor.name[0] == "u" else _PLACES[factor.name]


def _when(product: Product) -> int:
    return {"x": AT_PRE, "y": AT_POST, "u": AT_END}[product.dependency[0]]


def _ints(values) -> Ints:
    return np.array(list(values), np.int32)


def _starts(counts: list[int]) -> Ints:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int32)
