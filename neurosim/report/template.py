# ruff: noqa: E501
"""Template of the report: HTML and style in one text, so that the page needs no other file."""

from __future__ import annotations

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ name }} - neurosim</title>
<style>
:root { --ink: #1c2430; --soft: #667085; --line: #e3e7ee; --paper: #ffffff; --page: #f5f6f8; --accent: #1f4e79; --bad: #b5432e; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 18px; margin: 0 0 12px; }
h3 { font-size: 14px; margin: 20px 0 6px; color: var(--soft); font-weight: 600; }
p.lead { margin: 4px 0 24px; color: var(--soft); }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 20px 24px; margin: 0 0 20px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 13.5px; }
th { text-align: left; color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line); padding: 6px 10px 6px 0; white-space: nowrap; }
td { border-bottom: 1px solid var(--line); padding: 6px 10px 6px 0; vertical-align: top; }
tr:last-child td { border-bottom: 0; }
.n { text-align: right; white-space: nowrap; }
td.name { font-weight: 600; color: var(--accent); white-space: nowrap; }
.error { color: var(--bad); }
.note { color: var(--soft); font-size: 13px; margin: 10px 0 0; }
img { max-width: 100%; height: auto; display: block; }
pre { white-space: pre-wrap; font-size: 12.5px; }
.pair { display: grid; grid-template-columns: minmax(260px, 420px) 1fr; gap: 24px; align-items: start; }
.pair.single { grid-template-columns: 1fr; }
.tag { display: inline-block; background: #eaf0f7; color: var(--accent); border-radius: 4px; padding: 1px 8px; font-size: 12.5px; margin: 0 4px 4px 0; }
details summary { cursor: pointer; color: var(--accent); font-size: 14px; margin-top: 12px; }
@media (max-width: 760px) { .pair { grid-template-columns: 1fr; } }
@media print { body { background: #fff; } section { break-inside: avoid; } }
</style>
</head>
<body>
<main>
<h1>{{ name }}</h1>
<p class="lead">{{ lead }}</p>

<section>
<h2>Side by side</h2>
<table>
<tr><th>chip</th><th class="n">cores</th><th class="n">chips</th><th class="n">synapses lost</th><th class="n">weight error</th>
{% if simulated %}<th class="n">rate (Hz)</th><th class="n">CV ISI</th>{% endif %}
{% if has_ideal and simulated %}<th class="n">r, cells</th><th class="n">r, time</th>{% endif %}
<th>approximations</th></tr>
{% for item in chips %}
<tr><td class="name">{{ item.run.chip }}</td>
{% if item.run.error %}
<td class="error" colspan="9">{{ item.run.error }}</td>
{% else %}
<td class="n">{{ item.run.n_cores | whole }}</td><td class="n">{{ item.run.n_chips | whole }}</td>
<td class="n">{{ item.row.synapses_lost | whole }}</td><td class="n">{{ item.weight_error }}</td>
{% if simulated %}<td class="n">{{ item.row.rate_hz | number(".2f") }}</td><td class="n">{{ item.cv | number(".2f") }}</td>{% endif %}
{% if has_ideal and simulated %}<td class="n">{{ item.rows_r | number(".2f") }}</td><td class="n">{{ item.time_r | number(".2f") }}</td>{% endif %}
<td>{% for word in item.run.approximations %}<span class="tag">{{ word }}</span>{% else %}-{% endfor %}</td>
{% endif %}
</tr>
{% endfor %}
</table>
{% if has_ideal and simulated %}
<p class="note">r is the correlation with the ideal reference: of spike counts over cells, and of population activity over time in bins of 5 ms.</p>
{% endif %}
</section>

{% if raster %}
<section>
<h2>Spikes</h2>
<img alt="Raster of the recorded spikes on each chip, with rates" src="{{ raster }}">
<p class="note">Up to 400 neurons per chip, one dot per spike; below it the mean rate of all recorded neurons in bins of 5 ms. Right: rates of single neurons.</p>
</section>

<section>
<h2>Recorded populations</h2>
<table>
<tr><th>chip</th><th>population</th><th class="n">neurons</th><th class="n">spikes</th><th class="n">rate (Hz)</th><th class="n">CV ISI</th>
{% if has_ideal %}<th class="n">rate - ideal</th><th class="n">spikes - ideal</th><th class="n">r, cells</th><th class="n">r, time</th>{% endif %}</tr>
{% for item in chips %}{% for p in item.row.populations %}
<tr><td class="name">{{ item.run.chip }}</td><td>{{ p.population }}</td><td class="n">{{ p.n_recorded | number }}</td><td class="n">{{ p.n_spikes | number }}</td>
<td class="n">{{ p.rate_hz | number(".2f") }}</td><td class="n">{{ p.cv_isi | number(".2f") }}</td>
{% if has_ideal %}
<td class="n">{{ p.rate_difference_hz | signed if p.rate_difference_hz is defined else "-" }}</td>
<td class="n">{{ p.spike_difference | signed if p.spike_difference is defined else "-" }}</td>
<td class="n">{{ p.rate_correlation | number(".2f") if p.rate_correlation is defined else "-" }}</td>
<td class="n">{{ p.activity_correlation | number(".2f") if p.activity_correlation is defined else "-" }}</td>
{% endif %}</tr>
{% endfor %}{% endfor %}
</table>
</section>
{% endif %}

{% for item in chips if item.map or item.losses %}
<section>
<h2>{{ item.run.title }}</h2>
<div class="pair{{ '' if item.map else ' single' }}">
{% if item.map %}<div><img alt="Map of the used cores of {{ item.run.chip }}" src="{{ item.map }}"></div>{% endif %}
<div>
<table>
<tr><td>neurons</td><td class="n">{{ item.run.n_neurons | number }}</td></tr>
<tr><td>synapses (expected)</td><td class="n">{{ item.run.n_synapses | number }}</td></tr>
<tr><td>cores in use</td><td class="n">{{ item.run.n_cores | whole }}</td></tr>
<tr><td>chips in use</td><td class="n">{{ item.run.n_chips | whole }}</td></tr>
{% if item.run.binding %}<tr><td>fullest resource</td><td class="n">{{ item.run.binding }}</td></tr>{% endif %}
{% if item.run.hardware_s is not none %}<tr><td>the chip itself would take</td><td class="n">{{ item.run.hardware_s | duration }}</td></tr>{% endif %}
</table>
</div>
</div>
{% if item.losses %}
<details{{ ' open' if item.losses | length <= 14 else '' }}><summary>What was lost ({{ (item.losses | length) + item.more_losses }} entries)</summary>
<table>
<tr><th>kind</th><th>where</th><th>what</th><th class="n">count</th><th class="n">share</th><th class="n">error</th><th>detail</th></tr>
{% for loss in item.losses %}
<tr><td title="{{ kinds[loss.kind] }}">{{ loss.kind }}</td><td>{{ loss.where }}</td><td>{{ loss.what }}</td><td class="n">{{ loss.count | number }}</td>
<td class="n">{{ ("%.3g %%" | format(100 * loss.fraction)) if loss.total else "-" }}</td><td class="n">{{ loss | error_text or "-" }}</td><td>{{ loss.detail }}</td></tr>
{% endfor %}
</table>
{% if item.more_losses %}<p class="note">{{ item.more_losses }} more entries are not shown.</p>{% endif %}
</details>
{% endif %}
</section>
{% endfor %}

{% if costs %}
<section>
<h2>Time and energy on the chip</h2>
<table>
<tr><th>chip</th>{% for name in costs[0].columns %}<th class="n">{{ name }}</th>{% endfor %}</tr>
{% for item in costs %}
<tr><td class="name">{{ item.chip }}</td>{% for cell in item.cells %}<td class="n">{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% for item in costs %}{% for note in item.notes %}<p class="note">{{ item.chip }}: {{ note }}</p>{% endfor %}{% endfor %}
{% for item in costs if item.formula %}
<details><summary>How the numbers of {{ item.chip }} come about</summary>
<h3>Formula</h3>
<pre>{{ item.formula }}</pre>
<h3>Not modelled</h3>
<ul>{% for text in item.not_modelled %}<li>{{ text }}</li>{% endfor %}</ul>
<h3>Constants</h3>
<table>
<tr><th>constant</th><th class="n">value</th><th>unit</th><th>evidence</th><th>confidence</th><th>source</th></tr>
{% for row in item.evidence %}
<tr><td>{{ row.name }}</td><td class="n">{{ row.value }}</td><td>{{ row.unit }}</td><td>{{ row.evidence }}</td>
<td{{ ' class="error"' | safe if row.confidence == "low" }}>{{ row.confidence }}</td><td>{{ row.source }}</td></tr>
{% endfor %}
</table>
</details>
{% endfor %}
</section>
{% endif %}

{% if stages %}
<section>
<h2>Wall time (s)</h2>
<table>
<tr><th>chip</th>{% for stage in stages %}<th class="n">{{ stage }}</th>{% endfor %}</tr>
{% for item in chips if item.run.stages %}
<tr><td class="name">{{ item.run.chip }}</td>{% for stage in stages %}<td class="n">{{ item.run.stages.get(stage) | number(".2f") }}</td>{% endfor %}</tr>
{% endfor %}
</table>
</section>
{% endif %}
</main>
</body>
</html>
"""
