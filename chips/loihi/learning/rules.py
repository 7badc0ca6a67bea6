"""Learning rules as data: sums of products for the weight, the delay and the tag of a synapse.

    z := z + sum_i  S_i  prod_j (V_ij + C_ij)          z = w, d or t,  S = mantissa * 2^exponent

Every product is tied to an event, its *dependency*: a presynaptic spike (``x0``), a postsynaptic one
(``y0``) or the end of every ``2^k``-th epoch (``uk``). It acts in epochs with that event only, and its
traces are read at the time of that event. :mod:`.grammar` reads rules from text; ``str()`` of a rule
is text that reads back as the same rule.

References
----------
Davies et al., "Loihi: a neuromorphic manycore processor with on-chip learning", IEEE Micro 38(1),
2018, Table 1 (the form of the rules and their variables).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from neurosim.errors import ParameterError

if TYPE_CHECKING:
    from neurosim.chips.loihi.sheet import Learning

TARGETS = ("w", "d", "t")
"""Weight, delay and tag."""

MEANINGS = {
    "x0": "presynaptic spike",
    "x1": "presynaptic trace",
    "x2": "presynaptic trace",
    "y0": "postsynaptic spike",
    "y1": "postsynaptic trace",
    "y2": "postsynaptic trace",
    "y3": "postsynaptic trace",
    "r0": "reward spike",
    "r1": "reward trace",
    "w": "weight",
    "d": "delay",
    "t": "tag",
}
"""What may stand in a product, besides ``u0`` to ``u9``."""

SPIKES = frozenset({"x0", "y0", "r0"})
REWARDS = frozenset({"r0", "r1"})
TRACES = ("x1", "x2", "y1", "y2", "y3", "r1")


@cache
def default_limits() -> Learning:
    """Number formats of the learning engine in the datasheet that comes with neurosim."""
    from neurosim.chips import load  # the chip itself will come to import this room

    return load("loihi").sheet.learning  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Factor:
    """``(V + C)``, or its sign.

    Attributes
    ----------
    name
        A key of :data:`MEANINGS`, or ``u0`` to ``u9``.
    constant
        C, added before the value saturates.
    is_sign
        True for ``sgn(V + C)``: -1, 0 or 1. V is then ``w``, ``d`` or ``t``.
    """

    name: str
    constant: int = 0
    is_sign: bool = False

    def __str__(self) -> str:
        inside = f"{self.name} {'+' if self.constant > 0 else '-'} {abs(self.constant)}" if self.constant else self.name
        if self.is_sign:
            return f"sgn({inside})"
        return f"({inside})" if self.constant else inside

    def width(self, limits: Learning) -> int:
        """Bits the value saturates at: it is kept in -2^width to 2^width - 1, before its sign is taken."""
        if self.name in SPIKES or self.name[0] == "u":
            return 1
        return limits.trace_bits.value if self.name in TRACES else limits.variable_bits.value


@dataclass(frozen=True, slots=True)
class Product:
    """``mantissa * 2^exponent * dependency * factors``.

    Attributes
    ----------
    mantissa, exponent
        The scale S, -8 to 7 and -7 to 8.
    dependency
        ``x0``, ``y0`` or ``u0`` to ``u9``.
    factors
        The rest, in the order they were written in.
    """

    mantissa: int
    exponent: int
    dependency: str
    factors: tuple[Factor, ...] = ()

    @property
    def scale(self) -> float:
        """S as a number."""
        return self.mantissa * 2.0**self.exponent

    def width(self, limits: Learning) -> int:
        """Bits of the product before it is shifted: those of the mantissa and of all factors but the dependency."""
        return limits.mantissa_bits.value + sum(factor.width(limits) for factor in self.factors)

    def shift(self, limits: Learning) -> int:
        """Bits that the product loses before it is scaled: what does not fit the accumulator. They are not made up for."""
        return max(0, self.width(limits) - (limits.accumulator_bits.value - 1))

    def __str__(self) -> str:
        sign, size = ("-" if self.mantissa < 0 else ""), abs(self.mantissa)
        scale = [f"{size}" if size != 1 else "", f"2^{self.exponent}" if self.exponent else ""]
        return sign + "*".join([part for part in scale if part] + [self.dependency, *map(str, self.factors)])


@dataclass(frozen=True, slots=True)
class Rule:
    """How one variable of a synapse changes: ``target`` is ``w``, ``d`` or ``t``."""

    target: str
    products: tuple[Product, ...]

    def __str__(self) -> str:
        first, *others = map(str, self.products)
        text = first + "".join(f" - {one[1:]}" if one.startswith("-") else f" + {one}" for one in others)
        return f"d{self.target} = {text}"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one projection, at most one for each variable; all see the values before the epoch."""

    rules: tuple[Rule, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.rules))

    @property
    def k(self) -> int | None:
        """The k of ``uk``; ``None`` if there is no such event."""
        found = {
            name for rule in self.rules for p in rule.products for name in (p.dependency, *(f.name for f in p.factors)) if name[0] == "u"
        }
        return int(min(found)[1:]) if found else None

    @property
    def names(self) -> frozenset[str]:
        """Everything the rules read: events, traces and variables."""
        return frozenset(name for rule in self.rules for p in rule.products for name in (p.dependency, *(f.name for f in p.factors)))

    def has(self, target: str) -> bool:
        """Tell whether a rule reads or changes ``w``, ``d`` or ``t``."""
        return target in self.names or bool(self.products_of(target))

    def products_of(self, target: str) -> tuple[Product, ...]:
        """Products that change ``w``, ``d`` or ``t``."""
        return next((rule.products for rule in self.rules if rule.target == target), ())


def check_width(product: Product, limits: Learning, where: str) -> None:
    """Refuse a product with more factors than the learning engine holds.

    Raises
    ------
    ParameterError
        If mantissa and factors have more bits than ``limits.product_bits``.
    """
    width, most = product.width(limits), limits.product_bits.value
    if width > most:
        parts = ", ".join([f"mantissa {limits.mantissa_bits.value}", *(f"{f} {f.width(limits)}" for f in product.factors)])
        raise ParameterError(
            f"too many factors: '{product}' needs {width} bits ({parts}), a product has at most {most}.",
            where=where,
            used=width,
            limit=most,
            remedy="Leave out a factor, or split the product.",
        )


def check_rewards(rules: RuleSet, rewarded: bool, where: str) -> None:
    """Refuse rules that read ``r0`` or ``r1`` where nothing gives rewards.

    Raises
    ------
    ParameterError
        If they do.
    """
    found = sorted(rules.names & REWARDS)
    if found and not rewarded:
        names = " and ".join(found)
        raise ParameterError(
            f"the rules read {names}, and nothing gives rewards.",
            where=where,
            used=names,
            limit=None,
            remedy="Give reward=population, whose spikes are rewards, or leave r0 and r1 out.",
        )
