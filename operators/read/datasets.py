"""A Hugging Face `Dataset` saved with `save_to_disk`: a folder with a state.json that names Arrow stream files."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from operators.core.errors import UsageError
from operators.read.fields import present_fields, require_fields
from operators.read.record import Record
from operators.read.slices import Slice
from operators.read.source import SourceFile, UnreadableError, naming, shown
from operators.read.spec import SourceSpec
from operators.read.values import batch_records


def data_files(filesystem: Any, folder: str, uri: str) -> list[str]:
    """The Arrow files of a saved dataset; raises `UsageError` for any other folder, naming the splits of a dict."""
    with naming("list", uri):
        if filesystem.exists(f"{folder}/state.json"):
            state = json.loads(filesystem.cat_file(f"{folder}/state.json"))
            return [f"{folder}/{file['filename']}" for file in state["_data_files"]]
        if filesystem.exists(f"{folder}/dataset_dict.json"):
            splits = json.loads(filesystem.cat_file(f"{folder}/dataset_dict.json"))["splits"]
            raise UsageError(
                f"{shown(uri)} holds the splits {', '.join(splits)}: expected one dataset. "
                f"Name a split in source.uri, such as {shown(uri).rstrip('/')}/{splits[0]}"
            )
    raise UsageError(
        f"{shown(uri)} has no state.json: expected a folder written by datasets' Dataset.save_to_disk. "
        f"For files of other kinds set source.format"
    )


def read_datasets(piece: Slice, spec: SourceSpec) -> Iterator[Record]:
    """One record a row, numbered through the file; raises `UsageError` where the id or a text column is missing."""
    before = 0
    for number, batch in enumerate(record_batches(piece.path, spec)):
        if number >= piece.stop:
            return
        if number >= piece.start:
            yield from batch_records(batch, before)
        before += batch.num_rows


def record_batches(path: str, spec: SourceSpec) -> Iterator[pa.RecordBatch]:
    """The file's batches with the columns the spec names; raises `UnreadableError` after the last good one."""
    with SourceFile(path) as source:
        try:
            with pa.ipc.open_stream(pa.PythonFile(source, mode="r")) as stream:
                require_fields(path, stream.schema.names, spec)
                names = present_fields(stream.schema.names, spec)
                for batch in stream:
                    yield batch.select(names)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableError(f"not a complete Arrow stream: {error}") from error
