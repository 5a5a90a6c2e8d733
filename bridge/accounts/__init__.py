"""Users, sources, strategies, broker accounts and their limits."""
