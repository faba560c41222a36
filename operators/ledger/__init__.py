"""The ledger: what is indexed, where it came from and where it lies, compared a range of hashes at a time.

ranges.py cuts the hashes; files.py puts base and deltas together; occurrences.py, compare.py and settle.py say what a
night changes; match.py finds vectors that are there already.
"""
