"""A file nobody has described yet: what stands in it, what its columns seem to be, a mapping."""
