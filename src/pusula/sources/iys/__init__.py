"""The adapter of İYS: tells it our decisions, asks it for those it was told."""
