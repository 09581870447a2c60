"""What was caused, against people held out, and which messages orders came after."""
