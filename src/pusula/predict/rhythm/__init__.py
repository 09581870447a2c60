"""Each customer's own rhythm: when the next order comes, at which hour, in which stage."""
