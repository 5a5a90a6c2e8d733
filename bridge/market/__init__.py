"""Instruments, calendars, dated rules and prices."""
