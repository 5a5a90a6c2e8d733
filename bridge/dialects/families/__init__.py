"""What several dialects share: values and words, pairs, exits, the grammar of command blocks, strict JSON and its repair."""
