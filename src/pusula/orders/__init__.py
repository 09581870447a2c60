"""Purchases and bookings in their present state, with the history of their changes."""
