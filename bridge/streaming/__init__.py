"""Quotes and order events out."""
