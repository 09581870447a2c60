"""Templates turned into one person's subject, text and HTML."""
