"""Three nights of one collection, with everything in it that a page must not take for its own."""

from dataclasses import dataclass

import pytest

from operators.core.errors import GateError
from operators.core.storage import Store, open_store
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.reporting import index_reported, recipe_of

SCRIPT = "<script>alert(1)</script>"
EVIL = f"{SCRIPT}\"'><img src=https://evil.example/x onerror=alert(1)>\u202egnp.exe"
SPARSE = {"kind": "sparse", "model": "idf"}


@dataclass(frozen=True)
class Nights:
    """The runs of the first night, of one that followed it, and of one that a gate refused."""

    store: Store
    first: str
    second: str
    refused: str

    def page(self, run: str) -> str:
        """The page of a run as it was written."""
        return self.store.get(f"runs/{run}/report.html").decode()


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    folder = tmp_path_factory.mktemp("nights")
    corpus = folder / "corpus" / "a.jsonl"
    documents = [document(number) for number in range(60)]
    bad = [{"_id": EVIL, "title": None, "text": None}, {"title": "no id", "text": "x"}, document(1)]
    canaries = [{"query": f"number7 {EVIL}", "expect": ["doc-00007", EVIL], "mode": "dense", "min_hits": 0}]
    settings = {
        "encoders": {"dense": {"kind": "dense", "model": "hashing", "dimensions": 16}, "sparse": SPARSE},
        "publish": {"max_reject_ratio": 0.2, "canaries": canaries},
    }
    write_corpus(corpus, [*documents, *bad])
    first = index_reported(recipe_of(folder, **settings)).run
    write_corpus(corpus, [*documents[:-1], *(document(number) for number in range(100, 110)), bad[0]])
    second = index_reported(recipe_of(folder, "index.flat_rows=123", **settings)).run
    write_corpus(corpus, documents[:5])
    store = open_store(str(folder / "store" / "mill"))
    with pytest.raises(GateError):
        index_reported(recipe_of(folder, **settings))
    [refused] = {info.key.split("/")[1] for info in store.list("runs")} - {first, second}
    return Nights(store, first, second, refused)
