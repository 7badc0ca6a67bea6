"""neurosim's errors that are PyNN's error classes too, so that ``except`` clauses of both kinds work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pyNN import errors as pynn

from neurosim.errors import NetworkError, NeurosimError, ParameterError, PlacementError, StateError, UnknownNameError, nearest


class InvalidValueError(ParameterError, pynn.InvalidParameterValueError):
    """A parameter has a value its model cannot have."""


class InvalidShapeError(ParameterError, pynn.InvalidDimensionsError):
    """An array has not the shape of what it is set on."""


class ConnectError(NetworkError, pynn.ConnectionError):
    """A projection cannot be made or changed as asked."""


class NotInjectableError(NeurosimError, TypeError):
    """A current was injected into something that has no membrane."""


class NotRecordableError(NetworkError, pynn.RecordingError):
    """A variable is not one that the cell type has."""

    def __init__(self, message: str, *, variable: str, known: Iterable[str], where: str) -> None:
        NeurosimError.__init__(self, message, where=where, used=variable, limit=tuple(known), remedy=f"Recordable: {', '.join(known)}.")

    __str__ = NeurosimError.__str__


class UnknownParameterError(UnknownNameError, pynn.NonExistentParameterError, AttributeError):
    """A model has no parameter of that name."""

    def __init__(self, name: str, model: str, known: Iterable[str]) -> None:
        names = sorted(known)
        guess = nearest(name, names)
        Exception.__init__(self, name)
        self.message, self.where = f"unknown parameter '{name}'.", model
        self.used, self.limit = name, names
        self.remedy = f"Did you mean '{guess}'? " if guess else ""
        self.remedy += f"Parameters of {model}: {', '.join(names)}."
        self.parameter_name, self.model_name, self.valid_parameter_names = name, model, names

    __str__ = NeurosimError.__str__


def not_set_up(what: str) -> StateError:
    """Error for a call that needs a ``setup()`` first."""
    return StateError(f"{what} needs a simulation that was set up.", remedy="Call setup() first; after end(), call it again.")


def other_setup(what: str) -> ConnectError:
    """Error for objects of different set-ups in one network."""
    return ConnectError(
        "belongs to an earlier setup().", where=what, remedy="Make all populations after the last setup() and connect only those."
    )


@contextmanager
def pointing_to_explain() -> Iterator[None]:
    """A network that does not fit is refused with the name of the function that says more."""
    try:
        yield
    except PlacementError as error:
        raise error.with_remedy(f"{error.remedy} explain() shows the numbers.".strip()) from None
