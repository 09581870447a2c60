"""Tests that ran elsewhere, analysed from a file."""
