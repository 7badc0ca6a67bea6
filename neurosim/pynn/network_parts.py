"""From a population's values to :class:`neurosim.network.Population`, and the arrays in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pyNN.parameters import ArrayParameter, LazyArray, ParameterSpace, Sequence

from neurosim import network
from neurosim.pynn import checks
from neurosim.pynn._errors import InvalidShapeError

if TYPE_CHECKING:
    from neurosim.pynn.populations import Population


def owned(value: Any, name: str) -> Any:
    """A copy in its plain form: a float, a float64 array, a Sequence or an array of Sequences."""
    if isinstance(value, ArrayParameter):
        return Sequence(np.array(value.value, dtype=float))
    if isinstance(value, np.ndarray) and value.dtype == object:
        out = np.empty(len(value), dtype=object)
        out[:] = [Sequence(np.array(getattr(item, "value", item), dtype=float)) for item in value]
        return out
    return float(value) if np.ndim(value) == 0 else np.array(value, dtype=float)


def chosen(value: Any, indices: np.ndarray) -> Any:
    """Values of some cells; one value if they all share it."""
    if not isinstance(value, np.ndarray):
        return value
    some = value[indices]
    if some.dtype == object:
        return some[0] if len(some) == 1 else some
    return float(some[0]) if len(some) and (some == some[0]).all() else some


def merged(old: Any, new: Any, indices: np.ndarray, size: int) -> Any:
    """``old`` with ``new`` at some cells; a single value if these are all cells and share it."""
    if len(indices) == size and (not isinstance(new, np.ndarray) or (new.shape == (size,) and (np.diff(indices) > 0).all())):
        return new
    if (
        old is not None
        and not isinstance(old, np.ndarray)
        and not isinstance(new, np.ndarray)
        and not isinstance(new, ArrayParameter)
        and old == new
    ):
        return old
    spread = np.empty(size, dtype=object if isinstance(new, ArrayParameter) or _is_object(new) else float)
    spread[:] = old
    spread[indices] = new
    return spread


def _is_object(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == object


def evaluated(value: Any, size: int) -> Any:
    """Numbers of a lazy value for ``size`` cells: a float, or a float64 array."""
    lazy = LazyArray(value, shape=(size,), dtype=float)
    numbers = lazy.evaluate(simplify=True)
    return float(numbers) if np.ndim(numbers) == 0 else np.array(np.broadcast_to(numbers, (size,)), dtype=float)


def wrong_size(population: Any, parameters: ParameterSpace) -> InvalidShapeError:
    """Error for parameter arrays whose length is not the number of cells."""
    for name, value in parameters.items():
        shape = getattr(value.base_value, "shape", ())
        if shape and shape != (population.size,):
            return InvalidShapeError(
                f"'{name}' has {shape[0]} values for {population.size} cells.",
                where=f"Population '{population.label}'",
                used=shape[0],
                limit=population.size,
                remedy="Give one value, or one per cell.",
            )
    return InvalidShapeError("an array does not fit.", where=f"Population '{population.label}'", remedy="Give one value, or one per cell.")


def population(source: Population) -> network.Population:
    """The population as the network describes it."""
    celltype, values = source.celltype, source._parameters
    where = f"Population '{source.label}'"
    checks.thresholds(where, values)
    return network.Population(
        id=source.network_id,
        label=source.label,
        size=source.size,
        model=celltype.network_model,
        parameters=celltype.network_parameters(values),
        receptors=celltype.network_receptors(values),
        initial=_initial(source),
        spike_times=_spike_times(source),
        positions=_positions(source),
        cell_type=type(celltype).__name__,
    )


def _positions(source: Population) -> Any:
    """Positions (size, 3) in um; ``None`` for the default line and where the structure cannot give any."""
    if source.lies_on_default_line:
        return None
    try:
        return np.ascontiguousarray(source.positions.T, dtype=float)
    except Exception:  # noqa: BLE001 - PyNN raises it again for whoever needs a distance
        return None


def _initial(source: Population) -> dict[str, Any]:
    out = {}
    for name, value in source._initial.items():
        synaptic = name.startswith(("gsyn_", "isyn_")) or "." in name
        if not synaptic or np.any(value):
            out[source.celltype.network_variable(name)] = value
    return out


def _spike_times(source: Population) -> tuple[np.ndarray, ...] | None:
    if source.celltype.fires_when_told:
        return (np.empty(0),) * source.size
    trains = source._parameters.get("spike_times")
    if trains is None:
        return None
    each = trains if isinstance(trains, np.ndarray) else [trains] * source.size
    return tuple(train.value for train in each)
