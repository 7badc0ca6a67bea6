"""Projections: connections between two groups of cells, with fast access to their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np
from pyNN import common
from pyNN.parameters import LazyArray
from pyNN.space import Space

from neurosim import connectivity, network
from neurosim.columns import Floats, Random
from neurosim.errors import StateError, UnsupportedError
from neurosim.plasticity import LEARNING
from neurosim.pynn import checks, connection_values, lazy, simulator
from neurosim.pynn._errors import ConnectError, InvalidValueError, UnknownParameterError, other_setup
from neurosim.pynn.connection_values import Connection, Current
from neurosim.pynn.connectors import connect
from neurosim.pynn.rng import adopt_values
from neurosim.pynn.synapses import StaticSynapse, SynapseModel
from neurosim.pynn.weight_recording import WeightRecording
from neurosim.pynn.wiring import Chunks, Wiring, table


class Projection(WeightRecording, common.Projection):
    """Connections of one kind between two groups of cells; see PyNN's documentation."""

    _simulator = simulator
    _static_synapse_class = StaticSynapse
    synapse_type: Any

    def __init__(
        self,
        presynaptic_neurons: Any,
        postsynaptic_neurons: Any,
        connector: Any,
        synapse_type: Any = None,
        source: str | None = None,
        receptor_type: str | None = None,
        space: Space | None = None,
        label: str | None = None,
    ) -> None:
        simulator.state.require("Projection()")
        _check_ends(presynaptic_neurons, postsynaptic_neurons, synapse_type, receptor_type)
        synapse_type = synapse_type or StaticSynapse()
        if receptor_type is None and not (presynaptic_neurons.size and postsynaptic_neurons.size):
            receptor_type = postsynaptic_neurons.receptor_types[0]  # stock PyNN guesses from the first weight
        adopt_values(value for _, value in synapse_type.parameter_space.items())
        super().__init__(presynaptic_neurons, postsynaptic_neurons, connector, synapse_type, source, receptor_type, space or Space(), label)
        self._selections = (cast(Any, self.pre).selection, cast(Any, self.post).selection)
        self._chunks: Chunks | None = None
        self._frozen: network.Projection | None = None
        self._current: tuple[float, Current] | None = None
        self._live_weight: Floats | None = None
        self._weight_probes: dict[str, network.WeightProbe] = {}
        self._network_id = len(simulator.state.projections)
        self._epoch = simulator.state.epoch
        self._rule_parameters = self._shared_parameters()
        self.synapse_type.plasticity(self._rule_parameters)
        self._reward = self.synapse_type.reward()
        self._wiring, self._seed = connect(self)
        self._complete()
        for name, column in self._wiring.columns.items():
            self._check(name, column)
        simulator.state.projections.append(self)
        simulator.state.changed()

    def __str__(self) -> str:
        return f"Projection '{self.label}'"

    # --- building ------------------------------------------------------------------------------
    def synapse_values(self) -> Iterable[tuple[str, LazyArray]]:
        """Parameters that may differ between synapses, as given."""
        wanted = self.synapse_type.column_names
        return [(name, value) for name, value in self.synapse_type.parameter_space.items() if name in wanted]

    def _shared_parameters(self) -> dict[str, float]:
        out = {}
        for name, value in self.synapse_type.parameter_space.items():
            if name in self.synapse_type.column_names:
                continue
            if not lazy.is_number(value):
                raise UnsupportedError(
                    f"'{name}' is shared by all synapses of a projection.", where=str(self), used=name, remedy="Give one number."
                )
            out[name] = float(value.evaluate(simplify=True)) if value.shape else float(value.base_value)
        return out

    def _complete(self) -> None:
        """Leave the columns of the synapse type, no more and no fewer."""
        columns = self._wiring.columns
        for name, value in self.synapse_values():
            if name not in columns:
                columns[name] = float(value.base_value) if lazy.is_number(value) else np.empty(0)
        self._wiring.columns = {name: columns[name] for name in self.synapse_type.column_names}

    def _check(self, name: str, column: Any) -> None:
        if self._connector.safe:
            checks.synapse_column(name, column, self)

    def _convergent_connect(
        self, presynaptic_indices: Any, postsynaptic_index: Any, location_selector: Any = None, **parameters: Any
    ) -> None:
        if self._chunks is None:
            raise StateError(
                "connections can only be added while the projection is made.", where=str(self), remedy="Make another projection."
            )
        if isinstance(postsynaptic_index, simulator.ID):
            postsynaptic_index = self.post.id_to_index(postsynaptic_index)
        sources = [self.pre.id_to_index(i) if isinstance(i, simulator.ID) else i for i in np.atleast_1d(presynaptic_indices)]
        self._chunks.add(sources, postsynaptic_index, parameters)

    # --- ends ----------------------------------------------------------------------------------
    def ends(self, seed: int) -> network.Ends:
        """The two sides, as a rule sees them."""
        return self._populations_only().ends(self._described(None, None, seed))

    def _populations_only(self) -> network.Network:
        state = simulator.state
        return network.Network(dt=state.dt, seed=state.rng_seed, populations=tuple(p.freeze() for p in state.populations))

    def same_target(self) -> np.ndarray:
        """For each presynaptic cell the index of the very same cell among the targets, or -1."""
        same = self.ends(0).same
        return np.full(self.shape[0], -1, dtype=np.int64) if same is None else np.asarray(same)

    def same_source(self) -> np.ndarray:
        """For each postsynaptic cell the index of the very same cell among the sources, or -1."""
        same = self.same_target()
        out = np.full(self.shape[1], -1, dtype=np.int64)
        out[same[same >= 0]] = np.flatnonzero(same >= 0)
        return out

    # --- network -------------------------------------------------------------------------------
    @property
    def network_id(self) -> int:
        """Index of the projection in the network."""
        return self._network_id

    def _described(self, rule: Any, synapse: Any, seed: int) -> network.Projection:
        pre, post = self._selections
        return network.Projection(self._network_id, str(self.label), pre, post, str(self.receptor_type), rule, synapse, seed)

    def freeze(self) -> network.Projection:
        """The projection as the network describes it; the same object until something changes."""
        if self._frozen is None:
            columns = dict(self._wiring.columns)
            if self._live_weight is not None:
                columns["weight"] = self._live_weight
            plasticity = self.synapse_type.plasticity(self._rule_parameters)
            products = self.synapse_type.products()
            synapse = network.Synapse(self.synapse_type.network_model, columns, plasticity, products, reward=self._reward)
            self._frozen = self._described(self._wiring.rule, synapse, self._seed)
        return self._frozen

    def _changed(self) -> None:
        self._frozen = self._current = None
        if self._epoch == simulator.state.epoch:
            simulator.state.changed()

    def delay_bounds(self) -> tuple[float, float]:
        """Smallest and largest delay (ms)."""
        column = self._wiring.columns["delay"]
        if isinstance(column, Random):
            low, high = checks.bounds(column)
            return max(low, simulator.state.dt), high
        numbers = column if isinstance(column, float | np.ndarray) else self.current().columns["delay"]
        return float(np.min(numbers, initial=np.inf)), float(np.max(numbers, initial=0.0))

    # --- synapses ------------------------------------------------------------------------------
    def current(self) -> Current:
        """Indices and present values of all synapses, in row order."""
        now = simulator.state.t if self._is_live else -1.0
        if self._current is None or self._current[0] != now:
            rows = self._live_rows() if self._is_live else self._own_rows()
            self._current = (now, rows)
        return self._current[1]

    @property
    def _is_live(self) -> bool:
        """True if the weights are those of a running session."""
        session = simulator.state.session
        plastic = self.synapse_type.network_model in LEARNING and self._epoch == simulator.state.epoch
        if not plastic or session is None or self._network_id >= len(session.network.projections):
            return False
        return session.network.projections[self._network_id] is self._frozen

    def _live_rows(self) -> Current:
        rows = simulator.state.session.weights(self._network_id)
        return Current(rows.pre(), rows.post, dict(rows.columns))

    def _own_rows(self) -> Current:
        wiring = self._wiring
        if wiring.pre is not None and wiring.post is not None:
            columns: dict[str, Any] = dict(wiring.columns)
            if self._live_weight is not None:
                columns["weight"] = self._live_weight
            return Current(wiring.pre, wiring.post, columns)
        rows = connectivity.expand(self._populations_only(), self.freeze())
        return Current(rows.pre(), rows.post, dict(rows.columns))

    @property
    def pre_index(self) -> np.ndarray:
        """Presynaptic index of each connection, int64."""
        return self.current().pre

    @property
    def post_index(self) -> np.ndarray:
        """Postsynaptic index of each connection, int64."""
        return self.current().post

    def __len__(self) -> int:
        return len(self.current().pre)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [Connection(self, k) for k in range(*i.indices(len(self)))]
        size = len(self)
        if not -size <= i < size:
            raise IndexError(f"{self} has {size} connections, there is no number {i}.")
        return Connection(self, int(i) % size)

    @property
    def connections(self) -> Iterator[Connection]:
        """All connections, one by one."""
        return (Connection(self, i) for i in range(len(self)))

    # --- changing ------------------------------------------------------------------------------
    def set(self, **attributes: Any) -> None:
        """Set parameters of all connections.

        Values may be a number, an array (n_pre, n_post), one number per connection in row order, a
        random distribution, or a function (or expression) of the distance.
        """
        if self._epoch != simulator.state.epoch:
            raise other_setup(str(self))
        adopt_values(attributes.values())
        changes = {}
        for name, value in attributes.items():
            if name in self._rule_parameters:
                self._set_shared(name, value)
            elif name in self._wiring.columns:
                changes[name] = connection_values.column(self, name, value)
            else:
                raise UnknownParameterError(name, type(self.synapse_type).__name__, [*self._wiring.columns, *self._rule_parameters])
        for name, column in changes.items():
            self._check(name, column)
        self._keep_live_weight()
        for name, column in changes.items():
            self._wiring.columns[name] = column
            if name == "weight":
                self._live_weight = None
        self._changed()

    def _set_shared(self, name: str, value: Any) -> None:
        if np.ndim(value) or isinstance(value, LazyArray) or callable(value):
            raise UnsupportedError(
                f"'{name}' is shared by all synapses of a projection.", where=str(self), used=name, remedy="Give one number."
            )
        trial = {**self._rule_parameters, name: float(value)}
        self.synapse_type.plasticity(trial)
        self._rule_parameters = trial

    def _keep_live_weight(self) -> None:
        """Continue from the weights learned so far, not from the initial ones."""
        if self._is_live and simulator.state.t > 0:
            live = self.current()
            self.make_explicit()
            if len(live.pre) == len(self._wiring.pre):  # type: ignore[arg-type]
                self._live_weight = np.broadcast_to(np.asarray(live.columns["weight"], dtype=float), live.pre.shape).copy()

    def _restore(self) -> None:
        """Forget what was learned; called by ``reset()``."""
        if self._live_weight is not None:
            self._live_weight = None
            self._changed()
        self._current = None

    def make_explicit(self) -> Wiring:
        """Turn a rule into the table of its synapses."""
        if not self._wiring.explicit:
            rows = self._own_rows()
            self._wiring = table(rows.pre, rows.post, rows.columns, self.shape[0])
            self._frozen = self._current = None
        return self._wiring

    def set_one(self, index: int, name: str, value: float) -> None:
        """Set one parameter of one connection."""
        if name not in self._wiring.columns:
            raise UnknownParameterError(name, type(self.synapse_type).__name__, self._wiring.columns)
        self._check(name, float(value))
        self._keep_live_weight()
        wiring = self.make_explicit()
        live = name == "weight" and self._live_weight is not None
        values = self._live_weight if live else wiring.columns[name]
        if self._frozen is not None or not isinstance(values, np.ndarray):  # the network's arrays stay as they are
            values = np.array(np.broadcast_to(np.asarray(values, dtype=float), len(wiring.rule.pre)))  # type: ignore[attr-defined]
        values[index] = value
        if live:
            self._live_weight = values
            values = np.array(np.broadcast_to(np.asarray(wiring.columns[name], dtype=float), len(values)))
            values[index] = value  # what reset() goes back to
        wiring.columns[name] = values
        self._changed()

    def initialize(self, **initial_values: Any) -> None:
        """Refused: synapses start with full resources and the weight given."""
        raise UnsupportedError(
            "state variables of synapses cannot be set.", where=str(self), used=list(initial_values), remedy="Set parameters with set()."
        )

    # --- reading -------------------------------------------------------------------------------
    def get(self, attribute_names: Any, format: str, gather: Any = True, with_address: bool = True, multiple_synapses: str = "sum") -> Any:
        """Values of all connections; see PyNN's documentation.

        Static weights and all delays are those that were set, on chips too; learned weights are those of now. What a chip
        makes of them is in ``losses()``, and what it holds in the network that runs, which the guide shows how to read.

        Parameters
        ----------
        format
            ``"list"`` gives tuples ``(pre, post, value, ...)``, ``"array"`` gives (n_pre, n_post)
            matrices that hold NaN where there is no connection.
        multiple_synapses
            What a matrix shows where a pair is connected several times: ``sum``, ``min``, ``max``,
            ``first`` or ``last``.
        """
        single = isinstance(attribute_names, str)
        names = [attribute_names] if single else list(attribute_names)
        values = [connection_values.values(self, name) for name in names]
        current = self.current()
        if format == "list":
            return connection_values.as_list(current, values, with_address, single)
        if format != "array":
            raise InvalidValueError(
                f"format '{format}' is not known.", where=str(self), used=format, limit=("list", "array"), remedy="Use 'list' or 'array'."
            )
        matrices = [connection_values.as_matrix(current, value, self.shape, multiple_synapses) for value in values]
        return matrices[0] if single else matrices


