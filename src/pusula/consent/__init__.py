"""The ledger of permissions, and the addresses we must not send to."""
