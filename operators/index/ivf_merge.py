"""One FAISS index of many segments, merged on disk: in memory is one segment at a time.

Every segment becomes a shard, a file whose lists hold its live rows under their new numbers; all shards begin with one
template, so that what their codes mean is the same. FAISS itself compares the centres of lists alone: codes of another
training with the same centres would be merged without a word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.index.faiss_file import check_index, read_index, write_index
from operators.index.spec import Backend
from operators.index.trained import CLASSES, Training, read_training


@dataclass(frozen=True)
class Template:
    """What every shard begins as: a training, or without one a single list of the vectors themselves."""

    dimensions: int
    training: Training | None

    def empty(self) -> Any:
        """A new index without rows; raises `IntegrityError` where the training is not the one that was recorded."""
        if self.training:
            return read_training(self.training, self.dimensions)
        centre = faiss.IndexFlatIP(self.dimensions)
        centre.add(np.zeros((1, self.dimensions), np.float32))
        index = faiss.IndexIVFFlat(centre, self.dimensions, 1, faiss.METRIC_INNER_PRODUCT)
        # The index would point to what Python frees.
        index.own_fields = True
        centre.this.disown()  # type: ignore[attr-defined]
        index.is_trained = True
        return index


def shard_of_lists(template: Template, source: Path, trained: str, live: NDArray[np.bool_], first: int) -> None:
    """Turn a segment's verified index, in place, into a shard of its live rows, numbered from `first` on.

    `trained` is the sha256 of what it began as. Raises `IntegrityError` where that is not the template's training, or
    the file is not an index of so many rows of it.
    """
    training = template.training
    if training is None or training.record.file.sha256 != trained:
        kept = training.record.file.sha256 if training else "none"
        raise IntegrityError(f"{source} began with training {trained}, the others with {kept}: they cannot be merged")
    index = read_index(source)
    kind = CLASSES[Backend(training.record.backend)].__name__
    known = {"dimensions": template.dimensions, "rows": live.size, "lists": training.record.lists}
    check_index(source, index, {"class": kind, **known})
    dead = np.flatnonzero(~live)
    if dead.size:
        index.remove_ids(dead)
    numbers = np.where(live, first + np.cumsum(live) - 1, -1)
    for number in range(index.nlist):
        size = index.invlists.list_size(number)
        if size:
            ids = faiss.rev_swig_ptr(index.invlists.get_ids(number), size)
            ids[:] = _renumbered(ids, numbers, source)
    write_index(index, source)


def shard_of_vectors(template: Template, matrices: Iterable[NDArray[np.float32]], first: int, path: Path) -> None:
    """Write a shard of vectors [rows, dimensions], numbered from `first` on."""
    index = template.empty()
    for matrix in matrices:
        numbers = np.arange(first, first + len(matrix))
        index.add_with_ids(matrix, numbers)
        first += len(matrix)
    write_index(index, path)


def merge_shards(template: Template, shards: Sequence[Path], path: Path, nprobe: int) -> None:
    """Write `path` and, beside it, `<stem>.ivfdata` with the lists.

    The index is opened with `faiss.IO_FLAG_ONDISK_SAME_DIR`, wherever the two lie. Raises `OSError` without room.
    """
    data = path.with_suffix(".ivfdata")
    merged = template.empty()
    opened = [faiss.read_index(str(shard), faiss.IO_FLAG_MMAP) for shard in shards]
    sizes = np.zeros(merged.nlist, np.uint64)
    # Not by FAISS, which writes through a map of the file, where a full disk kills the process, and prints.
    with data.open("wb") as file:
        for number in range(merged.nlist):
            held = [_list(shard, number) for shard in opened]
            for codes, _ in held:
                file.write(codes.data)
            for _, ids in held:
                file.write(ids.data)
            sizes[number] = sum(ids.size for _, ids in held)
    # Both files are moved together; a path of this machine would be looked for on others.
    lists = faiss.OnDiskInvertedLists(merged.nlist, merged.code_size, data.name)
    lists.set_all_lists_sizes(faiss.swig_ptr(sizes))
    lists.totsize = data.stat().st_size
    merged.replace_invlists(lists, True)
    lists.this.disown()  # type: ignore[attr-defined]
    merged.ntotal, merged.nprobe = int(sizes.sum()), nprobe
    write_index(merged, path)


def _list(shard: Any, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The codes and row numbers of a list, mapped."""
    size = shard.invlists.list_size(number)
    if not size:
        return np.empty(0, np.uint8), np.empty(0, np.int64)
    codes = faiss.rev_swig_ptr(shard.invlists.get_codes(number), size * shard.code_size)
    return codes, faiss.rev_swig_ptr(shard.invlists.get_ids(number), size)


def _renumbered(ids: NDArray[np.int64], numbers: NDArray[np.int64], source: Path) -> NDArray[np.int64]:
    if ids.min() < 0 or ids.max() >= numbers.size:
        raise IntegrityError(f"{source}: expected rows below {numbers.size} in its lists, got {ids.max()}. Index again")
    found: NDArray[np.int64] = numbers[ids]
    return found
