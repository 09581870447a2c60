"""Recency, frequency, monetary: scores and named groups of customers."""
