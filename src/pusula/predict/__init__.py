"""Predictions: how each customer will buy, answer and choose, with a card for every model."""
