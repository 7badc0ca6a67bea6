"""What a run on Loihi takes: time and energy, counted from spikes and a placement.

:func:`.run.cost` joins all: a network in the chip's terms, where its neurons are and who fired when
give a :class:`.report.CostReport`. :mod:`.events` counts what happens in a step, :mod:`.energy`
multiplies counts by a table, :mod:`.timing` and :mod:`.noc` say how long a step takes.
:mod:`.profile` has the tables, which are sections of the datasheet (:mod:`.sheet`). :mod:`.arrays`
names the plain arrays between them. Import the modules: this package itself stays light.
"""
