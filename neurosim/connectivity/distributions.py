"""PyNN's random distributions as quantile functions of uniforms.

``DISTRIBUTIONS`` maps each of PyNN's names to its parameter names and to a function
``(uniforms, parameters) -> values`` that may overwrite the uniforms. One uniform per value keeps
every value a function of its own key.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from neurosim.columns import Floats
from neurosim.connectivity.random import normals_in_place
from neurosim.errors import ParameterError, UnknownNameError

Parameters = Mapping[str, float]


class Distribution(NamedTuple):
    """Names of the parameters, their check, and the quantile function.

    ``valid`` is a predicate and ``domain`` says the same in words.
    """

    names: tuple[str, ...]
    quantile: Callable[[Floats, Parameters], Floats]
    valid: Callable[[Parameters], bool]
    domain: str


def _normal(u: Floats, p: Parameters) -> Floats:
    normals_in_place(u)
    u *= p["sigma"]
    u += p["mu"]
    return u


def _phi(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _normal_clipped(u: Floats, p: Parameters) -> Floats:
    if p["sigma"] == 0.0:
        return np.full_like(u, p["mu"])
    low, high = (p["low"] - p["mu"]) / p["sigma"], (p["high"] - p["mu"]) / p["sigma"]
    flip = -1.0 if low > 0.0 else 1.0  # the lower tail is where small probabilities are exact
    low, high = (low, high) if flip > 0.0 else (-high, -low)
    u *= _phi(high) - _phi(low)
    u += _phi(low)
    np.clip(u, 1e-300, 1.0 - 2.0**-53, out=u)
    normals_in_place(u)
    u *= flip * p["sigma"]
    u += p["mu"]
    return np.clip(u, p["low"], p["high"], out=u)


def _window_holds(p: Parameters) -> bool:
    if not p["low"] < p["high"] or p["sigma"] < 0.0:
        return False
    if p["sigma"] == 0.0:
        return p["low"] <= p["mu"] <= p["high"]
    gap = max(p["low"] - p["mu"], p["mu"] - p["high"], 0.0) / p["sigma"]
    return gap < 37.0


def _clipped_to_boundary(u: Floats, p: Parameters) -> Floats:
    return np.clip(_normal(u, p), p["low"], p["high"], out=u)


def _uniform(u: Floats, p: Parameters) -> Floats:
    u *= p["high"] - p["low"]
    u += p["low"]
    return u


def _uniform_int(u: Floats, p: Parameters) -> Floats:
    return p["low"] + np.floor(u * (p["high"] - p["low"]))


def _lognormal(u: Floats, p: Parameters) -> Floats:
    return np.exp(_normal(u, p), out=u)


def _exponential(u: Floats, p: Parameters) -> Floats:
    return -p["beta"] * np.log(u)


def _gamma(u: Floats, p: Parameters) -> Floats:
    from scipy.special import gammaincinv

    return p["theta"] * gammaincinv(p["k"], u)


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
        ("n", "p"), _binomial, lambda p: _whole(p["n"]) and p["n"] >= 0 and 0 <= p["p"] <= 1, "n whole and >= 0, 0 <= p <= 1"
    ),
    "exponential": Distribution(("beta",), _exponential, lambda p: p["beta"] >= 0, "beta >= 0"),
    "gamma": Distribution(("k", "theta"), _gamma, lambda p: p["k"] > 0 and p["theta"] >= 0, "k > 0, theta >= 0"),
    "lognormal": Distribution(("mu", "sigma"), _lognormal, lambda p: p["sigma"] >= 0, "sigma >= 0"),
    "normal": Distribution(("mu", "sigma"), _normal, lambda p: p["sigma"] >= 0, "sigma >= 0"),
    "normal_clipped": Distribution(
        ("mu", "sigma", "low", "high"), _normal_clipped, _window_holds, "sigma >= 0, low < high, the window within 37 sigma of mu"
    ),
    "normal_clipped_to_boundary": Distribution(
        ("mu", "sigma", "low", "high"), _clipped_to_boundary, lambda p: p["sigma"] >= 0 and p["low"] <= p["high"], "sigma >= 0, low <= high"
    ),
    "poisson": Distribution(("lambda_",), _poisson, lambda p: 0 <= p["lambda_"] <= 1e12, "0 <= lambda_ <= 1e12"),
    "uniform": Distribution(("low", "high"), _uniform, lambda p: p["low"] <= p["high"], "low <= high"),
    "uniform_int": Distribution(
        ("low", "high"),
        _uniform_int,
        lambda p: _whole(p["low"], p["high"]) and p["low"] < p["high"],
        "whole numbers, low < high (high is left out)",
    ),
    "vonmises": Distribution(("mu", "kappa"), _vonmises, lambda p: p["kappa"] >= 0, "kappa >= 0"),
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
