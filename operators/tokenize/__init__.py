"""Text to token ids, and token windows for chunking. Needs no torch."""
