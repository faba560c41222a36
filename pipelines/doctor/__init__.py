"""`millrace doctor`: what would keep a run from working here, each thing looked at by itself."""
