"""Runs without Ray, in this process: 0.1 to 0.3 s each, for tests of many nights."""

import json
import zlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pyroaring import BitMap

from operators.core.storage import open_store
from operators.publish.chain import read_manifest
from pipelines.display import NoDisplay
from pipelines.inline import InlineCluster
from pipelines.job import Job, plan_job
from pipelines.load import load_recipe
from pipelines.progress import Progress
from pipelines.run import run_on
from pipelines.summary import Summary
from tests.pipelines.conftest import recipe_text

ENCODERS = {
    "dense": {"kind": "dense", "model": "hashing", "dimensions": 16},
    "sparse": {"kind": "sparse", "model": "hashing", "dimensions": 64},
}


def run_job(job: Job) -> Summary:
    return run_on(lambda: nullcontext(InlineCluster(2.0, 0.0, 1)), job, Progress(NoDisplay()))


def index_inline(folder: Path, *overrides: str, **more: Any) -> Summary:
    """Index `folder/corpus/*.jsonl` with hashing encoders."""
    path = folder / "recipe.yaml"
    path.write_text(recipe_text(folder, **{"encoders": ENCODERS, **more}))
    return run_job(plan_job(load_recipe(path, overrides)))


def contents(uri: str, number: int | None = None) -> dict[str, str]:
    """Live documents of a snapshot, by a reader that knows manifests, Parquet and roaring bitmaps only."""
    store = open_store(uri)
    manifest = json.loads(store.get(f"manifests/{number or read_manifest(store).snapshot:012d}.json"))
    parts = {part["part"]: part for part in manifest["parts"]}
    found: dict[str, str] = {}
    for segment in manifest["segments"]:
        dead = BitMap.deserialize(store.get(segment["dead"]["file"]["key"])) if segment["dead"] else BitMap()
        row = 0
        for name in segment["parts"]:
            with store.open(parts[name]["documents"]["key"]) as file:
                documents = pq.read_table(file, columns=["doc_id", "text", "chunk"]).to_pylist()
            for one in documents:
                if row not in dead:
                    assert one["doc_id"] not in found or one["chunk"], "a document twice"
                    found[one["doc_id"]] = found.get(one["doc_id"], "") + one["text"]
                row += 1
    assert len(found) == manifest["counts"]["documents"]
    return found


def counted(text: str, dimensions: int) -> np.ndarray:
    """The sparse hashing encoder once more, as a dense row."""
    row = np.zeros(dimensions, np.float32)
    for word in text.lower().split():
        row[(zlib.crc32(word.encode()) & 0x7FFFFFFF) % dimensions] += 1
    return row
