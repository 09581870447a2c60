"""Charts drawn on the server as SVG: one drawing serves light, dark, print and a strict CSP.

Colours come from CSS classes, never from attributes. Each chart is drawn for several widths and
the page shows the nearest to its panel's own, so that text keeps its size. Each says in a sentence
what it shows and offers its figures as a table.
"""
