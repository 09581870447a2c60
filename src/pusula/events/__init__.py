"""What happened: an append-only log per customer."""
