"""The learning engine as it is written down, one synapse, one neuron and one step at a time."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from neurosim.chips.loihi.learning.draws import draw, word_of
from neurosim.chips.loihi.learning.rules import default_limits
from neurosim.connectivity.random import stream

TRACES = {"x": ("x1", "x2"), "y": ("y1", "y2", "y3"), "r": ("r1",)}
SIDES = {"x": "pre", "y": "post", "r": "reward"}


def bits_of(base, counter, index):
    """32 random bits."""
    return int(draw(np.int64(index), np.uint64(word_of(np.uint64(base), np.int64(counter)))))


class TwinTraces:
    """Traces of the neurons of one side."""

    def __init__(self, kind, settings, size, seed):
        self.names, self.settings, self.size = TRACES[kind], settings, size
        self.base = stream(seed, "learning", SIDES[kind])
        self.values = {name: [0] * size for name in self.names}
        self.before = {name: [0] * size for name in self.names}

    def chance(self, epoch, t, k, kind, index):
        counter = ((epoch * (self.settings.epoch_steps + 1) + t) * 8 + k) * 2 + kind
        return bits_of(self.base, counter, index) / 2**32

    def raised(self, name, value, draw_one):
        held = round(self.settings.traces[name].impulse * 128) / 128 if name in self.settings.traces else 0.0
        whole = math.floor(held)
        return min(127, value + whole + (draw_one() < held - whole if held > whole else 0))

    def run(self, epoch, times):
        """History by name, ``[t][neuron]``, for the steps at which each neuron fired."""
        found = {}
        for k, name in enumerate(self.names):
            trace = self.settings.traces.get(name)
            tau = trace.tau_steps if trace else 0
            linear = self.settings.decay == "linear"
            factor = 0.0 if tau == 0 else 1 - 1 / tau if linear else math.exp(-1 / tau)
            history = [[0] * self.size for _ in range(self.settings.epoch_steps + 1)]
            for i in range(self.size):
                value, before = self.values[name][i], self.before[name][i]
                for extra in range(1, len(times[i])):
                    value = self.raised(name, value, partial(self.chance, epoch, 0, k, 0, i + extra * self.size))
                history[0][i] = value
                for t in range(1, self.settings.epoch_steps + 1):
                    if value:
                        basis = (before if linear else value) * factor
                        value = math.floor(value * factor) + (self.chance(epoch, t, k, 0, i) < basis % 1)
                    before = value
                    if times[i] and max(times[i]) == t:
                        value = self.raised(name, value, partial(self.chance, epoch, t, k, 1, i))
                    history[t][i] = value
                self.values[name][i], self.before[name][i] = value, before
            found[name] = history
        return found


def saturated(value, bits):
    return min(max(value, -(2**bits)), 2**bits - 1)


class TwinProjection:
    """All synapses, none skipped; ``synapses`` are pairs of source and target."""

    def __init__(self, synapses, n_pre, n_post, start, rules, settings, formats, seed, away=False):
        self.synapses, self.rules, self.settings, self.formats, self.away = synapses, rules, settings, formats, away
        self.sides = {kind: TwinTraces(kind, settings, size, seed) for kind, size in (("x", n_pre), ("y", n_post), ("r", 1))}
        self.values = {name: list(values) for name, values in start.items()}
        self.base, self.epoch, self.limits = stream(seed, "learning", "synapses"), 0, default_limits()

    def advance(self, pre, post, reward):
        """``pre`` and ``post``: steps of each neuron; ``reward``: steps."""
        times = {"x": pre, "y": post, "r": [reward]}
        history = {name: one for kind, side in self.sides.items() for name, one in side.run(self.epoch, times[kind]).items()}
        k = self.rules.k
        ticks = k is not None and (self.epoch + 1) % 2**k == 0
        results = {}
        for z, target in enumerate("wdt"):
            if self.rules.products_of(target):
                results[target] = [self.changed(z, target, s, times, history, ticks) for s in range(len(self.synapses))]
        self.values.update(results)
        self.epoch += 1

    def changed(self, z, target, s, times, history, ticks):
        i, j = self.synapses[s]
        old = self.values[target][s]
        total = old << 7
        for product in self.rules.products_of(target):
            total = min(max(total + self.product(product, s, i, j, times, history, ticks), -(2**15)), 2**15 - 1)
        low, high, coarse = self.formats[z].low, self.formats[z].high, self.formats[z].coarse
        noise = bits_of(self.base, self.epoch * 3 + z, s)
        if self.away:
            size = math.ceil(abs(total - (old << 7)) / 128)
            size = (size + noise % 2**coarse) // 2**coarse * 2**coarse
            new = old + (size if total > old << 7 else -size)
        else:
            new = (total + noise % 2 ** (7 + coarse)) // 2 ** (7 + coarse) * 2**coarse
        return min(max(new, low), high)

    def product(self, product, s, i, j, times, history, ticks):
        when = product.dependency[0]
        owner = {"x": times["x"][i], "y": times["y"][j]}.get(when)
        if (owner is not None and not owner) or (when == "u" and not ticks):
            return 0
        t = max(owner) if owner is not None else self.settings.epoch_steps
        value, width = product.mantissa, 4
        for factor in product.factors:
            value *= self.factor(factor, s, {"x": i, "y": j, "r": 0}, t, times, history, ticks)
            width += factor.width(self.limits)
        value >>= max(0, width - 15)
        value <<= product.exponent + 7
        return min(max(value, -(2**15)), 2**15 - 1)

    def factor(self, factor, s, neuron, t, times, history, ticks):
        kind = factor.name[0]
        if kind == "u":
            value = int(ticks)
        elif kind in self.values:
            value = self.values[kind][s]
        elif factor.name in history:
            value = history[factor.name][t][neuron[kind]]
        else:
            value = int(bool(times[kind][neuron[kind]]))
        value = saturated(value + factor.constant, factor.width(self.limits))
        return (value > 0) - (value < 0) if factor.is_sign else value
