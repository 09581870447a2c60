"""Which messages an order came after, and how its credit is shared among them."""
