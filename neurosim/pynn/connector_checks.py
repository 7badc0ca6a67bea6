"""Stock connectors whose settings are checked with an error that explains itself.

Stock PyNN answers an impossible probability or number with a bare ``AssertionError``, or takes it
in silence. A number of connections above the number of cells is possible: PyNN defines that all
pairs are then connected once before any is connected again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN import connectors as stock
from pyNN.random import RandomDistribution

from neurosim.pynn._errors import InvalidValueError


class FixedProbabilityConnector(stock.FixedProbabilityConnector):
    """Each pair is connected with the same probability; see PyNN's documentation."""

    def __init__(self, p_connect: float, *arguments: Any, **options: Any) -> None:
        check_probability(p_connect, type(self).__name__)
        super().__init__(p_connect, *arguments, **options)


class FixedNumberPreConnector(stock.FixedNumberPreConnector):
    """Each target gets ``n`` sources; see PyNN's documentation."""

    def __init__(self, n: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(checked_number(n, type(self).__name__), *arguments, **options)


class FixedNumberPostConnector(stock.FixedNumberPostConnector):
    """Each source gets ``n`` targets; see PyNN's documentation."""

    def __init__(self, n: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(checked_number(n, type(self).__name__), *arguments, **options)


class FixedTotalNumberConnector(stock.FixedTotalNumberConnector):
    """``n`` connections in all; see PyNN's documentation."""

    def __init__(self, n: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(checked_number(n, type(self).__name__), *arguments, **options)


STANDS_FOR: dict[type, type] = {
    FixedProbabilityConnector: stock.FixedProbabilityConnector,
    FixedNumberPreConnector: stock.FixedNumberPreConnector,
    FixedNumberPostConnector: stock.FixedNumberPostConnector,
    FixedTotalNumberConnector: stock.FixedTotalNumberConnector,
}
"""The stock class that each of these is, but for its checks."""


def check_probability(p: Any, where: str) -> None:
    """Raise :class:`InvalidValueError` unless ``p`` is one number from 0 to 1."""
    if np.ndim(p) or isinstance(p, str) or not 0 <= p <= 1:
        raise InvalidValueError(
            f"the connection probability {p} is not between 0 and 1.", where=where, used=p, limit=(0, 1), remedy="Give 0 to 1."
        )


def checked_number(n: Any, where: str) -> Any:
    """A number of connections as an ``int``, or a distribution of them.

    Raises
    ------
    InvalidValueError
        If it is negative or not a whole number.
    """
    if isinstance(n, RandomDistribution):
        return n
    whole = isinstance(n, int | np.integer) and not isinstance(n, bool)
    if not whole or n < 0:
        raise InvalidValueError(
            f"the number of connections, {n!r}, is not a whole number of 0 or more.",
            where=where,
            used=n,
            limit=0,
            remedy="Give an int or a RandomDistribution of whole numbers.",
        )
    return int(n)
