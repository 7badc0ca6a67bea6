"""PyNN's random distributions as quantile functions.

``DISTRIBUTIONS`` maps each of PyNN's names to its parameter names and to its quantile function:
for the smooth ones as ``tails``, which is exact far out on both sides and can be tabulated
(:mod:`.quantiles`), else as a function of uniforms. One word per value keeps every value a
function of its own key.

References
----------
Wichura: Algorithm AS 241, Applied Statistics 37(3), 1988 (normal quantile).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from neurosim.columns import Floats
from neurosim.connectivity.quantiles import Quantiles, tabulate
from neurosim.errors import ParameterError, UnknownNameError

Parameters = Mapping[str, float]


class Distribution(NamedTuple):
    """Names of the parameters, their check, and the quantile function in one of two forms.

    Attributes
    ----------
    valid, domain
        Predicate of the parameters, and the same in words.
    tails
        ``(p, upper, parameters) -> values``: quantiles of ``p``, or of ``1 - p``, for p <= 1/2.
    quantile
        ``(uniforms, parameters) -> values``, for distributions without ``tails``.
    """

    names: tuple[str, ...]
    valid: Callable[[Parameters], bool]
    domain: str
    tails: Callable[[Floats, bool, Parameters], Floats] | None = None
    quantile: Callable[[Floats, Parameters], Floats] | None = None


# --- normal ---------------------------------------------------------------------------------------
_MIDDLE = (
    (
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.3871328727963666080,
    ),
    (
        5226.4952788528545610,
        28729.085735721942674,
        39307.895800092710610,
        21213.794301586595867,
        5394.1960214247511077,
        687.18700749205790830,
        42.313330701600911252,
        1.0,
    ),
)
_OUTER = (
    (
        7.7454501427834140764e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258,
        3.64784832476320460504,
        5.76949722146069140550,
        4.63033784615654529590,
        1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940,
        2.05319162663775882187,
        1.0,
    ),
)
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2, 2.96560571828504891230e-1,
     1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4, 1.48753612908506148525e-2,
     1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], r: Floats) -> Floats:
    return np.polyval(coefficients[0], r) / np.polyval(coefficients[1], r)


def lower_normal(p: Floats) -> Floats:
    """Standard normal quantile of probabilities in (0, 1/2], to about 1e-15."""
    q = 0.5 - p
    r = np.sqrt(-np.log(np.where(p > 0.0, p, 0.5)))
    outer = np.where(r <= 5.0, _ratio(_OUTER, r - 1.6), _ratio(_FAR, r - 5.0))
    return np.where(q > 0.425, -outer, -q * _ratio(_MIDDLE, 0.180625 - q * q))


def _normal(p: Floats, upper: bool, parameters: Parameters) -> Floats:
    z = lower_normal(p)
    return parameters["mu"] + parameters["sigma"] * (-z if upper else z)


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _normal_clipped(p: Floats, upper: bool, parameters: Parameters) -> Floats:
    """PyNN draws again until a value lies in the window: the normal law given the window."""
    mu, sigma = parameters["mu"], parameters["sigma"]
    if sigma == 0.0:
        return np.full_like(p, mu)
    low, high = (parameters["low"] - mu) / sigma, (parameters["high"] - mu) / sigma
    share = _phi(-low) - _phi(-high) if low > 0.0 else _phi(high) - _phi(low)
    inside = -p * share if upper else p * share  # from the end that is counted from
    end = high if upper else low
    below, above = np.clip(_phi(end) + inside, 1e-300, 1.0), np.clip(_phi(-end) - inside, 1e-300, 1.0)
    z = np.where(below < 0.5, lower_normal(np.minimum(below, 0.5)), -lower_normal(np.minimum(above, 0.5)))
    return np.clip(mu + sigma * z, parameters["low"], parameters["high"])


def _window_holds(p: Parameters) -> bool:
    if not p["low"] < p["high"] or p["sigma"] < 0.0:
        return False
    if p["sigma"] == 0.0:
        return p["low"] <= p["mu"] <= p["high"]
    gap = max(p["low"] - p["mu"], p["mu"] - p["high"], 0.0) / p["sigma"]
    return gap < 37.0


def _lognormal(p: Floats, upper: bool, parameters: Parameters) -> Floats:
    return np.exp(_normal(p, upper, parameters))


# --- others with tails ----------------------------------------------------------------------------
def _exponential(p: Floats, upper: bool, parameters: Parameters) -> Floats:
    return -parameters["beta"] * (np.log1p(-p) if not upper else np.log(p))


def _gamma(p: Floats, upper: bool, parameters: Parameters) -> Floats:
    from scipy.special import gammainccinv, gammaincinv

    return parameters["theta"] * (gammainccinv if upper else gammaincinv)(parameters["k"], p)


# --- of uniforms ----------------------------------------------------------------------------------
def _uniform(u: Floats, p: Parameters) -> Floats:
    u *= p["high"] - p["low"]
    u += p["low"]
    return u


def _uniform_int(u: Floats, p: Parameters) -> Floats:
    return p["low"] + np.floor(u * (p["high"] - p["low"]))


def _counts(u: Floats, mean: float, deviation: float, cdf: Callable[[Floats], Floats], high: float = math.inf) -> Floats:
    """Smallest counts whose cumulative probability reaches ``u``."""
    first = max(0.0, math.floor(mean - 10.0 * deviation) - 1.0)
    last = min(high, math.ceil(mean + 12.0 * deviation) + 60.0)
    table = cdf(np.arange(first, last + 1.0))
    table[-1] = 1.0
    return first + np.searchsorted(table, u).astype(np.float64)


def _poisson(u: Floats, p: Parameters) -> Floats:
    from scipy.special import pdtr

    return _counts(u, p["lambda_"], math.sqrt(p["lambda_"]), lambda k: pdtr(k, p["lambda_"]))


def _binomial(u: Floats, p: Parameters) -> Floats:
    from scipy.special import bdtr

    n, chance = p["n"], p["p"]
    return _counts(u, n * chance, math.sqrt(n * chance * (1.0 - chance)), lambda k: bdtr(k, int(n), chance), n)


def _vonmises(u: Floats, p: Parameters) -> Floats:
    reach = min(math.pi, 12.0 / math.sqrt(p["kappa"])) if p["kappa"] > 0.0 else math.pi
    angle = np.linspace(-reach, reach, (1 << 15) + 1)
    density = np.exp(p["kappa"] * (np.cos(angle) - 1.0))
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    turned = p["mu"] + np.interp(u, mass / mass[-1], angle)
    return math.pi - np.mod(math.pi - turned, 2.0 * math.pi)


def _whole(*values: float) -> bool:
    return all(float(v).is_integer() for v in values)


DISTRIBUTIONS: dict[str, Distribution] = {
    "binomial": Distribution(
        ("n", "p"),
        lambda p: _whole(p["n"]) and p["n"] >= 0 and 0 <= p["p"] <= 1,
        "n whole and >= 0, 0 <= p <= 1",
        quantile=_binomial,
    ),
    "exponential": Distribution(("beta",), lambda p: p["beta"] >= 0, "beta >= 0", _exponential),
    "gamma": Distribution(("k", "theta"), lambda p: p["k"] > 0 and p["theta"] >= 0, "k > 0, theta >= 0", _gamma),
    "lognormal": Distribution(("mu", "sigma"), lambda p: p["sigma"] >= 0, "sigma >= 0", _lognormal),
    "normal": Distribution(("mu", "sigma"), lambda p: p["sigma"] >= 0, "sigma >= 0", _normal),
    "normal_clipped": Distribution(
        ("mu", "sigma", "low", "high"), _window_holds, "sigma >= 0, low < high, the window within 37 sigma of mu", _normal_clipped
    ),
    "normal_clipped_to_boundary": Distribution(
        ("mu", "sigma", "low", "high"), lambda p: p["sigma"] >= 0 and p["low"] <= p["high"], "sigma >= 0, low <= high", _normal
    ),
    "poisson": Distribution(("lambda_",), lambda p: 0 <= p["lambda_"] <= 1e12, "0 <= lambda_ <= 1e12", quantile=_poisson),
    "uniform": Distribution(("low", "high"), lambda p: p["low"] <= p["high"], "low <= high", quantile=_uniform),
    "uniform_int": Distribution(
        ("low", "high"),
        lambda p: _whole(p["low"], p["high"]) and p["low"] < p["high"],
        "whole numbers, low < high (high is left out)",
        quantile=_uniform_int,
    ),
    "vonmises": Distribution(("mu", "kappa"), lambda p: p["kappa"] >= 0, "kappa >= 0", quantile=_vonmises),
}
"""PyNN's distributions by name."""

