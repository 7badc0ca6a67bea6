"""Benchmarks of the mapper, against published placements, the real SpiNNaker tool chain and the given order.

``python -m benchmarks.mapping`` runs all of them and keeps what it printed in ``benchmarks/results/mapping.txt``;
each part (``placement``, ``partition``, ``routing``, ``whole``, ``checks``) can be run on its own.
"""