def _check_ends(pre: Any, post: Any, synapse_type: Any, receptor_type: str | None) -> None:
    for side, cells in (("pre", pre), ("post", post)):
        if not hasattr(cells, "selection_parts"):
            raise ConnectError(
                f"{side}synaptic_neurons must be a Population, PopulationView or Assembly, not {type(cells).__name__}.",
                where="Projection",
                remedy="Use pop[i:i+1] for one cell.",
            )
        for population, _ in cells.selection_parts():
            if population._epoch != simulator.state.epoch:
                raise other_setup(f"Population '{population.label}'")
    where = f"Projection to '{post.label}'"
    if not post.receptor_types:
        raise ConnectError("the postsynaptic cells have no synapses.", where=where, remedy="Connect to neurons, not to spike sources.")
    if receptor_type not in (None, "default", *post.receptor_types):
        known = list(post.receptor_types)
        raise ConnectError(
            f"receptor_type '{receptor_type}' is not one of: {', '.join(known)}.",
            where=where,
            used=receptor_type,
            limit=known,
            remedy=f"Use '{known[0]}', for example.",
        )
    if synapse_type is not None and not isinstance(synapse_type, SynapseModel):
        raise SynapseTypeError(
            f"synapse_type is a {type(synapse_type).__name__}.",
            where=where,
            used=synapse_type,
            remedy="Use sim.StaticSynapse() or another of sim's synapses.",
        )


class SynapseTypeError(ConnectError, TypeError):
    """The synapse type is not one of this backend."""
