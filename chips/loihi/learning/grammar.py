"""The language of learning rules: text to :class:`.RuleSet`.

Rules are written as for NxSDK and Lava, for example ``dw = 2^-2*x1*y0 - 2^-2*y1*x0``.

Grammar
-------
::

    rules    = rule { ( ";" | newline ) rule } ;
    rule     = ( "dw" | "dd" | "dt" ) "=" product { ( "+" | "-" ) product } ;
    product  = factor { "*" factor } ;
    factor   = [ sign ] ( number | variable | function | "(" sum ")" ) ;
    function = ( "sgn" | "sign" ) "(" sum ")" ;
    sum      = term [ ( "+" | "-" ) term ] ;
    term     = [ sign ] ( number | variable ) ;
    number   = digits [ "." digits ] | "2" "^" ( [ sign ] digits | "(" [ sign ] digits ")" ) ;
    variable = "x0" | "x1" | "x2" | "y0" | "y1" | "y2" | "y3" | "r0" | "r1" | "w" | "d" | "t" | "u0" | ... | "u9" ;
    sign     = "+" | "-" ;

Beyond the grammar: numbers outside sums multiply to the product's scale, which must be a mantissa of -8 to 7
times a power of two from 2^-7 to 2^8 (``0.25`` is, ``0.3`` is not). A sum has one variable and at most
one whole number from -128 to 127. A product has a dependency, ``x0``, ``y0`` or ``uk``: the first one
written is when the product acts, others are factors. All ``uk`` have the same k. ``#`` begins a comment.

The ranges are those of the datasheet (Davies et al. 2018, Table 1; lava b6822fbc).
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from neurosim.chips.loihi.learning.rules import MEANINGS, TARGETS, Factor, Product, Rule, RuleSet, check_width, default_limits
from neurosim.chips.loihi.learning.scales import nearest_scale, split_scale
from neurosim.errors import ParameterError, nearest

if TYPE_CHECKING:
    from neurosim.chips.loihi.sheet import Learning

_TOKEN = re.compile(
    r"(?P<skip>[^\S\n]+|\#[^\n]*)|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<mark>[-+*^()=;\n])|(?P<junk>.)", re.DOTALL
)
_FUNCTIONS = ("sgn", "sign")
_ENDS = (";", "\n", "")
_MOST_DIGITS = 9
_WHERE = "Learning rule"


def parse(text: str, limits: Learning | None = None) -> RuleSet:
    """Rules from text.

    Parameters
    ----------
    text
        One rule per line, or separated by ``;``; see the grammar of this module.
    limits
        Number formats; by default those of the datasheet that comes with neurosim.

    Returns
    -------
    RuleSet
        ``str()`` of it parses to an equal one.

    Raises
    ------
    ParameterError
        If the text is no rule or asks for what the chip has not; the message shows the place with a
        caret, what was found there, what is allowed, and what to do.

    Examples
    --------
    >>> rules = parse("dw = 2^-2*x1*y0 - 0.25*y1*x0")
    >>> print(rules)
    dw = 2^-2*y0*x1 - 2^-2*x0*y1
    >>> parse(str(rules)) == rules
    True
    """
    if not isinstance(text, str):
        raise ParameterError(
            f"rules are text, not {type(text).__name__}.", where=_WHERE, used=text, remedy="For example 'dw = 2^-2*x1*y0'."
        )
    return _Parser(text, limits or default_limits()).rules()


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, limits: Learning) -> None:
        self.text, self.limits = text, limits
        self.tokens = [(m[0], m.start(), str(m.lastgroup)) for m in _TOKEN.finditer(text) if m.lastgroup != "skip"]
        self.tokens.append(("", len(text), "mark"))
        self.at = 0
        self.k: str | None = None

    # --- tokens
    @property
    def token(self) -> str:
        return self.tokens[self.at][0]

    @property
    def place(self) -> int:
        return self.tokens[self.at][1]

    @property
    def kind(self) -> str:
        return self.tokens[self.at][2]

    def take(self) -> str:
        token = self.token
        self.at += 1
        return token

    def fail(self, what: str, remedy: str, place: int | None = None, used: object = None, limit: object = None) -> NoReturn:
        """Error that shows the line and points at the place."""
        place = self.place if place is None else place
        begin = self.text.rfind("\n", 0, place) + 1
        line = self.text[begin:].split("\n", 1)[0].replace("\t", " ")
        number = self.text.count("\n", 0, place) + 1
        where = f"line {number}, column {place - begin + 1}"
        raise ParameterError(
            f"{what}, at {where}:\n    {line}\n    {' ' * (place - begin)}^\n",
            where=_WHERE,
            used=self.token if used is None else used,
            limit=limit,
            remedy=remedy,
        )

    def expect(self, mark: str, after: str) -> None:
        if self.token != mark:
            self.fail(f"expected '{mark}' {after}, found {_shown(self.token)}", f"Put '{mark}' here.", limit=mark)
        self.take()

    # --- rules
    def rules(self) -> RuleSet:
        found: dict[str, Rule] = {}
        while True:
            while self.token in (";", "\n"):
                self.take()
            if not self.token:
                break
            place = self.place
            rule = self.rule()
            if rule.target in found:
                self.fail(f"a second rule for d{rule.target}", "Write both as one sum.", place, f"d{rule.target}")
            found[rule.target] = rule
        if not found:
            self.fail("there is no rule", "Write one, for example 'dw = 2^-2*x1*y0'.")
        return RuleSet(tuple(found.values()))

    def rule(self) -> Rule:
        targets = [f"d{name}" for name in TARGETS]
        if self.token not in targets:
            what = f"expected the variable that changes ({', '.join(targets)}), found {_shown(self.token)}"
            self.fail(what, "Begin with 'dw = '.", limit=targets)
        target = self.take()[1:]
        self.expect("=", f"after 'd{target}'")
        products = [self.product(self.sign() if self.token in ("+", "-") else 1)]
        while self.token in ("+", "-"):
            products.append(self.product(self.sign()))
        if self.token not in _ENDS:
            self.fail(f"expected '*', '+', '-' or the end of the rule, found {_shown(self.token)}", self.hint(), limit=["*", "+", "-"])
        return Rule(target, tuple(products))

    def hint(self) -> str:
        """What may have been meant by a token that cannot stand here."""
        if self.token == "^":
            return "Powers are of 2 only; write a square as x1*x1."
        if self.token == "/":
            return "There is no division; multiply by a power of two, such as 2^-1."
        return "Put '*' between factors." if self.kind != "junk" else "Remove it."

    def sign(self) -> int:
        return -1 if self.take() == "-" else 1

    def product(self, sign: int) -> Product:
        place, mantissa, exponent, factors = self.place, Fraction(sign), 0, list[Factor]()
        while True:
            number, power, factor = self.factor()
            mantissa, exponent = mantissa * number, exponent + power
            factors += [factor] if factor else []
            if self.token != "*":
                break
            self.take()
            if self.token == "*":
                self.fail("found '**'", "Write a power of two as 2^-2.")
        dependency = next((f for f in factors if f.name in ("x0", "y0") or f.name[0] == "u"), None)
        if dependency is None or dependency.constant:
            what = "this product has no dependency" if dependency is None else f"a constant is added to the dependency {dependency.name}"
            remedy = "Multiply by x0 (acts at presynaptic spikes), y0 (postsynaptic) or u0 to u9 (every 2^k epochs)."
            self.fail(what, remedy, place, used=self.text[place : self.place].strip(), limit=["x0", "y0", "u0"])
        factors.remove(dependency)
        product = Product(*self.scale(mantissa, exponent, place), dependency.name, tuple(factors))
        check_width(product, self.limits, f"{_WHERE}, column {place - self.text.rfind(chr(10), 0, place)}")
        return product

    def scale(self, mantissa: Fraction, exponent: int, place: int) -> tuple[int, int]:
        """Mantissa and exponent, refused if there are none."""
        found = split_scale(mantissa, exponent, self.limits)
        if not found:
            scale = _value(mantissa, exponent)
            (low, high), (least, most) = self.limits.scale_mantissa.value, self.limits.scale_exponent.value
            near, power = nearest_scale(scale, self.limits)
            text = f"the scale {scale:g} is no whole number from {low} to {high} times a power of two from 2^{least} to 2^{most}"
            remedy = f"The nearest is {near}*2^{power} = {near * 2.0**power:g}." if scale else "Leave this product out."
            self.fail(text, remedy, place, used=scale, limit=((low, high), (least, most)))
        return found

    # --- factors
    def factor(self) -> tuple[Fraction, int, Factor | None]:
        """What a factor gives to mantissa and exponent of the scale, and the rest of it."""
        sign = Fraction(self.sign()) if self.token in ("+", "-") else Fraction(1)
        if self.kind == "number":
            mantissa, exponent = self.number()
            return sign * mantissa, exponent, None
        if self.token == "(":
            return self.bracket(sign)
        if self.token in _FUNCTIONS:
            return sign, 0, self.signum()
        return sign, 0, Factor(self.variable())

    def number(self) -> tuple[Fraction, int]:
        """A number as mantissa and power of two; which of both it was written as decides what a product loses."""
        place, digits = self.place, self.take()
        if len(digits) > _MOST_DIGITS:
            self.fail(f"the number {digits} is too long", f"Write at most {_MOST_DIGITS} digits.", place, digits)
        if self.token != "^":
            return Fraction(digits), 0
        if digits != "2":
            self.fail(f"a power of {digits}", "Only powers of 2 can be written, for example 2^-3.", place, digits, "2")
        self.take()
        bracket = self.token == "("
        if bracket:
            self.take()
        sign = self.sign() if self.token in ("+", "-") else 1
        if self.kind != "number" or not self.token.isdigit() or len(self.token) > 3:
            self.fail(f"expected a whole exponent after '2^', found {_shown(self.token)}", "Write for example 2^-3.")
        exponent = sign * int(self.take())
        if bracket:
            self.expect(")", "after the exponent")
        return Fraction(1), exponent

    def bracket(self, sign: Fraction) -> tuple[Fraction, int, Factor | None]:
        name, own, (constant, power) = self.sum()
        if not name:
            return sign * constant, power, None
        # -V + C is -(V - C) to the chip: the sign goes to the scale
        return sign * own, 0, Factor(name, int(own * constant))

    def signum(self) -> Factor:
        place = self.place
        self.take()
        if self.token != "(":
            self.expect("(", "after 'sgn'")
        name, own, (constant, _) = self.sum()
        if name not in TARGETS or own < 0:
            remedy = "Write sgn(w), sgn(d) or sgn(t); a minus goes in front."
            self.fail("sgn() takes a weight, delay or tag, and a constant", remedy, place, name, TARGETS)
        return Factor(name, int(constant), is_sign=True)

    def sum(self) -> tuple[str, int, tuple[Fraction, int]]:
        """Variable ("" if there is none), its sign and the number of what is in brackets; whole beside a variable."""
        self.expect("(", "before a sum")
        place = self.place
        terms = [self.term()]
        while self.token in ("+", "-"):
            terms.append(self.term())
        if self.token != ")":
            self.fail(f"expected ')', found {_shown(self.token)}", "A sum has one variable and one constant, for example (x1 - 3).")
        self.take()
        names = [(name, int(value)) for name, value, _ in terms if name]
        numbers = [(value, power) for name, value, power in terms if not name]
        if len(names) > 1 or len(terms) > 2:
            self.fail("this sum has more than a variable and a constant", "Multiply it out: one product for each.", place, limit="V + C")
        if names:
            constant = self.constant(*(numbers or [(Fraction(0), 0)])[0], names[0][1], place)
            return *names[0], (constant, 0)
        if len(terms) > 1:
            self.fail("this sum has no variable", "Write the number that it is.", place)
        return "", 1, numbers[0]

    def constant(self, mantissa: Fraction, exponent: int, own: int, place: int) -> Fraction:
        """Constants that are added are signed and whole; -V + C is held as V - C."""
        half, value = 2 ** (self.limits.constant_bits.value - 1), mantissa * Fraction(2) ** exponent
        if value.denominator != 1 or not -half <= own * value < half:
            shown = _value(mantissa, exponent)
            what = f"the constant {shown:g} that is added is no whole number from {-half} to {half - 1}"
            self.fail(what, "Choose one in this range.", place, shown, (-half, half - 1))
        return value

    def term(self) -> tuple[str, Fraction, int]:
        """Variable, its sign and 0, or no variable and a number as mantissa and power of two."""
        sign = Fraction(self.sign()) if self.token in ("+", "-") else Fraction(1)
        if self.kind == "number":
            mantissa, exponent = self.number()
            return "", sign * mantissa, exponent
        return self.variable(), sign, 0

    def variable(self) -> str:
        known = [*MEANINGS, *(f"u{k}" for k in self.decimations())]
        if self.kind != "name":
            remedy = self.hint() if self.kind == "junk" or self.token in ("^", "/") else "Write a number, a variable or a bracket here."
            self.fail(f"expected a factor, found {_shown(self.token)}", remedy, limit=known)
        if self.token not in known:
            guess = nearest(self.token, [*known, *_FUNCTIONS])
            names = f"x0 to x2, y0 to y3, r0, r1, w, d, t and u{self.decimations()[0]} to u{self.decimations()[-1]}"
            hint = f"Did you mean '{guess}'? " if guess else ""
            self.fail(f"unknown variable '{self.token}'", f"{hint}There are {names}.", limit=known)
        if self.token[0] == "u":
            self.check_k()
        return self.take()

    def decimations(self) -> range:
        low, high = self.limits.decimation.value
        return range(low, high + 1)

    def check_k(self) -> None:
        if self.k not in (None, self.token):
            self.fail(f"'{self.token}' beside '{self.k}'", f"A projection has one k; write {self.k} everywhere.", limit=self.k)
        self.k = self.token


def _shown(token: str) -> str:
    return {"": "the end of the text", "\n": "the end of the line"}.get(token, f"'{token}'")


def _value(mantissa: Fraction, exponent: int) -> float:
    """The number that is written, or infinity."""
    try:
        return math.ldexp(float(mantissa), exponent)
    except OverflowError:
        return math.copysign(math.inf, mantissa)
