"""Comparisons that gates are made of."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.harness.cases import NEUROSIM, Found, Gate


def near(what: str, quantity: str, found: dict[str, Found], peer: str, tolerance: float, ours: str = NEUROSIM) -> Gate:
    """A number of ours is within ``tolerance`` (a share) of a peer's."""
    missing = _missing(what, quantity, found, ours, peer)
    if missing:
        return missing
    mine, theirs = found[ours][quantity], found[peer][quantity]
    return Gate(what, _close(mine, theirs, tolerance), f"{mine:.4g}, {peer} {theirs:.4g} (tolerance {tolerance:.0%})")


def near_published(what: str, mine: Sequence[float], published: Sequence[float], tolerance: float) -> Gate:
    """Every number is within ``tolerance`` (a share) of the published one."""
    passed = all(_close(a, b, tolerance) for a, b in zip(mine, published, strict=True))
    words = f"{_list(mine)}, published {_list(published)}; worst {_worst(mine, published):+.1%} (tolerance {tolerance:.0%})"
    return Gate(what, passed, words)


def lists_near(what: str, quantity: str, found: dict[str, Found], peer: str, *, share: float = 0.0, absolute: float = 0.0) -> Gate:
    """Every number of a list is within ``absolute`` + ``share`` of the peer's number."""
    missing = _missing(what, quantity, found, NEUROSIM, peer)
    if missing:
        return missing
    mine, theirs = found[NEUROSIM][quantity], found[peer][quantity]
    passed = all(abs(a - b) <= absolute + share * abs(b) for a, b in zip(mine, theirs, strict=True))
    allowed = " + ".join([f"{share:.0%}"] * bool(share) + [f"{absolute:g}"] * bool(absolute))
    return Gate(what, passed, f"{_list(mine)}, {peer} {_list(theirs)} (tolerance {allowed})")


def _missing(what: str, quantity: str, found: dict[str, Found], ours: str, peer: str) -> Gate | None:
    for side in (ours, peer):
        if quantity not in found.get(side, {}):
            return Gate(what, None, f"not checked: nothing from {side}")
    return None


def _close(mine: float, theirs: float, tolerance: float) -> bool:
    return abs(mine - theirs) <= tolerance * abs(theirs)


def _worst(mine: Sequence[float], theirs: Sequence[float]) -> float:
    return max(((a - b) / b for a, b in zip(mine, theirs, strict=True)), key=abs)


def _list(numbers: Sequence[float]) -> str:
    return " ".join(f"{number:.3g}" for number in numbers)
