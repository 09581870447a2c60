"""Who the customers are: profiles, the identifiers that lead to them, their traits."""