_MAY_BE_INFINITE = ("normal_clipped", "normal_clipped_to_boundary")


def distribution(name: str, parameters: Parameters) -> Distribution:
    """The distribution called ``name``, after a check of its parameters.

    Raises
    ------
    UnknownNameError
        If there is no such distribution; the error lists those there are.
    ParameterError
        If a parameter is missing, unknown, not finite or outside its range.
    """
    if name not in DISTRIBUTIONS:
        raise UnknownNameError.among("distribution", name, DISTRIBUTIONS)
    found = DISTRIBUTIONS[name]
    if set(parameters) != set(found.names):
        raise ParameterError(
            f"takes {', '.join(found.names)}; it was given {', '.join(sorted(parameters)) or 'nothing'}.",
            where=f"Distribution '{name}'",
            used=sorted(parameters),
            limit=found.names,
            remedy="Give exactly these parameters.",
        )
    open_ends = ("low", "high") if name in _MAY_BE_INFINITE else ()
    finite = all(math.isfinite(v) or (k in open_ends and not math.isnan(v)) for k, v in parameters.items())
    if not (finite and found.valid(parameters)):
        given = ", ".join(f"{k}={v:g}" for k, v in parameters.items())
        raise ParameterError(
            f"cannot have {given}.",
            where=f"Distribution '{name}'",
            used=dict(parameters),
            limit=found.domain,
            remedy=f"It needs {found.domain}.",
        )
    return found


