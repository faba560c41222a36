"""Anserini and Pyserini: JSON lines whose `vector` holds whole-number impacts, for their Lucene impact indexes."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from operators.core import columns
from operators.export.fields import ID, row_ids
from operators.export.json_rows import sparse_texts, splice
from operators.export.layout import SPARSE_ONLY, Layout, Written
from operators.export.live import Batch, LiveRows
from operators.export.numbered import NumberedFiles
from operators.export.weights import keep, quantize, refuse_negative

#: What Anserini's own SPLADE corpora were made with.
SCALE = 100.0
#: Anserini indexes the files of a folder in parallel.
_FILE_BYTES = 256 << 20


def _write(rows: LiveRows, folder: Path) -> Written:
    """A folder an encoder, each with numbered files `vectors-00000.jsonl`."""
    with ExitStack() as stack:
        paths = {name: folder / name / "vectors.jsonl" for name in rows.names}
        files = {name: stack.enter_context(NumberedFiles(path, _FILE_BYTES)) for name, path in paths.items()}
        for batch in rows.batches():
            for name, of_encoder in files.items():
                for line in _lines(batch, name, rows):
                    of_encoder.write(line)
    return Written(
        commands=tuple(
            f"python -m pyserini.index.lucene --collection JsonVectorCollection --input {name} --index {name}.lucene "
            f"--generator DefaultLuceneDocumentGenerator --impact --pretokenized --threads 4"
            for name in rows.names
        ),
        scales=dict.fromkeys(rows.names, SCALE),
    )


def _lines(batch: Batch, name: str, rows: LiveRows) -> Iterator[bytes]:
    sparse = batch.sparse[name]
    refuse_negative(sparse.weights, name)
    impacts = quantize(sparse.weights, SCALE)
    kept = keep(sparse, impacts > 0)
    vectors = sparse_texts(kept.starts, kept.terms, impacts[impacts > 0])
    texts = batch.documents[columns.TEXT].to_pylist() if columns.TEXT in batch.documents.column_names else None
    for number, row_id in enumerate(row_ids(batch.documents, rows.manifest)):
        contents = texts[number] if texts else ""
        yield f"{splice({ID: row_id, 'contents': contents}, {'vector': vectors[number]})}\n".encode()


ANSERINI = Layout(SPARSE_ONLY, _write)
