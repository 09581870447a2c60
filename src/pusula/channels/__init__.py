"""The wires: one folder per channel, each taking a finished message to its next hop."""
