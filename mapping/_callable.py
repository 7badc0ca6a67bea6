"""Makes ``neurosim.mapping`` callable: ``sim.mapping()`` is the mapping of the current network.

Importing a subpackage sets it as an attribute of its parent, so ``neurosim.mapping`` is this
package from the first import on and hides any function of that name. The package is therefore
given a class that can be called. Who keeps the current mapping says so with :func:`answer_with`
(the PyNN front end does); this room imports nothing from above.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from neurosim.errors import StateError


class CallableModule(ModuleType):
    """A module that, when called, asks the registered provider for the current mapping."""

    _provider: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Mapping of the current network (``None`` on the ideal reference)."""
        provider = CallableModule._provider
        if provider is None:
            raise StateError("there is no mapping yet.", where="mapping()", remedy="Call setup(chip=...) and run() first.")
        return provider(*args, **kwargs)


def make_callable(module_name: str) -> None:
    """Let the package ``module_name`` be called; its last line is ``make_callable(__name__)``."""
    sys.modules[module_name].__class__ = CallableModule


def answer_with(provider: Callable[..., Any]) -> None:
    """Let ``neurosim.mapping()`` return ``provider()``."""
    CallableModule._provider = provider
