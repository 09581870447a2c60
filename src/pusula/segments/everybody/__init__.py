"""Every profile evaluated, by one process, several or an engine, and what was wrong put right."""
