"""The language of rules: what is read, what it prints as, and what each refusal says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learning_rules import rule_sets
from neurosim.chips.loihi.learning import Factor, Product, Rule, RuleSet, parse
from neurosim.chips.loihi.learning.rules import default_limits
from neurosim.errors import ParameterError


@given(rule_sets())
def test_every_rule_reads_back_as_it_was_printed(rules):
    assert parse(str(rules)) == rules


@given(st.text(alphabet="dwtxyrusgn0123456789.^*+-()=; \n#$", max_size=40))
def test_any_text_is_a_rule_or_is_refused(text):
    try:
        rules = parse(text)
    except ParameterError:
        return
    assert parse(str(rules)) == rules


def product(text):
    return parse(f"dw = {text}").rules[0].products[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2^-2*x1*y0", Product(1, -2, "y0", (Factor("x1"),))),
        ("-3*2^-4*x0*y1", Product(-3, -4, "x0", (Factor("y1"),))),
        ("2*x1*y0", Product(2, 0, "y0", (Factor("x1"),))),
        ("u4*2^-8*2*w", Product(1, -7, "u4", (Factor("w"),))),
        ("0.25*x0", Product(1, -2, "x0")),
        ("96*x0", Product(6, 4, "x0")),
        ("4*2^-7*x0", Product(4, -7, "x0")),
        ("x0*(-1)*2^(-1)*y1", Product(-1, -1, "x0", (Factor("y1"),))),
        ("x0*(2^-7)", Product(1, -7, "x0")),
        ("x0*(y1 - 4)", Product(1, 0, "x0", (Factor("y1", -4),))),
        ("x0*(4 - y1)", Product(-1, 0, "x0", (Factor("y1", -4),))),
        ("x0*(+y1 + 2^3)", Product(1, 0, "x0", (Factor("y1", 8),))),
        ("x0*sgn(w - 2)", Product(1, 0, "x0", (Factor("w", -2, is_sign=True),))),
        ("x0*sign(t)", Product(1, 0, "x0", (Factor("t", 0, is_sign=True),))),
        ("x1*y0*x0*r1", Product(1, 0, "y0", (Factor("x1"), Factor("x0"), Factor("r1")))),
    ],
)
def test_a_product_is_read_as_it_is_meant(text, expected):
    assert product(text) == expected
    assert product(text).scale == expected.mantissa * 2.0**expected.exponent


def test_rules_for_several_variables_stand_on_lines_or_behind_semicolons():
    text = "\n# a comment\ndw = x0*y1 - y0*x1; dd = y0 # another\n\ndt = u3*t"
    rules = parse(text)
    assert [rule.target for rule in rules.rules] == ["w", "d", "t"]
    assert rules.k == 3
    assert rules.names == {"x0", "y1", "y0", "x1", "u3", "t"}
    assert str(rules) == "dw = x0*y1 - y0*x1\ndd = y0\ndt = u3*t"
    assert parse("dw = x0").k is None
    assert rules.products_of("w")[1].mantissa == -1
    assert parse("dd = x0").products_of("w") == ()


def test_what_does_not_fit_the_accumulator_is_shifted_out():
    limits = default_limits()
    assert [product(text).shift(limits) for text in ("x1*y0", "w*x1*y0", "x0*y1*x1*w", "u0*sgn(w)*x1")] == [0, 5, 12, 5]


REFUSALS = [
    ("", "there is no rule", "Write one"),
    ("dw", "expected '=' after 'dw', found the end of the text", "Put '=' here."),
    ("dw =", "expected a factor, found the end of the text", "Write a number"),
    ("dw = \ndd = x0", "found the end of the line", "Write a number"),
    ("dq = x0", "expected the variable that changes (dw, dd, dt), found 'dq'", "Begin with 'dw = '."),
    ("dw = x0; dw = y0", "a second rule for dw", "one sum"),
    ("dw = x3*y0", "unknown variable 'x3'", "Did you mean 'y3'? There are x0 to x2"),
    ("dw = x0*foo", "unknown variable 'foo'", "There are x0 to x2"),
    ("dw = u10*w", "unknown variable 'u10'", "u0 to u9"),
    ("dw = x1*y1", "this product has no dependency", "x0 (acts at presynaptic spikes)"),
    ("dw = (x0 + 2)*y1", "a constant is added to the dependency x0", "Multiply by x0"),
    ("dw = u1*w + u2*t", "'u2' beside 'u1'", "write u1 everywhere"),
    ("dw = 0.3*x0*y1", "the scale 0.3 is no whole number from -8 to 7 times a power of two from 2^-7 to 2^8", "5*2^-4 = 0.3125"),
    ("dw = 2^20*x0", "the scale 1.04858e+06", "7*2^8 = 1792"),
    ("dw = -2^999*2^999*x0", "the scale -inf", "-8*2^8 = -2048"),
    ("dw = 0*x0", "the scale 0 is", "Leave this product out."),
    ("dw = x0*1234567890", "the number 1234567890 is too long", "at most 9 digits"),
    ("dw = 3^2*x0", "a power of 3", "Only powers of 2"),
    ("dw = 2^w*x0", "expected a whole exponent after '2^', found 'w'", "2^-3"),
    ("dw = 2^(3*x0", "expected ')' after the exponent, found '*'", "Put ')' here."),
    ("dw = x0*2**3", "found '**'", "Write a power of two as 2^-2."),
    ("dw = x0 y1", "expected '*', '+', '-' or the end of the rule, found 'y1'", "Put '*' between factors."),
    ("dw = x0*y1^2", "found '^'", "write a square as x1*x1"),
    ("dw = x0/2", "found '/'", "There is no division"),
    ("dw = x0$", "found '$'", "Remove it."),
    ("dw = x0*$", "expected a factor, found '$'", "Remove it."),
    ("dw = x0*(y1 + 128)", "the constant 128 that is added is no whole number from -128 to 127", "in this range"),
    ("dw = x0*(y1 + 2^-1)", "the constant 0.5 that is added", "in this range"),
    ("dw = x0*(y1 + w)", "this sum has more than a variable and a constant", "Multiply it out"),
    ("dw = x0*(y1 + 1 + 1)", "this sum has more than a variable and a constant", "Multiply it out"),
    ("dw = x0*(1 + 1)", "this sum has no variable", "Write the number"),
    ("dw = x0*(y1*x1)", "expected ')', found '*'", "one variable and one constant"),
    ("dw = x0*sgn(x1)", "sgn() takes a weight, delay or tag", "a minus goes in front"),
    ("dw = x0*sgn(-w)", "sgn() takes a weight, delay or tag", "a minus goes in front"),
    ("dw = x0*sgn w", "expected '(' after 'sgn', found 'w'", "Put '(' here."),
]


@pytest.mark.parametrize(("text", "what", "remedy"), REFUSALS)
def test_a_refusal_says_what_and_where_and_what_to_do(text, what, remedy):
    with pytest.raises(ParameterError) as error:
        parse(text)
    lines = str(error.value).splitlines()
    assert lines[0].startswith("Learning rule: ")
    assert what in lines[0]
    assert remedy in lines[-1]
    assert lines[1][4:] in text.replace("\n", "") + "\n"
    assert lines[2].strip() == "^"


def test_the_caret_points_at_the_place():
    with pytest.raises(ParameterError, match="at line 2, column 14:") as error:
        parse("dd = x0\ndw = 2^-2*x1*yo")
    assert str(error.value).splitlines()[1:3] == ["    dw = 2^-2*x1*yo", "    " + " " * 13 + "^"]


def test_a_product_with_too_many_factors_is_refused_with_its_bits():
    with pytest.raises(
        ParameterError, match=r"too many factors: 'x0\*x1\*x2\*y1\*y2' needs 32 bits \(mantissa 4, x1 7.*at most 31"
    ) as error:
        parse("dw = x0*x1*x2*y1*y2")
    assert (error.value.used, error.value.limit) == (32, 31)


def test_rules_are_text():
    with pytest.raises(ParameterError, match="rules are text, not int"):
        parse(3)  # type: ignore[arg-type]


def test_rules_can_be_made_without_text():
    rules = RuleSet((Rule("w", (Product(1, 0, "x0", (Factor("y1", 3),)),)),))
    assert str(rules) == "dw = x0*(y1 + 3)"
