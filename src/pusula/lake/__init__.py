"""Rows as columns: the mechanism by which owners hand their tables over as Arrow."""
