"""Call-centre records, pushed one by one or read from a file."""
