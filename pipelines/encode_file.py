"""`millrace encode`: one encoder on one file, without Ray, for parity checks and debugging."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.errors import UsageError
from operators.encode.encoder import open_encoder
from operators.tokenize.tokenizer import Tokenizer
from pipelines.job import plan_encoder

#: Texts tokenized and encoded at a time: enough to sort by length, few enough to hold a 1 MB text each.
_BATCH = 1024


def encode_file(source: Path, target: Path, spec: EncoderSpec, role: Role, fields: Sequence[str]) -> int:
    """Write one row an input line, in order: `_id`, and `vector` or `indices` and `weights`; returns the rows.

    `fields` are joined by a space. The target appears whole or not at all.
    """
    if not target.parent.is_dir():
        raise UsageError(f"{target}: the folder {target.parent} does not exist")
    planned = plan_encoder(spec)
    tokenizer = Tokenizer(planned.tokenizer(role))
    encoder = open_encoder(planned.spec, planned.folder)
    partial = target.with_name(f".{target.name}.partial")
    rows = 0
    writer: pq.ParquetWriter | None = None
    try:
        for batch in _batches(source, fields):
            tokens, _ = tokenizer.tokenize([text for _, text in batch])
            vectors = encoder.encode(tokens, role)
            table = vectors.add_column(0, "_id", pa.array([name for name, _ in batch], pa.string()))
            writer = writer or pq.ParquetWriter(partial, table.schema, compression="zstd")
            writer.write_table(table)
            rows += table.num_rows
        if writer is None:
            raise UsageError(f"{source} holds no line to encode")
        writer.close()
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return rows


def _batches(source: Path, fields: Sequence[str]) -> Iterator[list[tuple[str, str]]]:
    try:
        with source.open(encoding="utf-8-sig") as lines:
            records = (_record(source, number, line, fields) for number, line in enumerate(lines, 1) if line.strip())
            while batch := list(islice(records, _BATCH)):
                yield batch
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} cannot be read: {error}") from error


def _record(source: Path, number: int, line: str, fields: Sequence[str]) -> tuple[str, str]:
    try:
        record = json.loads(line)
        name, parts = record["_id"], [record[field] for field in fields if record.get(field)]
        text = " ".join(parts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{source}, line {number}: expected an object with _id and {', '.join(fields)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(name, str | int):
        raise UsageError(f"{source}, line {number}: expected _id to be a string or an integer, got {name!r}")
    if not text:
        raise UsageError(f"{source}, line {number}: none of the fields {', '.join(fields)} holds text")
    return str(name), text
