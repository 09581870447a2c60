"""Messages waiting, sent, or not sent and why; the one way out of the house."""
