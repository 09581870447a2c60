"""What every package may use: time, money, text, identifiers. No domain word, no Django."""
