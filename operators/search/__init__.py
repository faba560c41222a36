"""Open a published snapshot, encode a query with its own encoders, search, fuse, show."""
