"""E-mail: how a message becomes bytes, how it is handed to the next hop, what the hop answered."""
