"""A part to Parquet, to the store, to its receipt."""
