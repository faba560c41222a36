"""A published snapshot's live rows as files that other engines import, one file a format."""
