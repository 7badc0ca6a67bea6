"""Row counts of a fixed total: exact multinomial or hypergeometric splits over a binary tree.

The rows ``lo .. hi - 1`` hold ``n`` synapses; how many of them lie in the lower half is one draw,
keyed by the middle ``mid``, which names a node of the tree. Following only the branches that meet
the rows asked for gives the same counts for every block, and all rows sum to ``n`` exactly.

References
----------
Loader: Fast and accurate computation of binomial probabilities, 2000 (the saddle-point form).
"""

from __future__ import annotations

import math

import numpy as np

from neurosim._jit import entry, inner
from neurosim.connectivity.random import row_key, uniform


@inner()
def _stirling_error(n):
    """``log(n!)`` less Stirling's formula, for ``n`` >= 1."""
    if n <= 15.0:
        return math.lgamma(n + 1.0) - (n + 0.5) * math.log(n) + n - 0.9189385332046728
    square = n * n
    return (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * square)) / square) / square) / n


@inner()
def _deviance(k, mean):
    """``k * log(k / mean) + mean - k`` without cancellation for ``k`` near ``mean``."""
    d = (k - mean) / mean
    return mean * ((1.0 + d) * math.log1p(d) - d)


@inner()
def binomial_pmf(k, n, p):
    """Probability of ``k`` successes in ``n`` (floats with integer values), 0 < p < 1."""
    if k == 0.0:
        return math.exp(n * math.log1p(-p))
    if k == n:
        return math.exp(n * math.log(p))
    rest = n - k
    log = _stirling_error(n) - _stirling_error(k) - _stirling_error(rest) - _deviance(k, n * p) - _deviance(rest, n * (1.0 - p))
    return math.exp(log) * math.sqrt(n / (6.283185307179586 * k * rest))


@inner()
def _ratio(k, n, good, bad, replace):
    """Probability of ``k + 1`` over that of ``k``."""
    if replace:
        return (n - k) / (k + 1.0) * (good / bad)
    return (n - k) / (k + 1.0) * ((good - k) / (bad - n + k + 1.0))


@inner()
def _mode(n, good, bad, replace):
    """Most probable count and its probability."""
    total = good + bad
    if replace:
        k = min(n, np.floor((n + 1.0) * (good / total)))
        return k, binomial_pmf(k, n, good / total)
    k = np.floor((n + 1.0) * ((good + 1.0) / (total + 2.0)))
    k = max(0.0, n - bad, min(k, n, good))
    p = n / total
    return k, binomial_pmf(k, good, p) * binomial_pmf(n - k, bad, p) / binomial_pmf(n, total, p)


@inner()
def split(u, n, good, bad, replace):
    """How many of ``n`` draws out of ``good + bad`` are good, from one uniform ``u``.

    Binomial if ``replace``, else hypergeometric; all float64 with integer values. The sum runs
    from the mode outwards and takes about as many steps as the standard deviation.
    """
    low = 0.0 if replace else max(0.0, n - bad)
    high = n if replace else min(n, good)
    if good == 0.0 or n == 0.0:
        return 0.0
    if bad == 0.0 or low == high:
        return high
    mode, up = _mode(n, good, bad, replace)
    above = below = mode
    down = up
    u -= up
    while u > 0.0 and (up > 1e-20 or down > 1e-20):
        up = up * _ratio(above, n, good, bad, replace) if above < high else 0.0
        above += 1.0
        if u <= up:
            return above
        u -= up
        down = down / _ratio(below - 1.0, n, good, bad, replace) if below > low else 0.0
        below -= 1.0
        if u <= down:
            return below
        u -= down
    return mode


@entry(nogil=True)
def split_columns(base, totals, edges, excluded, replace, out_counts):
    """Numbers of synapses of each column in each leaf of rows; they sum to ``totals`` of the column.

    ``edges`` int64 (n_leaves + 1,) are the first rows of the leaves, a power of two of them;
    ``excluded`` the row that each column may not have; ``out_counts`` int32 (n_columns, n_leaves).
    """
    n_leaves = len(edges) - 1
    for column in range(len(totals)):
        key, own = row_key(base, column), excluded[column]
        out_counts[column, 0] = totals[column]
        width = n_leaves
        while width > 1:
            for lo in range(0, n_leaves, width):
                mid, hi = lo + width // 2, lo + width
                good = edges[mid] - edges[lo] - (1 if edges[lo] <= own < edges[mid] else 0)
                bad = edges[hi] - edges[mid] - (1 if edges[mid] <= own < edges[hi] else 0)
                held = np.float64(out_counts[column, lo])
                left = split(uniform(key, mid), held, np.float64(good), np.float64(bad), replace)
                out_counts[column, lo] = left
                out_counts[column, mid] = held - left
            width //= 2


@entry(allocates=True, nogil=True)
def count_rows(base, n, cells, start, stop, replace, out_counts):
    """Numbers of synapses of rows ``start .. stop - 1`` when all rows hold ``n`` together.

    ``cells`` int64 (n_pre + 1,): candidate pairs before each row, cumulated.
    """
    stack = np.empty((128, 3), np.int64)
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, len(cells) - 1, n
    depth = 1
    while depth > 0:
        depth -= 1
        lo, hi, held = stack[depth, 0], stack[depth, 1], stack[depth, 2]
        if hi <= start or lo >= stop:
            continue
        if hi - lo == 1:
            out_counts[lo - start] = held
            continue
        mid = (lo + hi) // 2
        good, bad = np.float64(cells[mid] - cells[lo]), np.float64(cells[hi] - cells[mid])
        left = np.int64(split(uniform(row_key(base, mid), 0), np.float64(held), good, bad, replace))
        stack[depth, 0], stack[depth, 1], stack[depth, 2] = lo, mid, left
        stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = mid, hi, held - left
        depth += 2
