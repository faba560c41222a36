"""Tables of databases and table formats as sources: listed, or copied once, as Parquet files."""
