"""Bytes that nobody vouches for, thrown at everything that reads a file."""
