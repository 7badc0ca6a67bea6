"""Packages that are functions too: ``sim.mapping()`` and ``sim.losses()``.

Importing a submodule sets it as an attribute of its parent, so ``neurosim.mapping`` is that
package from the first import on and hides a function of the same name. Such a module is given a
class that can be called; who knows the answer registers it with :func:`answer_for` (the PyNN
front end does), so that no room imports from above.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_PROVIDERS: dict[str, Callable[..., Any]] = {}


class CallableModule(ModuleType):
    """A module that, when called, asks its provider."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer for the current network.

        Raises
        ------
        StateError
            If there is no network.
        """
        provider = _PROVIDERS.get(self.__name__)
        if provider is None:
            from neurosim.errors import StateError

            name = self.__name__.removeprefix("neurosim.")
            raise StateError("there is no network yet.", where=f"{name}()", remedy="Call setup(chip=...) first.")
        return provider(*args, **kwargs)


def make_callable(module_name: str) -> None:
    """Let the module be called; its last line is ``make_callable(__name__)``."""
    sys.modules[module_name].__class__ = CallableModule


def answer_for(module_name: str, provider: Callable[..., Any]) -> None:
    """Let calling the module ``module_name`` return ``provider()``; the module need not be loaded yet."""
    _PROVIDERS[module_name] = provider
