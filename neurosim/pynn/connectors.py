"""From PyNN's connectors to the synapses of a projection.

The class of a connector decides who builds it; a subclass written by a user, or a connector with
an option nobody here knows, goes the long way through ``connector.connect()``. Two kinds of
networks are made: ``rng="pynn"`` replays the numbers that stock PyNN draws, ``rng="fast"`` leaves
the connector a rule that is expanded row by row when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from pyNN import connectors as stock
from pyNN.core import IndexBasedExpression
from pyNN.parameters import LazyArray
from pyNN.random import NativeRNG, RandomDistribution

from neurosim import connectivity as rules
from neurosim.columns import Expression
from neurosim.errors import UnsupportedError
from neurosim.network import Rule
from neurosim.pynn import lazy, listed, replay, simulator
from neurosim.pynn._errors import ConnectError
from neurosim.pynn.connector_checks import STANDS_FOR, check_probability
from neurosim.pynn.rng import adopt, next_seed, seed_from
from neurosim.pynn.smallworld import SmallWorldConnector, small_world
from neurosim.pynn.wiring import Chunks, Wiring, table

if TYPE_CHECKING:
    from neurosim.pynn.projections import Projection

Maps = dict[str, LazyArray]

PAIR_LIMIT = 10**8
"""Candidate pairs up to which ``rng=None`` replays stock PyNN."""


def connect(projection: Projection) -> tuple[Wiring, int]:
    """Synapses of a projection and the seed of its rule."""
    connector = projection._connector
    if connector.location_selector is not None:
        raise UnsupportedError(
            "point neurons have no locations.", where=str(projection), used="location_selector", remedy="Leave location_selector out."
        )
    if isinstance(connector, stock.FixedProbabilityConnector):
        check_probability(connector.p_connect, str(projection))  # stock's own class lets more than 1 pass
    for value in (getattr(connector, "rng", None), getattr(getattr(connector, "n", None), "rng", None)):
        adopt(value)
    maps = {name: lazy.prepared(value, projection, name) for name, value in projection.synapse_values()}
    wiring, seed = _build(connector, projection, maps)
    if connector.callback is not None and _kind(connector) in _BUILDERS:
        connector.callback(1.0)
    return wiring, seed


def _build(connector: Any, projection: Projection, maps: Maps) -> tuple[Wiring, int]:
    kind = _kind(connector)
    if getattr(connector, "allow_self_connections", True) == "NoMutual" or kind not in _BUILDERS:
        return _through_stock(connector, projection), 0
    make_rule = _RULES.get(kind)
    if make_rule is not None and _fast(connector, projection):
        rule = make_rule(connector, projection)
        if rule is not None:
            return _declared(rule, connector, projection, maps)
    return _BUILDERS[kind](connector, projection, maps), 0


def _kind(connector: Any) -> type:
    return STANDS_FOR.get(type(connector), type(connector))


def _fast(connector: Any, projection: Projection) -> bool:
    rng = getattr(connector, "rng", None)
    if isinstance(rng, NativeRNG):
        return True
    mode = simulator.state.settings.get("rng")
    if mode is not None:
        return mode == "fast"
    pairs = projection.shape[0] * projection.shape[1]
    cost_s = replay.seconds(connector, projection)
    if pairs >= PAIR_LIMIT or simulator.state.replayed_s + cost_s > replay.BEARABLE_S:
        return True
    simulator.state.replayed_s += cost_s
    return False


def _declared(rule: Rule, connector: Any, projection: Projection, maps: Maps) -> tuple[Wiring, int]:
    """Leave the rule to the network; columns that have no lazy form are made explicit at once."""
    rng = getattr(connector, "rng", None)
    seed = seed_from(rng) if rng is not None else next_seed("projection")
    columns = {name: lazy.column(value, projection) for name, value in maps.items()}
    if all(column is not None for column in columns.values()):
        return Wiring(rule, columns), seed  # type: ignore[arg-type]
    indptr, post = rule.expand(0, projection.shape[0], projection.ends(seed))
    pre = np.repeat(np.arange(projection.shape[0]), np.diff(indptr))
    return explicit(pre, post, projection, maps), 0


def explicit(pre: Any, post: Any, projection: Projection, maps: Maps) -> Wiring:
    """Table of synapses in any order, their values drawn target by target."""
    order = np.argsort(post, kind="stable")
    pre, post = pre[order], post[order]
    counts = np.bincount(post, minlength=projection.shape[1])
    return by_column(pre, post, counts, projection, maps)


def by_column(pre: Any, post: Any, counts: Any, projection: Projection, maps: Maps) -> Wiring:
    """Table of synapses that are grouped by target, ``counts`` of them each."""
    columns = {name: lazy.pair_values(value, projection, pre, post, counts) for name, value in maps.items()}
    listed_values = {name: value for name, value in maps.items() if np.ndim(value.base_value) == 1}
    for name in listed_values:
        if np.shape(columns[name]) != pre.shape:
            raise lazy.wrong_shape(projection, name, np.shape(columns[name]))
        columns.pop(name)
    wiring = table(pre, post, columns, projection.shape[0])
    wiring.columns.update({name: np.array(value.base_value, dtype=float) for name, value in listed_values.items()})
    return wiring


def _through_stock(connector: Any, projection: Projection) -> Wiring:
    projection._chunks = Chunks()
    connector.connect(projection)
    chunks, projection._chunks = projection._chunks, None
    return chunks.wiring(projection.shape[0])


# --- topology that needs no random numbers ---------------------------------------------------------
def _homogeneous(maps: Maps) -> bool:
    return all(lazy.is_number(value) for value in maps.values())


def _regular(rule: Rule, projection: Projection, maps: Maps) -> Wiring:
    if _homogeneous(maps):
        return Wiring(rule, {name: float(value.evaluate(simplify=True)) for name, value in maps.items()})
    indptr, post = rule.expand(0, projection.shape[0], projection.ends(0))
    return explicit(np.repeat(np.arange(projection.shape[0]), np.diff(indptr)), post, projection, maps)


def _all_to_all(connector: Any, projection: Projection, maps: Maps) -> Wiring:
    return _regular(rules.AllToAll(connector.allow_self_connections), projection, maps)


def _one_to_one(connector: Any, projection: Projection, maps: Maps) -> Wiring:
    return _regular(rules.OneToOne(), projection, maps)


def _array(connector: Any, projection: Projection, maps: Maps) -> Wiring:
    mask = np.asarray(connector.array)
    if mask.shape != projection.shape:
        raise ConnectError(
            f"the array has shape {mask.shape}, the projection {projection.shape}.",
            where=str(projection),
            used=mask.shape,
            limit=projection.shape,
            remedy="Give (n_pre, n_post).",
        )
    post, pre = np.nonzero(mask.astype(bool).T)
    return by_column(pre, post, np.bincount(post, minlength=mask.shape[1]), projection, maps)


# --- topology from random numbers ------------------------------------------------------------------
def _drawn(topology: Callable[[Any, Projection], tuple[Any, Any]]) -> Callable[[Any, Projection, Maps], Wiring]:
    def build(connector: Any, projection: Projection, maps: Maps) -> Wiring:
        pre, post = topology(connector, projection)
        return by_column(pre, post, np.bincount(post, minlength=projection.shape[1]), projection, maps)

    return build


def _fixed_total(connector: Any, projection: Projection, maps: Maps) -> Wiring:
    if connector.allow_self_connections and connector.with_replacement:
        return explicit(*replay.fixed_total(connector, projection), projection, maps)
    rule = _fixed_total_rule(connector, projection)  # stock PyNN ignores both options
    indptr, post = rule.expand(0, projection.shape[0], projection.ends(seed_from(connector.rng)))
    return explicit(np.repeat(np.arange(projection.shape[0]), np.diff(indptr)), post, projection, maps)


# --- rules -----------------------------------------------------------------------------------------
def _allow_self(connector: Any) -> bool:
    return bool(connector.allow_self_connections)


def _numbers(connector: Any, size: int) -> Any:
    if isinstance(connector.n, RandomDistribution):
        return np.asarray(connector.n.next(size), dtype=np.int64)
    return int(connector.n)


def _fixed_in_rule(connector: Any, projection: Projection) -> Rule | None:
    room = projection.shape[0] - (not _allow_self(connector))
    if isinstance(connector.n, int) and not connector.with_replacement and connector.n > room:
        return None
    return rules.FixedIn(_numbers(connector, projection.shape[1]), connector.with_replacement, _allow_self(connector))


def _fixed_out_rule(connector: Any, projection: Projection) -> Rule | None:
    room = projection.shape[1] - (not _allow_self(connector))
    if isinstance(connector.n, int) and not connector.with_replacement and connector.n > room:
        return None
    return rules.FixedOut(_numbers(connector, projection.shape[0]), connector.with_replacement, _allow_self(connector))


def _fixed_total_rule(connector: Any, projection: Projection) -> Rule:
    n = int(np.atleast_1d(connector.n.next(1))[0]) if isinstance(connector.n, RandomDistribution) else connector.n
    return rules.FixedTotal(n, connector.with_replacement, _allow_self(connector))


def _distance_rule(connector: Any, projection: Projection) -> Rule:
    return rules.DistanceDependent(Expression("distance", connector.distance_function, lazy.metric(projection)), _allow_self(connector))


def _index_rule(connector: Any, projection: Projection) -> Rule:
    bound: IndexBasedExpression = lazy.deepcopy_shallow(connector.index_expression)
    bound.projection = projection
    return rules.DistanceDependent(Expression("index", bound), _allow_self(connector))


_BUILDERS: dict[type, Callable[[Any, Projection, Maps], Wiring]] = {
    stock.AllToAllConnector: _all_to_all,
    stock.OneToOneConnector: _one_to_one,
    stock.FixedProbabilityConnector: _drawn(replay.fixed_probability),
    stock.DistanceDependentProbabilityConnector: _drawn(replay.distance_dependent),
    stock.IndexBasedProbabilityConnector: _drawn(replay.index_based),
    stock.DisplacementDependentProbabilityConnector: _drawn(replay.index_based),
    stock.FixedNumberPreConnector: _drawn(replay.fixed_number_pre),
    stock.FixedNumberPostConnector: lambda connector, projection, maps: explicit(
        *replay.fixed_number_post(connector, projection), projection, maps
    ),
    stock.FixedTotalNumberConnector: _fixed_total,
    stock.ArrayConnector: _array,
    stock.CloneConnector: listed.clone,
    stock.FromListConnector: listed.from_list,
    stock.FromFileConnector: listed.from_file,
    stock.CSAConnector: listed.csa_set,
    stock.SmallWorldConnector: _drawn(small_world),
    SmallWorldConnector: _drawn(small_world),
}

_RULES: dict[type, Callable[[Any, Projection], Rule | None]] = {
    stock.AllToAllConnector: lambda connector, projection: rules.AllToAll(_allow_self(connector)),
    stock.OneToOneConnector: lambda connector, projection: rules.OneToOne(),
    stock.FixedProbabilityConnector: lambda connector, projection: rules.Bernoulli(connector.p_connect, _allow_self(connector)),
    stock.FixedNumberPreConnector: _fixed_in_rule,
    stock.FixedNumberPostConnector: _fixed_out_rule,
    stock.FixedTotalNumberConnector: _fixed_total_rule,
    stock.DistanceDependentProbabilityConnector: _distance_rule,
    stock.IndexBasedProbabilityConnector: _index_rule,
    stock.DisplacementDependentProbabilityConnector: _index_rule,
}
