"""Builds an index of seismic in a process of its own. Run by path, so that it imports nothing of ours.

The library takes the number of its threads from the environment alone, prints to standard output, holds Python's lock
for as long as it builds, and ends the process that has too little memory for it.
"""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(rows: str, path: str, kind: str, *numbers: str) -> None:
    """Index the file of rows by the library's class of that kind, with its four numbers in order."""
    # Whoever was killed waits for no answer.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    import seismic

    n_postings, centroid_fraction, summary_energy, max_fraction = numbers
    index = getattr(seismic, kind).build(
        rows,
        n_postings=int(n_postings),
        centroid_fraction=float(centroid_fraction),
        summary_energy=float(summary_energy),
        max_fraction=float(max_fraction),
    )
    index.save(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
