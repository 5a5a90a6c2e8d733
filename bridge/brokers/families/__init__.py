"""What several brokers share, written once: the HTTP client and the reading of replies."""
