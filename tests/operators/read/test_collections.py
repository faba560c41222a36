"""Every shared collection reads completely, whatever its compression."""

import pyarrow.json
import pytest

from operators.read.keys import document_keys
from tests.conftest import data
from tests.operators.read.sources import read_all, source

#: As in the collections' README.md.
DOCUMENTS = {
    "belebele-ko": 488,
    "cranfield": 1_398,
    "gutenberg-en": 7_867,
    "klue-mrc-val": 235,
    "msmarco-first1000": 1_000,
    "nsmc-raw-a": 348_950,
    "parakqc": 8_991,
    "pydocs-en-ko": 16_538,
    "scifact": 5_183,
    "squadshifts-newwiki": 1_581,
    "vsdocs-ko": 5_678,
    "win32docs-en": 46_469,
}


#: Read in seconds, not in tenths.
LARGE = ("vsdocs-ko", "win32docs-en", "nsmc-raw-a")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in DOCUMENTS]
)
def test_collection_reads_completely_without_rejects_or_repeated_keys(name):
    table, rejects = read_all(source("jsonl", data(name) / "corpus.jsonl*", text=["title", "text"]))
    assert (table.num_rows, rejects.num_rows) == (DOCUMENTS[name], 0)
    assert len(document_keys(table, "p", "")["key128"].unique()) == DOCUMENTS[name]


def test_collection_as_json_lines_equals_itself_as_arrow_reads_it():
    folder = data("cranfield")
    table, _ = read_all(source("jsonl", folder / "corpus.jsonl"))
    oracle = pyarrow.json.read_json(folder / "corpus.jsonl")
    assert table["doc_id"].to_pylist() == oracle["_id"].to_pylist()
    assert table["text"].to_pylist() == oracle["text"].to_pylist()
