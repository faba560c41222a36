"""Discover inputs, plan parts, read and normalize documents; what is not taken is rejected with a reason."""
