"""Bridge: from a trading signal to an order at a broker."""
