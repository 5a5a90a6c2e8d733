"""Alerts in over HTTP: who sent it, was it seen before, what does it say."""
