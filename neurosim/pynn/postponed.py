"""Imports that PyNN's packages do ahead of need, put off until something of them is used.

PyNN loads ``csa``, which draws in matplotlib, for one connector; lazyarray loads ``scipy.sparse``
only to ask whether a value is a sparse matrix, and looks through all of NumPy for its
mathematical functions, which loads every part of it. Together they take longer than all else that
a small script does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Postponed(ModuleType):
    """Stands for a module that is imported when an attribute is first asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _remove(self)
        return getattr(import_module(self.__name__), name)


class _Sparse(_Postponed):
    """Stands for ``scipy.sparse``: before anything has imported it there are no sparse matrices."""

    def issparse(self, value: object) -> bool:
        """Whether a value is a sparse matrix."""
        real = sys.modules.get(self.__name__)
        return real is not None and real is not self and bool(real.issparse(value))


@contextmanager
def postponed(*names: str) -> Iterator[None]:
    """What is imported inside gets stand-ins for these modules, unless they are loaded already."""
    stand_ins = [(_Sparse if name == "scipy.sparse" else _Postponed)(name) for name in names if _is_to_come(name)]
    for module in stand_ins:
        sys.modules[module.__name__] = module
        parent, _, child = module.__name__.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
    try:
        yield
    finally:
        for module in stand_ins:
            _remove(module)


def _is_to_come(name: str) -> bool:
    """Whether a module can be imported and is not yet."""
    return name not in sys.modules and find_spec(name) is not None


def _remove(module: ModuleType) -> None:
    """Let the real module be imported from now on."""
    name = module.__name__
    if sys.modules.get(name) is module:
        del sys.modules[name]
    parent, _, child = name.rpartition(".")
    if parent and vars(sys.modules[parent]).get(child) is module:
        delattr(sys.modules[parent], child)
