"""Which records may be one person though no rule says so: weighed by how often agreement is chance.

Fellegi and Sunter's model, estimated and computed by Splink on DuckDB. Knows no Django.
"""
