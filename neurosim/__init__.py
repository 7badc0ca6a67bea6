"""neurosim: PyNN networks on simulated neuromorphic chips.

``import neurosim as sim`` is a PyNN backend (:mod:`neurosim.pynn`) with three additions:
``sim.setup(chip=...)``, ``sim.place(...)`` and ``sim.mapping()``. Start reading at
:mod:`neurosim.network` (what every stage reads), then :mod:`neurosim.session` (the order of the
stages). Names are resolved when first used, so this import loads neither PyNN nor numba.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from neurosim._cache import use_own_cache
from neurosim._names import CORE, PYNN, ROOMS

if TYPE_CHECKING:  # what an editor shows; `mapping` is a package that can be called
    from neurosim.errors import LossWarning as LossWarning
    from neurosim.errors import NeurosimError as NeurosimError
    from neurosim.pynn import *  # noqa: F403
    from neurosim.pynn import mapping as mapping
    from neurosim.session import Session as Session

__version__ = "0.4.0"
__all__ = sorted({*ROOMS, *CORE, *PYNN})  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]

use_own_cache()


def __getattr__(name: str) -> Any:
    if name in ROOMS:
        return import_module(f"neurosim.{name}")
    if name in CORE:
        return getattr(import_module(CORE[name]), name)
    if name in PYNN:
        return getattr(_backend(), name)
    raise AttributeError(_unknown(name), name=name, obj=None)


def _backend() -> ModuleType:
    """The PyNN interface; what loading it makes stays, so the garbage collector need not look through it."""
    if "neurosim.pynn" in sys.modules or not gc.isenabled():
        return import_module("neurosim.pynn")
    gc.disable()
    try:
        module = import_module("neurosim.pynn")
        gc.freeze()
    finally:
        gc.enable()
    return module


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _unknown(name: str) -> str:
    from neurosim.errors import nearest

    guess = None if name.startswith("_") else nearest(name, __all__)
    return f"module 'neurosim' has no attribute '{name}'." + (f" Did you mean '{guess}'?" if guess else "")
