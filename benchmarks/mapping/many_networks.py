"""Random networks of all kinds of rules, and the five networks that whole maps are checked on."""

from __future__ import annotations

import numpy as np

from benchmarks.mapping import misfits, whole
from neurosim.connectivity import AllToAll, Bernoulli, FixedIn, FixedOut, FixedTotal, OneToOne, Table
from neurosim.network import Network, Rule

Rng = np.random.Generator


def grid(side: int = 8, size: int = 448, seed: int = 1) -> Network:
    """Populations on a grid, each projecting to itself and its four neighbours, created in random order."""
    created = np.random.default_rng(seed).permutation(side * side)
    populations = [misfits.cells(n, size, f"g{n:02d}") for n in range(side * side)]
    links: list[tuple[int, int, Rule]] = []
    for place in range(side * side):
        x, y = divmod(place, side)
        near = [(x, y), (x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)]
        inside = [a * side + b for a, b in near if 0 <= a < side and 0 <= b < side]
        links += [(int(created[place]), int(created[other]), Bernoulli(0.05)) for other in inside]
    return misfits.network(populations, links)


#: Network and boards of Loihi that hold it; the other machines hold each of them on one.
WHOLE = {
    "balanced network, 4,000": (whole.balanced, 1),
    "microcircuit at a tenth": (lambda: whole.circuit(0.1), 9),
    "sheet of 20,000": (lambda: whole.sheet(125, 160, 100), 6),
    "chain of 60 layers": (whole.layers, 1),
    "8 x 8 populations": (grid, 1),
}


def drawn(seed: int) -> Network:
    """One to five populations of up to 2,000 cells, some of them sources, with one to six projections of any rule."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    sizes = np.exp(rng.uniform(np.log(5), np.log(2000), n)).astype(int).tolist()
    is_source = [k > 0 and rng.random() < 0.2 for k in range(n)]
    make = [misfits.noise if source else misfits.cells for source in is_source]
    populations = [make[k](k, size, f"p{k}") for k, size in enumerate(sizes)]
    neurons = [k for k in range(n) if not is_source[k]]
    links = []
    for _ in range(int(rng.integers(1, 7))):
        a, b = int(rng.integers(n)), int(rng.choice(neurons))
        links.append((a, b, _rule(rng, sizes[a], sizes[b])))
    return misfits.network(populations, links)


def _rule(rng: Rng, n_pre: int, n_post: int) -> Rule:
    """A rule of a random kind; half of them give the synapses one by one, with some order in them or none."""
    few = int(rng.integers(1, 30))
    plain: list[Rule] = [
        AllToAll() if n_pre * n_post < 300_000 else Bernoulli(1e5 / (n_pre * n_post)),
        Bernoulli(float(rng.uniform(0.0, 0.1)) * min(1.0, 2e6 / (n_pre * n_post))),
        FixedIn(few, with_replacement=True),
        FixedOut(few, with_replacement=True),
        FixedTotal(few * n_pre, with_replacement=True),
        OneToOne(),
    ]
    kind = int(rng.integers(12))
    return plain[kind] if kind < 6 else _listed(rng, n_pre, n_post, few)


def _listed(rng: Rng, n_pre: int, n_post: int, degree: int) -> Table:
    """Targets near a place that belongs to each source, or anywhere; cells numbered at random or in order."""
    pre = np.repeat(np.arange(n_pre), degree)
    width = float(rng.choice([2.0, 20.0, 1e9]))
    target = (pre * n_post // n_pre + np.rint(rng.normal(0, min(width, n_post), len(pre))).astype(np.int64)) % n_post
    if rng.random() < 0.7:
        pre, target = rng.permutation(n_pre)[pre], rng.permutation(n_post)[target]
    return Table(pre, target)
