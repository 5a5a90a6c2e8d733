"""Plumbing with no trading in it: settings, database, clock, vault, logs."""
