"""İYS, the national registry of message consents: its rules and our part in it; no HTTP."""
