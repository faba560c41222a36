"""All five model families, in the layouts their cards were saved with, indexed and searched end to end in one run."""

from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from operators.core.encoder_spec import Kind
from operators.core.storage import open_store
from operators.publish.chain import read_manifest
from operators.search.snapshot import Snapshot
from tests.families import FAMILIES, TEXTS, Family
from tests.pipelines.conftest import Index, write_corpus

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Family]:
    folder = tmp_path_factory.mktemp("families")
    return {name.replace("_", "-"): build(folder / name) for name, build in FAMILIES.items()}


@pytest.mark.timeout(600)
def test_index_all_five_families_publishes_the_vectors_of_sentence_transformers(
    tmp_path: Path, index: Index, families: dict[str, Family]
) -> None:
    documents = [{"_id": f"d{n}", "title": "", "text": text} for n, text in enumerate(TEXTS) if text.strip()]
    write_corpus(tmp_path / "corpus" / "a.jsonl", documents)
    encoders = {name: family.spec().model_dump(mode="json") for name, family in families.items()}
    summary = index(encoders=encoders)
    assert summary.documents == len(documents)
    assert summary.recall == dict.fromkeys(families, 1.0)
    store = open_store(summary.uri)
    manifest = read_manifest(store)
    for name, family in families.items():
        stored = pl.concat([pl.read_parquet(BytesIO(store.get(p.vectors[name].key))) for p in manifest.parts])
        _compare(stored, family, [str(one["text"]) for one in documents])
    snapshot = Snapshot.open(summary.uri)
    assert {hit.doc_id for hit in snapshot.search(TEXTS[0], k=3)} <= {f"d{n}" for n in range(len(TEXTS))}


def _compare(stored: pl.DataFrame, family: Family, texts: list[str]) -> None:
    from sentence_transformers import SentenceTransformer, SparseEncoder

    prompt = family.document_prompt
    if family.kind is Kind.DENSE:
        expected = SentenceTransformer(str(family.folder), device="cpu").encode_document(texts, prompt=prompt)
        found = np.stack(stored["vector"].to_list())
        cosine = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
        assert cosine.min() >= 0.99999
        return
    model = SparseEncoder(str(family.folder), device="cpu")
    expected = model.encode_document(texts, prompt=prompt, convert_to_sparse_tensor=False, save_to_cpu=True).numpy()
    found = np.zeros_like(expected)
    for row, (indices, weights) in enumerate(stored.iter_rows()):
        found[row, indices] = weights
    assert np.abs(found - expected).max() <= 1e-4
    assert np.array_equal(found > 1e-3, expected > 1e-3)
