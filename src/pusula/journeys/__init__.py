"""Journeys: how a profile comes in, what happens to it step by step, and how it leaves."""
