"""State of the simulation: what was set up, which objects exist, and the session that runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from pyNN import common

from neurosim.errors import StateError
from neurosim.pynn import overrides
from neurosim.pynn._errors import UnknownParameterError, not_set_up, pointing_to_explain

if TYPE_CHECKING:
    from neurosim.live import Hub
    from neurosim.network import Network
    from neurosim.pynn.electrodes import CurrentSource
    from neurosim.pynn.populations import Population
    from neurosim.pynn.projections import Projection

name = "neurosim"

DEFAULT_SEED = 20130901


#: Keywords of ``setup()`` that a session takes as they are.
_OF_SESSION = ("threads", "precision", "pace", "max_memory", "progress", "record_to", "overwrite", "working_point", "cost")


class ID(int, common.IDMixin):
    """One cell: an integer that knows its population and gives access to the cell's parameters.

    Made on demand when a population is indexed; two of them for one cell are equal.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "parent":
            raise AttributeError(name)
        if name != "set" and not self.celltype.has_parameter(name):
            raise UnknownParameterError(name, type(self.celltype).__name__, self.celltype.get_parameter_names())
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        ours = name in ("parent", "position") or name.startswith("_")
        if not ours and not self.celltype.has_parameter(name):
            raise UnknownParameterError(name, type(self.celltype).__name__, self.celltype.get_parameter_names())
        super().__setattr__(name, value)

    @property
    def local(self) -> bool:
        """Always true: there is one process."""
        return True


class State(common.control.BaseState):
    """Everything that one ``setup()`` owns.

    Attributes
    ----------
    settings
        Keywords of ``setup()`` as they are in force.
    epoch
        Number of ``setup()`` calls so far; objects of different epochs cannot be connected.
    populations, projections, currents
        Objects of the network, in order of creation; the position is the id in the network.
    session
        The running session, ``None`` before the first ``run()``.
    live
        Live inputs and outputs, ``None`` if there are none.
    """

    mpi_rank = 0
    num_processes = 1

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 0
        self.live: Hub | None = None
        self.rng_seed = DEFAULT_SEED
        self.settings: dict[str, Any] = {}
        self.clear()

    def clear(self) -> None:
        """Forget the network and everything that waited to be written."""
        self.replayed_s = 0.0
        self.epoch += 1
        self.close_live()
        self.live = None
        self.ready = False
        self.running = False
        self.recorders: set[Any] = set()
        self.write_on_end: list[Any] = []
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.currents: list[CurrentSource] = []
        self.pins: list[Any] = []
        self.placing: dict[str, Any] = {}
        self.network: Network | None = None
        self.session: Any = None
        self.fit: Any = None
        self.dt = 0.1
        self.t = 0.0
        self.t_start = 0.0
        self.asked_min_delay: float | str = "auto"
        self.asked_max_delay: float | str = "auto"
        self.segment_counter = 0
        self.id_counter = 1
        self.n_seeds = 0

    def start(self, settings: dict[str, Any]) -> None:
        """Begin a new, empty simulation."""
        self.clear()
        self.settings = settings
        self.rng_seed = settings["rng_seed"]
        self.dt = settings["timestep"]
        self.asked_min_delay, self.asked_max_delay = settings["min_delay"], settings["max_delay"]
        self.ready = True

    def close_live(self) -> None:
        """Close the sockets of live inputs and outputs; what they counted stays."""
        if self.live is not None:
            self.live.close()

    def require(self, what: str) -> None:
        """Raise :class:`StateError` unless ``setup()`` was called and ``end()`` was not."""
        if not self.ready:
            raise not_set_up(what)

    # --- delays ------------------------------------------------------------------------------
    @property
    def min_delay(self) -> float:
        """Smallest delay allowed, or with ``min_delay='auto'`` the smallest there is (ms)."""
        if self.asked_min_delay != "auto":
            return float(self.asked_min_delay)
        return min((p.delay_bounds()[0] for p in self.projections), default=self.dt)

    @property
    def max_delay(self) -> float:
        """Largest delay allowed, or with ``max_delay='auto'`` the largest there is (ms)."""
        if self.asked_max_delay != "auto":
            return float(self.asked_max_delay)
        return max((p.delay_bounds()[1] for p in self.projections), default=self.dt)

    def default_delay(self) -> float:
        """Delay of synapses that were given none (ms)."""
        return self.dt if self.asked_min_delay == "auto" else float(self.asked_min_delay)

    # --- time --------------------------------------------------------------------------------
    def changed(self) -> None:
        """Note that the network must be frozen again before the next run."""
        self.network = None
        self.fit = None

    def run_until(self, time_ms: float) -> None:
        """Advance to ``time_ms``; what was recorded is kept if the run is interrupted."""
        self.require("run()")
        session = self.open()
        session.live = self.live
        self.running = True
        try:
            with overrides.stage("run"):
                session.run_until(time_ms, progress=self.settings.get("progress"))
        finally:
            self.t = float(session.t_ms)

    def run(self, simtime_ms: float) -> None:
        """Advance by ``simtime_ms``."""
        self.run_until(self.t + simtime_ms)

    def reset(self) -> None:
        """Go back to t = 0 and begin a new segment."""
        for projection in self.projections:
            projection._restore()
        if self.session is not None:
            self.session.reset()
        self.running = False
        self.t = 0.0
        self.segment_counter += 1

    # --- network and session -------------------------------------------------------------------
    def freeze(self) -> Network:
        """The network as it stands; unchanged parts are the very objects of the last freeze."""
        if self.network is None:
            from neurosim.pynn.freeze import freeze

            self.network = freeze(self)
        return self.network

    def open(self) -> Any:
        """The session, made at the first call and told of every change of the network."""
        network = self.freeze()
        with pointing_to_explain():
            if self.session is None:
                self.session = self._make_session(network)
                overrides.opened(self.session)
            elif network is not self.session.network:  # also what an earlier run could not take over
                self.session.update(network)
        return self.session

    def _make_session(self, network: Network) -> Any:
        settings = self.settings
        chip, approximate, pins = settings["chip"], tuple(settings["approximate"]), tuple(self.pins)
        placing = placing_of(self)
        overrides.frozen(network, chip, approximate, pins, placing)
        options = {key: settings[key] for key in _OF_SESSION}
        options["slice_ms"] = settings["time_slice"]
        with overrides.stage("place"):
            return session_class()(network, chip, approximate=approximate, pins=pins, placing=placing, **options)

    def require_session(self, what: str) -> Any:
        """The session; :class:`StateError` if nothing was run yet."""
        if self.session is None:
            raise StateError(f"{what} needs a run first.", remedy="Call run() before.")
        return self.session


def placing_of(state: State) -> Any:
    """What the script asked of placement, beside pins; ``None`` if nothing."""
    if not state.placing:
        return None
    from neurosim.mapping import Options

    return Options(**state.placing, chip=overrides.own_chip(state.settings["chip"]))


def _default_session_class() -> Any:
    from neurosim.session import Session

    return Session


session_class: Callable[[], Any] = _default_session_class
"""Gives the class of sessions; a function, so that importing this module loads no engine."""

state = State()


def as_ids(cells: np.ndarray) -> np.ndarray:
    """Plain int64 array of the ids in ``cells``."""
    return np.asarray(cells, dtype=np.int64)
