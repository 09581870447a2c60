"""Lodos Otelleri, a made-up Turkish hotel group: its guests, stays, clicks and consents by seed.

Everything is drawn with numpy as columns, one element per guest, trip or event. Days are integers
counted from 1970-01-01; names that end in ``_s`` are seconds of Istanbul wall time from then on
(UTC+3 all year since 2016). Money is in minor units and ends in ``_minor``.
"""
