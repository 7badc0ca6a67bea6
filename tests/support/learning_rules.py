"""Random learning rules that the chip has."""

from __future__ import annotations

from hypothesis import strategies as st

from neurosim.chips.loihi.learning.rules import Factor, Product, Rule, RuleSet, default_limits

NEURONS = ("x0", "x1", "x2", "y0", "y1", "y2", "y3", "r0", "r1")


@st.composite
def products(draw, k):
    """A product whose factors the learning engine holds; its dependency is the first that can be one."""
    dependency = draw(st.sampled_from(("x0", "y0", f"u{k}")))
    constants = st.one_of(st.just(0), st.integers(-128, 127))
    neuron = st.builds(Factor, st.sampled_from((*NEURONS, f"u{k}")), constants)
    variable = st.builds(Factor, st.sampled_from("wdt"), constants, st.booleans())
    factors = draw(st.lists(st.one_of(neuron, neuron, variable), max_size=4))
    exponents = st.integers(-7, 8)
    one = Product(draw(st.integers(-8, 7).filter(bool)), draw(exponents), dependency, tuple(factors))
    limits = default_limits()
    while one.width(limits) > limits.product_bits.value:
        one = Product(one.mantissa, one.exponent, dependency, one.factors[:-1])
    return one


@st.composite
def rule_sets(draw):
    """Rules for one to three variables, with one k."""
    k = draw(st.integers(0, 2))
    targets = draw(st.lists(st.sampled_from("wdt"), min_size=1, max_size=3, unique=True))
    return RuleSet(tuple(Rule(target, tuple(draw(st.lists(products(k), min_size=1, max_size=4)))) for target in targets))
