"""How often and for how much customers will buy: purchase-count and value models."""
