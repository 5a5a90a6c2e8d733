"""Hosted strategies."""
