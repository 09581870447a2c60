"""Elektraweb: a log-in, then lists of reservations by their status."""
