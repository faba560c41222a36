"""Which vectors of a FAISS index may be found."""

import faiss
import numpy as np
from numpy.typing import NDArray


class LiveRows:
    """A mask of live rows, and `params` that hold a FAISS flat search to them.

    FAISS is handed a pointer to the packed bits and takes no part in keeping them: they live as long as this does.
    """

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        self.mask = mask
        self.count = int(mask.sum())
        self._bits = np.packbits(mask, bitorder="little")
        self._selector = faiss.IDSelectorBitmap(self._bits.size, faiss.swig_ptr(self._bits))
        self.params = faiss.SearchParameters(sel=self._selector)  # type: ignore[call-arg]
