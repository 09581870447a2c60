"""A person's access and erasure over all stores, retention, and the audit log."""
