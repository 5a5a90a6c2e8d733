"""The pages, seen as a user sees them."""
