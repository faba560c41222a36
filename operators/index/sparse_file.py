"""The files of a sparse index, mapped; a term's postings are proven when they are first used, and only then.

`indptr.npy` uint64 [vocabulary + 1]: term t has the postings `indptr[t]` up to `indptr[t + 1]`.
`docs.npy` uint32 [nnz]: their rows, ascending inside a term. `weights.npy` float16 [nnz], 0 to 65,504.
`maxima.npy` float32 [vocabulary]: each term's largest weight, which bounds what it can add to a score.
`digests.npy` uint8 [vocabulary, 16]: BLAKE2b of each term's rows and weights, so that the postings of a few terms can
be read, and proven, without the rest of the two large files.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.index.npy import map_array
from operators.index.settings import named_file

INDPTR, DOCS, WEIGHTS, MAXIMA, DIGESTS = "indptr.npy", "docs.npy", "weights.npy", "maxima.npy", "digests.npy"
#: Files of which a search needs the parts that belong to its terms.
BY_TERM = (DOCS, WEIGHTS)
DIGEST_BYTES = 16
_BITS_OF_INFINITY = 0x7C00

#: Brings byte ranges of a file, by its name, onto this machine: `(start, stop)` each.
Bring = Callable[[str, Iterable[tuple[int, int]]], None]


def term_digest(docs: NDArray[np.uint32], weights: NDArray[np.float16]) -> bytes:
    """BLAKE2b, 16 bytes, of a term's rows and weights."""
    digest = blake2b(docs.tobytes(), digest_size=DIGEST_BYTES)
    digest.update(weights.tobytes())
    return digest.digest()


@dataclass(frozen=True)
class Postings:
    """Read-only mapped arrays; call `prove` with the terms before their postings are read."""

    files: Mapping[str, Path]
    rows: int
    indptr: NDArray[np.uint64]
    docs: NDArray[np.uint32]
    weights: NDArray[np.float16]
    maxima: NDArray[np.float32]
    digests: NDArray[np.uint8]
    bring: Bring | None
    _proven: set[int] = field(default_factory=set)

    def prove(self, terms: Iterable[int]) -> None:
        """Check the postings of terms that were not used before, fetching what is not here.

        Raises `IntegrityError` where they are not those that were published, or no postings at all.
        """
        wanted = [term for term in terms if term not in self._proven]
        missing = [term for term in wanted if not self._is_intact(term)]
        if missing and self.bring:
            for name, array in ((DOCS, self.docs), (WEIGHTS, self.weights)):
                before = self.files[name].stat().st_size - array.nbytes
                self.bring(name, [self._bytes(term, before, array.itemsize) for term in missing])
            missing = [term for term in missing if not self._is_intact(term)]
        if missing:
            raise IntegrityError(
                f"{self.files[DOCS]} and {WEIGHTS} beside it do not hold the postings of term {missing[0]} that were "
                f"published. Restore them from a copy, or index again"
            )
        for term in wanted:
            self._check(term)
        self._proven.update(wanted)

    def _bytes(self, term: int, before: int, size: int) -> tuple[int, int]:
        start, stop = int(self.indptr[term]), int(self.indptr[term + 1])
        return before + start * size, before + stop * size

    def _of(self, term: int) -> tuple[NDArray[np.uint32], NDArray[np.float16]]:
        place = slice(int(self.indptr[term]), int(self.indptr[term + 1]))
        return self.docs[place], self.weights[place]

    def _is_intact(self, term: int) -> bool:
        expected: bytes = self.digests[term].tobytes()
        return term_digest(*self._of(term)) == expected

    def _check(self, term: int) -> None:
        """What the compiled search relies on: it looks nothing up outside its arrays, whatever a file says."""
        docs, weights = self._of(term)
        if not docs.size:
            return
        if int(docs[-1]) >= self.rows or not (docs[1:] > docs[:-1]).all():
            raise IntegrityError(
                f"{self.files[DOCS]}: expected ascending rows below {self.rows} for term {term}. Index again"
            )
        largest = int(weights.view(np.uint16).max())
        if largest >= _BITS_OF_INFINITY or np.float32(np.uint16(largest).view(np.float16)) != self.maxima[term]:
            raise IntegrityError(
                f"{self.files[WEIGHTS]}: expected weights from 0 to {self.maxima[term]} for term {term}. Index again"
            )


def open_postings(files: Mapping[str, Path], vocabulary: int, rows: int, bring: Bring | None = None) -> Postings:
    """Map the files of an index; all but the two large ones were verified. `bring` fetches what those two lack.

    Raises `IntegrityError` where they are not such an index.
    """
    indptr = map_array(named_file(files, INDPTR), np.uint64, (vocabulary + 1,))
    if int(indptr[0]) or not (indptr[:-1] <= indptr[1:]).all():
        raise IntegrityError(f"{files[INDPTR]} is not a sparse index: expected offsets that ascend from 0. Index again")
    count = int(indptr[-1])
    docs = map_array(named_file(files, DOCS), np.uint32, (count,))
    weights = map_array(named_file(files, WEIGHTS), np.float16, (count,))
    maxima = map_array(named_file(files, MAXIMA), np.float32, (vocabulary,))
    digests = map_array(named_file(files, DIGESTS), np.uint8, (vocabulary, DIGEST_BYTES))
    return Postings(files, rows, indptr, docs, weights, maxima, digests, bring)
