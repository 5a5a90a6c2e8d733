"""The middle: checks an intent, writes the journal, routes the order."""
