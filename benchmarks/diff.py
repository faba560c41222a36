"""The comparison of a night's keys with the ledger, at full size: is it minutes, and is memory flat?

    python benchmarks/diff.py [--keys 10000000] [--changed 0.02]

Makes a ledger and a night's key files of random digests on disk, then runs the run's own steps on Ray: compare every
range, and write the next ledger. The driver's memory is its peak over what it had before.
"""

import argparse
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from processes import resident, tree_memory

from operators.core import columns, layout, schema
from operators.core.fingerprint import digest
from operators.core.manifest import LedgerFile
from operators.core.receipts import DiffReceipt
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.ledger.ranges import Range, ranges
from operators.ledger.states import State
from operators.write.parquet import to_parquet
from operators.write.stored import put_bytes
from pipelines.changes import Comparison, compare_range
from pipelines.cluster import connect
from pipelines.ledger import Settling, settle_range
from pipelines.place import Place

_PART_KEYS = 500_000
_MIB = 1 << 20
_Digests = NDArray[np.bytes_]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--changed", type=float, default=0.02)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, connect(None) as cluster:
        place = Place(Store(folder), "benchmark")
        found = ranges(asked.keys)
        keys, ledger = _make(place, asked.keys, asked.changed, found)
        inputs = {columns.INPUT: [1], columns.ORDINAL: [0], columns.STATE: [int(State.READ)]}
        kinds = {columns.INPUT: pl.UInt64, columns.ORDINAL: pl.Int64, columns.STATE: pl.Int64}
        states = pl.DataFrame(inputs, schema=kinds)
        before = resident(os.getpid()) / _MIB
        with _watched() as (workers, driver):
            started = time.perf_counter()
            comparison = Comparison(place, keys, ledger, states)
            receipts: list[DiffReceipt] = list(cluster.run(partial(compare_range, comparison), found))
            compared = time.perf_counter() - started
            settling = Settling(place, keys, (), ledger, states)
            list(cluster.run(partial(settle_range, settling), found))
            settled = time.perf_counter() - started - compared
    counts = {n: sum(getattr(r, n) for r in receipts) for n in ("added", "updated", "deleted", "unchanged")}
    print(f"{asked.keys:,} keys against a ledger of {asked.keys:,}, {len(found)} ranges, {os.cpu_count()} cores,")
    print(f"{platform.machine()}, ray {version('ray')}, polars {version('polars')}: {counts}")
    print(f"compare {compared:.1f} s, next ledger {settled:.1f} s")
    print(f"driver {before:,.0f} MiB before, at most {max(driver):,.0f} meanwhile; workers {max(workers):,.0f}")


def _make(
    place: Place, keys: int, changed: float, found: list[Range]
) -> tuple[tuple[StoredFile, ...], tuple[LedgerFile, ...]]:
    chance = np.random.default_rng(0)
    own = np.sort(np.frombuffer(chance.bytes(16 * keys), "S16"))
    contents = np.frombuffer(chance.bytes(16 * keys), "S16")
    ledger = tuple(_ledger(place, own, contents, each) for each in found)
    contents = np.where(chance.random(keys) < changed, np.frombuffer(chance.bytes(16 * keys), "S16"), contents)
    order = chance.permutation(keys)
    starts = range(0, keys, _PART_KEYS)
    files = (_keys(place, own, contents, np.sort(order[start : start + _PART_KEYS]), start) for start in starts)
    return tuple(files), ledger


def _hashes(values: _Digests) -> Any:
    return pa.Array.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(values.tobytes())])


def _prefixes(values: _Digests) -> NDArray[np.uint16]:
    return values.view(">u2").reshape(len(values), 8)[:, 0].astype(np.uint16)


def _documents(own: _Digests, contents: _Digests, rows: NDArray[np.int64]) -> dict[str, Any]:
    """What a row of a night's keys and a row of the ledger both have."""
    return {
        columns.KEY: _hashes(own[rows]),
        columns.CONTENT: _hashes(contents[rows]),
        columns.TEXT_HASH: _hashes(contents[rows]),
        columns.INPUT: pa.repeat(pa.scalar(1, pa.uint64()), len(rows)),
        columns.LINE: pa.array(rows + 1, pa.int64()),
    }


def _keys(place: Place, own: _Digests, contents: _Digests, rows: NDArray[np.int64], start: int) -> StoredFile:
    part = pa.repeat(f"part-{start:09d}", len(rows))
    prefix = pa.array(_prefixes(own[rows]), pa.uint16())
    found = {columns.PREFIX: prefix, **_documents(own, contents, rows), columns.PART: part}
    return place.put_table(f"keys/{start:09d}", pa.table(found).cast(schema.KEYS))


def _ledger(place: Place, own: _Digests, contents: _Digests, within: Range) -> LedgerFile:
    heads = _prefixes(own)
    [rows] = np.nonzero((heads >= within.first) & (heads <= within.last))
    found = {
        **_documents(own, contents, rows),
        columns.PART: pa.repeat("stored", len(rows)),
        columns.ROW: pa.array(rows, pa.int64()),
        columns.ROWS: pa.repeat(pa.scalar(1, pa.int64()), len(rows)),
    }
    data = to_parquet(pa.table(found).cast(schema.LEDGER_KEYS), {})
    file = put_bytes(place.store, layout.ledger("keys", within.bits, within.bucket, digest(data)), data)
    return LedgerFile(bits=within.bits, bucket=within.bucket, rows=len(rows), file=file)


@contextmanager
def _watched() -> Iterator[tuple[list[float], list[float]]]:
    """MiB of all Ray workers together and of this process, five times a second while the block runs."""
    workers, driver = [0.0], [0.0]
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            memory = tree_memory(os.getpid())
            workers.append(sum(size for title, size in memory.items() if title.startswith("ray::")) / _MIB)
            driver.append(memory.get("driver", 0) / _MIB)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield workers, driver
    finally:
        stop.set()
        watcher.join()


if __name__ == "__main__":
    main()
