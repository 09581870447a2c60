"""Mews: webhooks as hints, reconciliation by what was updated when."""
