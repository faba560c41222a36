"""Which vectors of a FAISS index may be found."""

import faiss
import numpy as np
from numpy.typing import NDArray


class LiveRows:
    """A mask of live rows; `selector` holds a FAISS search to them, and `params` a flat one.

    FAISS is handed a pointer to the packed bits and takes no part in keeping them: they live as long as this does.
    """

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        self.mask = mask
        self.count = int(mask.sum())
        self._bits = np.packbits(mask, bitorder="little")
        self.selector = faiss.IDSelectorBitmap(self._bits.size, faiss.swig_ptr(self._bits))
        self.params = faiss.SearchParameters(sel=self.selector)  # type: ignore[call-arg]
