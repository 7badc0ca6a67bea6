"""Refuse packages that were imported under a wrong name."""

from __future__ import annotations


def refuse_bare_import(name: str, expected: str) -> None:
    """Raise unless the calling package was imported as ``expected``.

    ``chips/`` and ``mapping/`` lie at the top of a checkout, so ``import chips`` works there by
    accident; every class would then exist twice. Call it as
    ``refuse_bare_import(__name__, "neurosim.chips")``.

    Raises
    ------
    ImportError
        If ``name`` is not ``expected``.
    """
    if name != expected:
        raise ImportError(f"package '{expected}' was imported as '{name}'. Write 'import {expected}'.", name=name)
