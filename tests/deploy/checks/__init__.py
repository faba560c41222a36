"""What is wrong with a set of manifests, one idea a file: each check takes manifests and returns problems as text."""
