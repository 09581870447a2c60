"""What a file can bring: orders, profiles, events, consents; one module each."""
