"""Probabilities learned from what customers did before: churn and channels."""
