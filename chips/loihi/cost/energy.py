"""Energy: exact sums of counts times a table."""

from __future__ import annotations

from neurosim.chips.loihi.cost.arrays import Floats, Int64


def by_row(counts: Int64, energy_pj: Floats) -> Floats:
    """Energy of each row of counts (steps, cores or populations), pJ, float64 (n,).

    Parameters
    ----------
    counts
        Events, int64 (n, 12).
    energy_pj
        Energy of one event of each kind, float64 (12,).

    Notes
    -----
    E = sum over events of number times energy. Counts are whole numbers, so whichever way the events
    of a run are split, the parts add up to the same energy but for the last bit.
    """
    return counts @ energy_pj


def by_event(counts: Int64, energy_pj: Floats) -> Floats:
    """Energy of each kind of event in all rows, pJ, float64 (12,)."""
    return counts.sum(axis=0) * energy_pj