def exact_values(name: str, parameters: Parameters, uniforms: Floats) -> Floats:
    """Values at given uniforms, which may be overwritten; the parameters are taken as checked."""
    law = DISTRIBUTIONS[name]
    if law.tails is None:
        assert law.quantile is not None
        return law.quantile(uniforms, parameters)
    upper = uniforms > 0.5
    p = np.where(upper, 1.0 - uniforms, uniforms)
    return np.clip(np.where(upper, law.tails(p, True, parameters), law.tails(p, False, parameters)), *_ends(name, parameters))


def quantiles(name: str, parameters: Parameters) -> Quantiles | None:
    """Tabulated quantile function of a checked distribution; ``None`` if it has no good one."""
    return _quantiles(name, tuple(sorted(parameters.items())))


@lru_cache(maxsize=256)
def _quantiles(name: str, given: tuple[tuple[str, float], ...]) -> Quantiles | None:
    tails, parameters = DISTRIBUTIONS[name].tails, dict(given)
    table = None if tails is None else tabulate(partial(_with_parameters, tails, parameters))
    if table is None:
        return None
    low, high = _ends(name, parameters)
    return table._replace(low=min(max(table.low, low), high), high=min(max(table.high, low), high))


def _with_parameters(tails: Callable[[Floats, bool, Parameters], Floats], parameters: Parameters, p: Floats, upper: bool) -> Floats:
    return tails(p, upper, parameters)


def _ends(name: str, parameters: Parameters) -> tuple[float, float]:
    return (parameters["low"], parameters["high"]) if name in _MAY_BE_INFINITE else (-math.inf, math.inf)
