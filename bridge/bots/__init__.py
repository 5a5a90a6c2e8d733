"""People in, news out."""
