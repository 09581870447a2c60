"""SMS: how a text is cut and counted, and the gateways that carry it."""
